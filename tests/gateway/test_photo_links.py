"""Signed links to product photos: as the links to pictures, but they cost a token nothing and render nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from guarded_app import SHOP, Bench, bench
from linked_products import code, links, two_shops

from tryon_service.access.signing import sign_link
from tryon_service.errors import UnavailableError


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with two_shops(tmp_path) as one:
        yield one


def photo_links(made: Bench, *ids: str, text: str = "", origin: str | None = None, **terms: Any) -> list[str]:
    """Paths with queries."""
    answer = made.post("/v1/render-urls", {"product_ids": ids or ["shirt"], **terms}, text, origin)
    assert answer.status_code == 200, answer.text
    parts = [urlsplit(link["url"]) for link in answer.get_json()["links"]]
    return [f"{part.path}?{part.query}" for part in parts]


def test_a_link_shows_the_photo_to_anybody(made: Bench) -> None:
    (link,) = photo_links(made, w=400)
    assert link.startswith("/v1/products/shirt/photo?")
    answer = made.client.get(link)
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert answer.data == b"photo 0 of shirt at 400"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Tryon-Verdict" not in answer.headers
    assert made.client.head(link).data == b""
    assert made.client.get(photo_links(made)[0]).data == b"photo 0 of shirt at 0"
    assert made.engine.rendered == []


def test_it_is_kept_by_the_browser_as_long_as_it_lives(made: Bench) -> None:
    (link,) = photo_links(made)
    answer = made.client.get(link)
    whose, _, age = answer.headers["Cache-Control"].partition(", max-age=")
    assert whose == "private"
    assert 3600 * 5 // 6 - 5 < int(age) <= 3600
    again = made.client.get(link, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"].startswith("private, max-age=")
    assert len(made.engine.shown) == 1, "a 304 shows nothing"
    others = [photo_links(made, w=40)[0], photo_links(made, "dress")[0], links(made)[0]]
    assert answer.headers["ETag"] not in {made.client.get(other).headers["ETag"] for other in others}


def test_links_are_the_same_for_all_shoppers(made: Bench) -> None:
    assert photo_links(made) == photo_links(made, text=made.token(), origin=SHOP)


def test_a_token_pays_nothing_and_stays_with_its_products(made: Bench) -> None:
    token = made.token(product_ids=["shirt"], uses=1)
    links(made, text=token, origin=SHOP)
    assert len(photo_links(made, text=token, origin=SHOP)) == 1, "though its uses are spent"
    answer = made.post("/v1/render-urls", {"product_ids": ["shirt", "dress"]}, token, SHOP)
    assert code(answer) == (403, "forbidden")
    assert answer.get_json()["field"] == "product_ids[1]"


def test_unknown_products_are_named(made: Bench) -> None:
    answer = made.post("/v1/render-urls", {"product_ids": ["gone", "shirt"]}).get_json()
    assert [link["product_id"] for link in answer["links"]] == ["shirt"]
    assert answer["unknown_products"] == ["gone"]
    assert code(made.post("/v1/render-urls", {"product_ids": ["gone"]})) == (404, "unknown_product")


def test_a_signature_is_of_its_own_path(made: Bench) -> None:
    """What is signed for a photo shows no picture, and the other way round; nor another product."""
    photo, picture = photo_links(made)[0], links(made)[0]
    for link, other in (
        (photo, "/v1/products/shirt/render"),
        (photo, "/v1/products/dress/photo"),
        (photo, "/v1/products/shirt/photos/0"),
        (picture, "/v1/products/shirt/photo"),
    ):
        answer = made.client.get(f"{other}?{link.partition('?')[2]}")
        assert answer.status_code in (403, 404), other
    assert code(made.client.get(f"{photo}&pose=name:standing")) == (403, "invalid_signature")
    assert (made.engine.rendered, made.engine.shown) == ([], [])


@pytest.mark.parametrize("name", ["w", "v", "key", "exp", "sig"])
def test_nothing_can_be_stripped_doubled_or_changed(made: Bench, name: str) -> None:
    path, _, query = photo_links(made, w=400)[0].partition("?")
    pairs = parse_qsl(query)
    for changed in (
        [pair for pair in pairs if pair[0] != name],
        [*pairs, (name, dict(pairs)[name])],
        [(key, old + "1" if key == name else old) for key, old in pairs],
        [(key, "" if key == name else old) for key, old in pairs],
    ):
        answer = made.client.get(f"{path}?{urlencode(changed)}")
        assert code(answer) == (403, "invalid_signature"), changed
        assert "Cache-Control" not in answer.headers
    assert made.engine.shown == []


def test_without_a_signature_it_is_no_link(made: Bench) -> None:
    assert code(made.client.get("/v1/products/shirt/photo")) == (403, "invalid_signature")
    assert code(made.client.get("/v1/products/shirt/photo", headers=made.headers())) == (403, "forbidden")


def test_it_expires(made: Bench) -> None:
    parts = urlsplit(photo_links(made)[0])
    parameters = {**dict(parse_qsl(parts.query)), "exp": "1000"}
    del parameters["sig"]
    answer = made.client.get(f"{parts.path}?{sign_link(made.access.keyring, parts.path, parameters)}")
    assert code(answer) == (403, "invalid_signature")
    assert "expired" in answer.get_json()["detail"]


def test_a_changed_product_needs_a_new_link_and_a_removed_one_has_none(made: Bench) -> None:
    (link,) = photo_links(made)
    etag = made.client.get(link).headers["ETag"]
    made.engine.put("shop", "shirt", "new photo")
    for headers in ({}, {"If-None-Match": etag}):
        assert code(made.client.get(link, headers=headers)) == (403, "invalid_signature")
    (newer,) = photo_links(made)
    assert made.client.get(newer).headers["ETag"] != etag
    del made.engine.products["shop", "shirt"]
    assert code(made.client.get(newer)) == (404, "unknown_product")


def test_each_store_shows_its_own(made: Bench) -> None:
    made.client.get(photo_links(made)[0])
    made.client.get(photo_links(made, text=made.key("other"))[0])
    assert [store for store, _ in made.engine.shown] == ["shop", "other"]


def test_another_service_and_a_revoked_key(made: Bench, tmp_path: Path) -> None:
    (link,) = photo_links(made)
    with bench(tmp_path / "other") as other:
        other.engine.put("shop", "shirt", "shop")
        assert code(other.client.get(link)) == (403, "invalid_signature")
    made.access.keys.revoke(made.key().split("_")[1])
    assert code(made.client.get(link)) == (403, "invalid_signature")


def test_failures_are_passed_on_and_not_cached(made: Bench) -> None:
    (link,) = photo_links(made)
    made.engine.failure = UnavailableError("engine_unavailable")
    answer = made.client.get(link)
    assert code(answer) == (503, "engine_unavailable")
    assert "Cache-Control" not in answer.headers
    assert "ETag" not in answer.headers
