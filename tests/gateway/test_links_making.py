"""What makes links: asked for by whom, for which products, at what cost, and what is said of bad input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guarded_app import SHOP, Bench, bench
from linked_products import code, links, two_shops

from tryon_service.access import signing


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with two_shops(tmp_path) as one:
        yield one


def test_unknown_products_are_named_beside_the_known(made: Bench) -> None:
    asked = {"pose": "name:standing", "product_ids": ["gone", "shirt", "lost"]}
    answer = made.post("/v1/render-urls", asked).get_json()
    assert [link["product_id"] for link in answer["links"]] == ["shirt"]
    assert answer["unknown_products"] == ["gone", "lost"]
    assert code(made.post("/v1/render-urls", {**asked, "product_ids": ["gone"]})) == (404, "unknown_product")


def test_links_cost_a_token_one_use_each(made: Bench) -> None:
    token = made.token(uses=3)
    assert len(links(made, "shirt", "dress", "gone", text=token, origin=SHOP)) == 2
    asked = {"pose": "name:standing", "product_ids": ["shirt", "dress"]}
    assert code(made.post("/v1/render-urls", asked, token, SHOP)) == (403, "token_spent")
    assert len(links(made, "shirt", text=token, origin=SHOP)) == 1


def test_a_token_signs_for_its_products_only(made: Bench) -> None:
    token = made.token(product_ids=["shirt"])
    answer = made.post("/v1/render-urls", {"pose": "name:x", "product_ids": ["shirt", "dress"]}, token, SHOP)
    assert code(answer) == (403, "forbidden")
    assert answer.get_json()["field"] == "product_ids[1]"
    assert len(links(made, "shirt", text=token, origin=SHOP)) == 1, "and it has cost nothing"


def test_urls_are_those_that_browsers_reach(tmp_path: Path) -> None:
    for public, expected in (("https://tryon.example/api/", "https://tryon.example/api/v1/products/shirt/render?"),
                             ("", "http://localhost/v1/products/shirt/render?")):  # fmt: skip
        with bench(tmp_path, public_url=public) as made:
            made.engine.put("shop", "shirt")
            answer = made.post("/v1/render-urls", {"pose": "name:x", "product_ids": ["shirt"]})
            assert answer.get_json()["links"][0]["url"].startswith(expected)


LINKS = {"pose": "name:standing", "product_ids": ["shirt"]}
TOKEN = {"origin": SHOP, "all": True}


@pytest.mark.parametrize(
    ("path", "body", "expected", "field"),
    [
        ("render-urls", {"product_ids": ["shirt"], "pose": None}, "invalid_option", "pose"),
        ("render-urls", {"product_ids": ["shirt"], "min_verdict": "doubtful"}, "invalid_option", "min_verdict"),
        ("render-urls", {"product_ids": ["shirt"], "fallback": "none"}, "invalid_option", "fallback"),
        ("render-urls", {"pose": "name:x"}, "missing_field", "product_ids"),
        *[("render-urls", {**LINKS, **wrong}, "invalid_option", field) for field, wrong in [
            ("pose", {"pose": ""}), ("pose", {"pose": 5}), ("pose", {"pose": "name:\ud800"}),
            ("pose", {"pose": "a" * 4097}), ("pose", {"pose": "a b"}), ("pose", {"pose": "name:x\n"}),
            ("product_ids", {"product_ids": []}), ("product_ids", {"product_ids": ["a"] * 101}),
            ("product_ids", {"product_ids": "shirt"}), ("product_ids[1]", {"product_ids": ["a", ".."]}),
            ("product_ids[0]", {"product_ids": ["."]}), ("product_ids[0]", {"product_ids": ["a/b"]}),
            ("product_ids[0]", {"product_ids": ["a" * 129]}), ("product_ids[0]", {"product_ids": ["a\n"]}),
            ("w", {"w": 0}), ("w", {"w": 4097}), ("w", {"w": "400"}), ("w", {"w": 1.5}),
            ("ttl", {"ttl": 0}), ("ttl", {"ttl": 3601}), ("min_verdict", {"min_verdict": "refused"}),
            ("fallback", {"fallback": "other"}), ("colour", {"colour": "red"}),
        ]],
        ("widget-tokens", {"all": True}, "missing_field", "origin"),
        *[("widget-tokens", {**TOKEN, **wrong}, "invalid_option", field) for field, wrong in [
            ("origin", {"origin": "https://shop.example/page"}), ("product_ids", {"all": False}),
            ("product_ids", {"product_ids": ["shirt"]}), ("product_ids", {"product_ids": [], "all": False}),
            ("product_ids", {"product_ids": [f"{index:0128}" for index in range(40)], "all": False}),
            ("all", {"all": "yes"}), ("all", {"all": 1}), ("uses", {"uses": 0}), ("uses", {"uses": 1001}),
            ("ttl", {"ttl": 601}), ("ttl", {"ttl": 0}), ("ttl", {"ttl": True * 0}),
        ]],
    ],
)  # fmt: skip
def test_bad_input_names_its_field(made: Bench, path: str, body: dict[str, Any], expected: str, field: str) -> None:
    answer = made.post(f"/v1/{path}", body)
    assert code(answer) == (400, expected)
    assert answer.get_json()["field"] == field
    assert answer.get_json()["detail"]


def test_minted_tokens(made: Bench) -> None:
    answer = made.post("/v1/widget-tokens", {"origin": SHOP, "product_ids": ["shirt"], "uses": 7, "ttl": 60})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body["uses"] == 7
    assert 0 < body["expires_at"] - made.access.clock() <= 60


def test_link_lifetimes(made: Bench) -> None:
    for ttl in (1, 60, signing.MAX_TTL):
        before = made.access.clock()
        expires = made.post("/v1/render-urls", {**LINKS, "ttl": ttl}).get_json()["expires_at"]
        assert expires - before <= ttl


def test_the_document_names_the_routes(made: Bench) -> None:
    paths = made.app.spec["paths"]
    product = "/v1/products/{product_id}"
    assert set(paths) == {f"{product}/render", f"{product}/photo", "/v1/render-urls", "/v1/widget-tokens"}
    names = {one["name"] for one in paths["/v1/products/{product_id}/render"]["get"]["parameters"]}
    assert names == {"product_id", "pose", "w", "min_verdict", "fallback", "v", "key", "exp", "sig"}
