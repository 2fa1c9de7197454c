"""/v1/products and /v1/poses: put, get, list, remove; photos sent along or fetched; tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import JPEG, PNG, Opened, opened, problem

from tryon_service.fetch.client import Fetcher
from tryon_service.gateway.services import EXTENSION
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.limits import MAX_CALL


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        yield made


def test_a_product_comes_lives_and_goes(gateway: Opened) -> None:
    made = gateway.put("shirt-1", photos=[JPEG, PNG], views=["front", "three_quarter"])
    assert made.status_code == 201
    body = made.get_json()
    assert body["id"] == "shirt-1"
    assert [photo["view"] for photo in body["photos"]] == ["front", "three_quarter"]
    assert [photo["bytes"] for photo in body["photos"]] == [len(JPEG), len(PNG)]
    assert body["rights_reference"] == "contract 7"
    assert gateway.put("shirt-1").status_code == 200
    assert gateway.call("GET", "/v1/products/shirt-1").get_json()["id"] == "shirt-1"
    gone = gateway.call("DELETE", "/v1/products/shirt-1")
    assert (gone.status_code, gone.data) == (204, b"")
    for method in ("GET", "DELETE"):
        assert problem(gateway.call(method, "/v1/products/shirt-1")) == (404, "unknown_product", "product_id")


def test_the_list_has_pages_and_one_stores_products_only(gateway: Opened) -> None:
    for name in ("c", "a", "b"):
        gateway.put(name)
    first = gateway.call("GET", "/v1/products?page_size=2").get_json()
    assert [one["id"] for one in first["products"]] == ["a", "b"]
    rest = gateway.call("GET", f"/v1/products?page_size=2&page_token={first['next_page_token']}").get_json()
    assert ([one["id"] for one in rest["products"]], rest["next_page_token"]) == (["c"], "")
    assert gateway.call("GET", "/v1/products", store="other").get_json() == {"products": [], "next_page_token": ""}


@pytest.mark.parametrize(
    ("query", "field"),
    [("page_size=0", "page_size"), ("page_size=1001", "page_size"), ("page_size=x", "page_size"), ("size=2", "size"),
     ("page_size=1&page_size=2", "page_size"), (f"page_token={'x' * 1025}", "page_token")],
)  # fmt: skip
def test_the_lists_query_is_checked(gateway: Opened, query: str, field: str) -> None:
    assert problem(gateway.call("GET", f"/v1/products?{query}")) == (400, "invalid_option", field)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"photos": None}, (400, "missing_field", "photos")),
        ({"photos": [JPEG] * 9}, (400, "invalid_option", "photos")),
        ({"photos": [JPEG, b"no"]}, (400, "not_an_image", "photos[1]")),
        ({"rights_confirmed": None}, (400, "missing_field", "rights_confirmed")),
        ({"rights_confirmed": "false"}, (400, "invalid_option", "rights_confirmed")),
        ({"rights_reference": None}, (400, "missing_field", "rights_reference")),
        ({"rights_reference": ""}, (400, "invalid_option", "rights_reference")),
        ({"rights_reference": "x" * 201}, (400, "invalid_option", "rights_reference")),
        ({"views": ["front", "back"]}, (400, "invalid_option", "views")),
        ({"urls": ["https://cdn.example/a.jpg"]}, (400, "blocked_url", "urls[0]")),
        ({"photos": [JPEG] * 8, "urls": ["https://cdn.example/a.jpg"]}, (400, "invalid_option", "urls")),
        ({"colour": "red"}, (400, "invalid_option", "colour")),
    ],
    ids=str,
)
def test_a_product_is_checked_before_it_is_passed_on(
    gateway: Opened, fields: dict[str, object], expected: tuple[int, str, str]
) -> None:
    assert problem(gateway.put("a", **fields)) == expected
    assert not gateway.engine.calls


@pytest.mark.parametrize("name", ["a b", "ä", "x" * 129, "a%2Fb", "%0a", "a%0a", "%2e", "%2e%2e"])
def test_an_id_is_checked_too(gateway: Opened, name: str) -> None:
    for answer in (gateway.put(name), gateway.call("GET", f"/v1/products/{name}")):
        assert problem(answer)[:2] in ((400, "invalid_option"), (404, "not_found"))
    assert not gateway.engine.calls


def test_photos_are_fetched_after_those_sent_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(self: Fetcher, url: str, field: str = "product") -> bytes:
        return PNG if url.endswith(".png") else b"<html>not a photo</html>"

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    with opened(tmp_path, remote_hosts=("cdn.example",)) as gateway:
        answer = gateway.put("a", photos=JPEG, urls=["https://cdn.example/b.png"], views=["front", "back"])
        assert answer.status_code == 201
        sent = gateway.engine.last.photos
        assert list(sent) == [
            pb.ProductPhoto(image=JPEG, view=pb.VIEW_FRONT), pb.ProductPhoto(image=PNG, view=pb.VIEW_BACK),
        ]  # fmt: skip
        bad = gateway.put("b", photos=None, urls=["https://cdn.example/b.png", "https://cdn.example/b.html"])
        assert problem(bad) == (400, "not_an_image", "urls[1]")
        assert gateway.app.extensions[EXTENSION].fetcher is gateway.app.extensions[EXTENSION].fetcher


def test_fetched_photos_count_towards_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fetcher, "fetch", lambda self, url, field: PNG + bytes(19_000_000))
    with opened(tmp_path, remote_hosts=("cdn.example",)) as gateway:
        answer = gateway.put("a", photos=None, urls=[f"https://cdn.example/{i}.png" for i in range(6)])
        assert problem(answer) == (413, "too_many_bytes", f"urls[{MAX_CALL // 19_000_000}]")


def test_a_pose_is_a_token_that_nobody_keeps(gateway: Opened) -> None:
    answer = gateway.form("POST", "/v1/poses", shopper=JPEG, ttl="600", consent_reference="c")
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["pose"], body["expires_at"], body["view"]) == ("k1.AAAA", 1_900_000_000, "front")
    assert len(body["keypoints_coco18"]) == 18
    assert answer.headers["Cache-Control"] == "no-store"
    assert gateway.engine.last == pb.AnalyzePoseRequest(photo=JPEG, ttl_seconds=600, consent_reference="c")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (400, "missing_field", "shopper")),
        ({"shopper": JPEG, "ttl": "0"}, (400, "invalid_option", "ttl")),
        ({"shopper": JPEG, "ttl": "86401"}, (400, "invalid_option", "ttl")),
        ({"shopper": [JPEG, JPEG]}, (400, "invalid_option", "shopper")),
        ({"shopper": JPEG, "pose": "name:standing"}, (400, "invalid_option", "pose")),
    ],
    ids=str,
)
def test_a_poses_form_is_checked(gateway: Opened, fields: dict[str, object], expected: tuple[int, str, str]) -> None:
    assert problem(gateway.form("POST", "/v1/poses", **(fields or {"ttl": "5"}))) == expected
