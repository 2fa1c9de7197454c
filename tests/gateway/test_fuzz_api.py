"""Schemathesis: calls made up from the OpenAPI document, right and wrong ones, and every answer held against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from drawn_engine import picture
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from opened import Opened, opened
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema

from tryon_service.gateway.intake import FORM
from tryon_service.gateway.openapi import CODES_OF

SHORT, LONG = 10, 500
"""Made-up calls of each operation, right ones and wrong ones."""
LISTS, NUMBERS = ("product", "photos", "urls", "views"), ("width", "height", "ttl")
"""Fields of forms that are not one text."""
WITHOUT_INPUT = {"/healthz", "/readyz", "/metrics"}
OPERATIONS = [
    pytest.param(path, method, mode, id=f"{method} {path} {mode.value}")
    for path, method in CODES_OF
    for mode in GenerationMode
    if mode.is_positive or path not in WITHOUT_INPUT
]

for kind in ("jpeg", "png", "webp"):
    schemathesis.openapi.media_type(f"image/{kind}", st.just(picture(kind)))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with opened(folder, rate_key="1000000/minute", rate_address="1000000/minute") as made:
        made.put("known")
        yield made


@pytest.fixture(scope="module")
def document(gateway: Opened) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", gateway.app)


def possible(body: object) -> bool:
    """What no schema can say: as many views as photos, no URL where no host is allowed, no JPEG with transparency."""
    if not isinstance(body, dict):
        return True
    photos = len(body.get("product") or body.get("photos") or ())
    return (
        len(body.get("views", ())) in (0, photos)
        and "urls" not in body
        and not (body.get("background") == "transparent" and body.get("format") == "jpeg")
    )


def wrong_as_sent(case: schemathesis.Case) -> bool:
    """A form has texts only: null, true or [7] arrive as texts, none or several, which may well be right. Of a query,
    null and empty lists don't arrive at all."""
    if any(value in (None, [], {}) for value in (case.query or {}).values()):
        return False
    if case.media_type != FORM or not isinstance(case.body, dict):
        return True
    return all(_of_its_kind(name, value) for name, value in case.body.items())


def _of_its_kind(name: str, value: object) -> bool:
    if name in LISTS:
        return isinstance(value, list) and value != [] and all(isinstance(one, str | bytes) for one in value)
    return isinstance(value, int | float if name in NUMBERS else str | bytes)


def fuzz(document: BaseSchema, gateway: Opened, path: str, method: str, mode: GenerationMode, examples: int) -> None:
    headers = {"Authorization": f"Bearer {gateway.key()}"}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples == SHORT,
        phases=(Phase.explicit, Phase.generate),  # no shrinking: a failure names its call anyway
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(document[path][method].as_strategy(mode))
    def call(case: schemathesis.Case) -> None:
        assume(possible(case.body) if mode.is_positive else wrong_as_sent(case))
        case.call_and_validate(headers=headers)

    call()


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_the_document_is_kept(
    document: BaseSchema, gateway: Opened, path: str, method: str, mode: GenerationMode
) -> None:
    fuzz(document, gateway, path, method, mode, SHORT)


@pytest.mark.fuzz
@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_the_document_is_kept_for_long(
    document: BaseSchema, gateway: Opened, path: str, method: str, mode: GenerationMode
) -> None:
    fuzz(document, gateway, path, method, mode, LONG)


def test_every_operation_is_fuzzed(gateway: Opened) -> None:
    paths = gateway.client.get("/openapi.json").get_json()["paths"]
    assert {(path, method) for path, operations in paths.items() for method in operations} == set(CODES_OF)
