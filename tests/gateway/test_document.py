"""The OpenAPI document is whole and sound, and its page stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
from opened import Opened, opened

from tryon_service.errors import CODES
from tryon_service.gateway import answers, openapi
from tryon_service.gateway.routes import pages


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("document")) as made:
        yield made


@pytest.fixture(scope="module")
def document(gateway: Opened) -> dict[str, Any]:
    return dict(gateway.client.get("/openapi.json").get_json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    found = set(references(document))
    assert found
    for reference in found:
        node: Any = document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
    assert set(document["components"]["securitySchemes"]) == {"Bearer"}


def test_every_operation_says_what_it_is_and_what_may_come(document: dict[str, Any]) -> None:
    ids = []
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        ids.append(operation["operationId"])
        assert {"500"} <= set(operation["responses"]), name
        assert any(status < "300" for status in operation["responses"]), name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            assert "X-Request-Id" in response["headers"], (name, status)
        for parameter in operation["parameters"]:
            assert parameter["description"], (name, parameter["name"])
    assert len(set(ids)) == len(ids)


def test_problems_are_all_there_with_examples_that_hold(document: dict[str, Any]) -> None:
    schema = {**document["components"]["schemas"]["Problem"], "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    shown = set()
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            for code, example in (
                response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
            ):
                validator.validate(example["value"])
                assert example["value"]["status"] == int(status), name
                shown.add(code)
    assert set(document["x-problems"]) == set(CODES)
    assert set(CODES) - shown <= {"not_found", "method_not_allowed"}, "those belong to no operation"


def test_forms_name_their_photos_and_refuse_others(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("RenderForm", "PoseForm", "ProductForm"):
        assert schemas[name]["additionalProperties"] is False
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description"), (name, field)
            assert schema.get("type") != ["string", "null"]
    assert schemas["RenderForm"]["properties"]["shopper"]["contentMediaType"]
    assert schemas["RenderForm"]["properties"]["product"]["items"]["contentMediaType"]


def test_nothing_of_the_table_is_left_over(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} == {f"{method} {path}" for path, method in openapi.CODES_OF}
    for codes in openapi.CODES_OF.values():
        assert set(codes) <= set(CODES)
    assert answers.VERDICTS == ("accepted", "doubtful", "refused")


class Page(HTMLParser):
    """Which elements there are, and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes[tag] = dict(attrs)
        if tag in ("script", "link", "img"):
            self.loads += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_page_is_our_own_and_fit_for_everybody(gateway: Opened) -> None:
    answer = gateway.client.get("/docs")
    assert answer.mimetype == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page()
    page.feed(answer.text)
    assert page.attributes["html"]["lang"] == "en"
    assert {"title", "header", "nav", "main", "h1", "h2", "noscript"} <= set(page.tags)
    assert page.tags.count("h1") == 1
    for address in page.loads:
        if address.startswith("data:"):
            continue
        assert address.startswith("/docs/"), "nothing from elsewhere"
        loaded = gateway.client.get(address)
        assert loaded.status_code == 200
        assert not re.search(r"https?://", loaded.text)
        assert "innerHTML" not in loaded.text


def test_the_page_serves_its_folder_and_nothing_else(gateway: Opened) -> None:
    for path in ("/docs/", "/docs/x", "/docs/../app.py", "/docs/%2e%2e/%2e%2e/app.py", "/docs/..%2fapp.py"):
        assert gateway.client.get(path).status_code == 404
    assert {file.name for file in (pages.STATIC / "docs").iterdir()} == {"index.html", "docs.js", "docs.css"}
