"""GET /v1/products/{id}/photos/{photo}, for keys that look after the cards, and GET /v1/poses."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import JPEG, PNG, Opened, opened, problem
from PIL import Image

from tryon_service.pb import tryon_pb2 as pb

PATH = "/v1/products/a/photos/0"
SHOP = "https://shop.example"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        made.put("a", photos=[JPEG, PNG])
        yield made


def test_a_photo(gateway: Opened) -> None:
    answer = gateway.call("GET", "/v1/products/a/photos/1?w=30")
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.data)).size == (30, 40)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert gateway.engine.last == pb.GetPhotoRequest(product_id="a", photo=1, width=30)
    gateway.call("GET", PATH)
    assert gateway.engine.last == pb.GetPhotoRequest(product_id="a")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/products/b/photos/0", (404, "unknown_product", "product_id")),
        ("/v1/products/a/photos/2", (404, "not_found", "photo")),
        ("/v1/products/a/photos/8", (404, "not_found", "photo")),
        (f"/v1/products/a/photos/{10**30}", (404, "not_found", "photo")),
        ("/v1/products/a/photos/-1", (404, "not_found", "")),
        ("/v1/products/a/photos/first", (404, "not_found", "")),
        ("/v1/products/a/photos/", (404, "not_found", "")),
        ("/v1/products/a b/photos/0", (400, "invalid_option", "product_id")),
        (f"{PATH}?w=0", (400, "invalid_option", "w")),
        (f"{PATH}?w=4097", (400, "invalid_option", "w")),
        (f"{PATH}?w=1.5", (400, "invalid_option", "w")),
        (f"{PATH}?w=10&w=20", (400, "invalid_option", "w")),
        (f"{PATH}?format=png", (400, "invalid_option", "format")),
    ],
)
def test_what_is_not_there(gateway: Opened, path: str, expected: tuple[int, str, str]) -> None:
    assert problem(gateway.call("GET", path)) == expected


def test_it_takes_a_key_of_the_store_with_the_scope_products(gateway: Opened) -> None:
    assert problem(gateway.call("GET", PATH, store="other"))[:2] == (404, "unknown_product")
    assert problem(gateway.client.get(PATH)) == (401, "unauthorized", "")
    terms = {"origin": SHOP, "all": True}
    token = gateway.call("POST", "/v1/widget-tokens", json=terms).get_json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Origin": SHOP}
    assert problem(gateway.client.get(PATH, headers=headers)) == (403, "forbidden", "")
    gateway.keys["shop"] = gateway.access.keys.create("shop", ("render", "admin"))[1]
    assert problem(gateway.call("GET", PATH)) == (403, "forbidden", "")


def test_house_poses_are_listed_for_the_scope_render(gateway: Opened) -> None:
    assert gateway.call("GET", "/v1/poses").get_json() == {"poses": ["standing", "walking"]}
    assert problem(gateway.client.get("/v1/poses")) == (401, "unauthorized", "")
    terms = {"origin": SHOP, "all": True, "uses": 1}
    token = gateway.call("POST", "/v1/widget-tokens", json=terms).get_json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Origin": SHOP}
    assert [gateway.client.get("/v1/poses", headers=headers).status_code for _ in range(3)] == [200] * 3
    gateway.keys["shop"] = gateway.access.keys.create("shop", ("products",))[1]
    assert problem(gateway.call("GET", "/v1/poses")) == (403, "forbidden", "")
