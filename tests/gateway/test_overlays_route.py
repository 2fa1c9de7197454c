"""GET /v1/products/{id}/overlays/{photo}: for the scope admin, of the store's own products."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_engine import REFUSED
from opened import Opened, opened, problem

from tryon_service.pb import tryon_pb2 as pb

PATH = "/v1/products/a/overlays/0"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        made.put("a")
        yield made


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", pb.OVERLAY_KIND_POSE),
        ("?kind=pose", pb.OVERLAY_KIND_POSE),
        ("?kind=parsing", pb.OVERLAY_KIND_PARSING),
        ("?kind=layers", pb.OVERLAY_KIND_LAYERS),
    ],
)
def test_a_drawing(gateway: Opened, query: str, kind: pb.OverlayKind) -> None:
    answer = gateway.call("GET", PATH + query)
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.data.startswith(b"\x89PNG")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert gateway.engine.last == pb.InspectRequest(product_id="a", photo=0, kind=kind)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/products/b/overlays/0", (404, "unknown_product", "product_id")),
        ("/v1/products/a/overlays/1", (404, "not_found", "photo")),
        ("/v1/products/a/overlays/8", (404, "not_found", "photo")),
        (f"/v1/products/a/overlays/{10**30}", (404, "not_found", "photo")),
        ("/v1/products/a/overlays/-1", (404, "not_found", "")),
        ("/v1/products/a/overlays/first", (404, "not_found", "")),
        (f"{PATH}?kind=x-ray", (400, "invalid_option", "kind")),
        (f"{PATH}?kind=pose&kind=layers", (400, "invalid_option", "kind")),
        (f"{PATH}?colour=red", (400, "invalid_option", "colour")),
    ],
)
def test_what_is_not_there(gateway: Opened, path: str, expected: tuple[int, str, str]) -> None:
    assert problem(gateway.call("GET", path)) == expected


def test_another_stores_product_is_unknown(gateway: Opened) -> None:
    assert problem(gateway.call("GET", PATH, store="other"))[:2] == (404, "unknown_product")


def test_it_takes_the_scope_admin(gateway: Opened) -> None:
    gateway.keys["shop"] = gateway.access.keys.create("shop", ("render", "products"))[1]
    assert problem(gateway.call("GET", PATH)) == (403, "forbidden", "")
    assert problem(gateway.client.get(PATH)) == (401, "unauthorized", "")


def test_a_photo_that_cannot_be_used_says_why(gateway: Opened) -> None:
    gateway.engine.failure = REFUSED
    answer = gateway.call("GET", PATH)
    assert problem(answer)[:2] == (422, "body_cropped")
    assert len(answer.get_json()["reasons"]) == 2
