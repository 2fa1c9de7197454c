"""Signed links: valid as made, cached as long as they live, refused in every other form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from fake_engine import REFUSED_POSE
from guarded_app import SHOP, Bench, bench
from linked_products import code, links, two_shops

from tryon_service.access.signing import sign_link
from tryon_service.errors import UnavailableError
from tryon_service.pb import tryon_pb2 as pb

NOW = 1_700_000_000


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with two_shops(tmp_path) as one:
        yield one


def resigned(made: Bench, link: str, **changes: str) -> str:
    """With other parameters, properly signed."""
    parts = urlsplit(link)
    parameters = {**dict(parse_qsl(parts.query)), **changes}
    del parameters["sig"]
    return f"{parts.path}?{sign_link(made.access.keyring, parts.path, parameters)}"


def test_a_link_shows_the_picture_to_anybody(made: Bench) -> None:
    (link,) = links(made, w=400)
    answer = made.client.get(link)
    assert answer.status_code == 200
    assert answer.data == b"shirt in name:standing at 400"
    assert answer.content_type == "image/jpeg"
    assert answer.headers["Tryon-Verdict"] == "accepted"
    assert answer.headers["Tryon-Renderer"] == "warp"
    assert answer.headers["Tryon-Product-Used"] == "0"
    assert answer.headers["Server-Timing"] == "decode_shopper;dur=1.0, render;dur=12.3"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    ((store, asked),) = made.engine.rendered
    assert store == "shop"
    assert asked.options.min_verdict == pb.VERDICT_STATUS_ACCEPTED
    assert (asked.options.width, asked.options.height, asked.options.format) == (400, 4096, "jpeg")
    assert made.client.head(link).data == b""


def test_the_products_own_size_and_a_weaker_verdict(made: Bench) -> None:
    (link,) = links(made, min_verdict="doubtful")
    made.client.get(link)
    options = made.engine.rendered[0][1].options
    assert (options.width, options.height, options.min_verdict) == (0, 0, pb.VERDICT_STATUS_DOUBTFUL)


def test_every_product_gets_its_own(made: Bench) -> None:
    shown = [made.client.get(link).data for link in links(made, "shirt", "dress", "a.b_c~d-1", "shirt")]
    assert [data.split()[0] for data in shown] == [b"shirt", b"dress", b"a.b_c~d-1"]


def test_cached_as_long_as_it_lives(made: Bench) -> None:
    house, shopper = links(made)[0], links(made, pose="AbC-_token")[0]
    for link, whose in ((house, "public"), (shopper, "private")):
        answer = made.client.get(link)
        word, _, age = answer.headers["Cache-Control"].partition(", max-age=")
        assert word == whose
        assert 3600 * 5 // 6 - 5 < int(age) <= 3600
        again = made.client.get(link, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]
        assert again.headers["Cache-Control"].startswith(whose)
    assert len(made.engine.rendered) == 2, "a 304 renders nothing"


def test_etags_tell_pictures_apart(made: Bench) -> None:
    made_links = [links(made)[0], links(made, "dress")[0], links(made, w=10)[0], links(made, pose="name:walking")[0],
                  links(made, min_verdict="doubtful")[0], links(made, fallback="none")[0]]  # fmt: skip
    tags = {made.client.get(link).headers["ETag"] for link in made_links}
    assert len(tags) == len(made_links)
    made.engine.put("shop", "shirt", "new photo")
    assert made.client.get(links(made)[0]).headers["ETag"] not in tags


def test_links_for_all_shoppers_are_the_same_so_that_caches_help(made: Bench) -> None:
    assert links(made) == links(made)
    assert links(made, text=made.token(), origin=SHOP) == links(made)


def test_a_refused_pair_shows_the_original(made: Bench) -> None:
    (link,) = links(made, pose=REFUSED_POSE)
    answer = made.client.get(link)
    assert (answer.status_code, answer.data) == (200, b"shirt as it is")
    assert answer.headers["Tryon-Verdict"] == "refused"
    assert answer.headers["Tryon-Reasons"] == "pose_too_different, no_person"
    assert "Tryon-Product-Used" not in answer.headers
    assert answer.headers["Cache-Control"].startswith("private")


def test_or_none_if_asked(made: Bench) -> None:
    (link,) = links(made, pose=REFUSED_POSE, fallback="none")
    answer = made.client.get(link)
    assert code(answer) == (422, "pose_too_different")
    assert "Cache-Control" not in answer.headers
    assert code(made.client.get(link.replace("&fallback=none", ""))) == (403, "invalid_signature")


@pytest.mark.parametrize("name", ["pose", "w", "v", "key", "exp", "sig"])
def test_nothing_can_be_stripped_doubled_or_changed(made: Bench, name: str) -> None:
    (link,) = links(made, w=400)
    path, _, query = link.partition("?")
    pairs = parse_qsl(query)
    value = dict(pairs)[name]
    for changed in (
        [pair for pair in pairs if pair[0] != name],
        [*pairs, (name, value)],
        [*pairs, (name, "1")],
        [(name, "1"), *pairs],
        [(key, old + "1" if key == name else old) for key, old in pairs],
        [(key, "" if key == name else old) for key, old in pairs],
    ):
        answer = made.client.get(f"{path}?{urlencode(changed)}")
        assert code(answer) == (403, "invalid_signature"), changed
        assert "Cache-Control" not in answer.headers
    assert made.engine.rendered == []


def test_without_any_parameter_it_is_no_link(made: Bench) -> None:
    assert code(made.client.get("/v1/products/shirt/render")) == (403, "invalid_signature")
    with_key = made.client.get("/v1/products/shirt/render?pose=name:standing", headers=made.headers())
    assert code(with_key) == (403, "forbidden")


def test_reordered_is_fine_and_added_is_not(made: Bench) -> None:
    (link,) = links(made, w=400)
    path, _, query = link.partition("?")
    assert made.client.get(f"{path}?{'&'.join(reversed(query.split('&')))}").status_code == 200
    assert code(made.client.get(link + "&utm_source=mail")) == (403, "invalid_signature")
    assert code(made.client.get(link + "&renderer=other")) == (403, "invalid_signature")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/products/dress/render", 403),
        ("/v1/products/./shirt/render", 404),
        ("/v1/products/shirt/./render", 404),
        ("/v1/products/../products/shirt/render", 404),
        ("/v1/products/%2e/render", 403),
        ("/v1/products/shirt%2f..%2fdress/render", 404),
        ("/v1/products/shirt%00/render", 403),
        ("/v1/products/Shirt/render", 403),
        ("/v1/products/shirt/render/", 404),
        ("/v1/products/sh%C3%AFrt/render", 403),
        ("/v1/products/sh%FFrt/render", 403),
        ("/v1/products/%73hirt/render", 200),
    ],
)
def test_other_and_dotted_paths(made: Bench, path: str, expected: int) -> None:
    (link,) = links(made)
    answer = made.client.get(f"{path}?{link.partition('?')[2]}")
    assert answer.status_code == expected
    assert len(made.engine.rendered) == (expected == 200)


def test_a_double_slash_leads_back_to_the_link_itself(made: Bench) -> None:
    (link,) = links(made)
    answer = made.client.get("/" + link, follow_redirects=False)
    assert answer.status_code in (308, 404)
    assert made.engine.rendered == []


def test_other_methods_are_not_signed(made: Bench) -> None:
    (link,) = links(made)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert made.client.open(link, method=method).status_code == 405


def test_a_signature_opens_nothing_else(made: Bench) -> None:
    query = links(made)[0].partition("?")[2]
    answer = made.client.post(f"/v1/render-urls?{query}", json={"pose": "name:standing", "product_ids": ["shirt"]})
    assert code(answer) == (403, "invalid_signature")
    values = {"exp": str(NOW * 2), "key": made.key().split("_")[1]}
    query = sign_link(made.access.keyring, "/v1/render-urls", values)
    answer = made.client.post(f"/v1/render-urls?{query}", json={"pose": "name:standing", "product_ids": ["shirt"]})
    assert code(answer) == (403, "forbidden")


def test_it_expires(made: Bench) -> None:
    link = resigned(made, links(made)[0], exp="1000")
    answer = made.client.get(link)
    assert code(answer) == (403, "invalid_signature")
    assert "expired" in answer.get_json()["detail"]


def test_a_changed_product_needs_a_new_link(made: Bench) -> None:
    (link,) = links(made)
    made.engine.put("shop", "shirt", "new photo")
    answer = made.client.get(link)
    assert code(answer) == (403, "invalid_signature")
    assert "changed" in answer.get_json()["detail"]
    assert made.client.get(links(made)[0]).status_code == 200


def test_a_removed_product_is_404(made: Bench) -> None:
    (link,) = links(made)
    del made.engine.products["shop", "shirt"]
    assert code(made.client.get(link)) == (404, "unknown_product")


def test_another_store(made: Bench) -> None:
    """The key says whose product is shown; it can't be swapped, and the same id in another store is another product."""
    (mine,), (theirs,) = links(made), links(made, text=made.key("other"))
    assert urlsplit(mine).path == urlsplit(theirs).path
    other_key = parse_qs(urlsplit(theirs).query)["key"][0]
    my_key = parse_qs(urlsplit(mine).query)["key"][0]
    assert code(made.client.get(mine.replace(my_key, other_key))) == (403, "invalid_signature")
    made.client.get(mine)
    made.client.get(theirs)
    assert [store for store, _ in made.engine.rendered] == ["shop", "other"]


def test_another_service_and_a_revoked_key(made: Bench, tmp_path: Path) -> None:
    (link,) = links(made)
    with bench(tmp_path / "other") as other:
        other.engine.put("shop", "shirt", "shop")
        assert code(other.client.get(link)) == (403, "invalid_signature")
    made.access.keys.revoke(made.key().split("_")[1])
    assert code(made.client.get(link)) == (403, "invalid_signature")
    assert made.engine.rendered == []


def test_failures_of_the_engine_are_passed_on_and_not_cached(made: Bench) -> None:
    (link,) = links(made)
    made.engine.failure = UnavailableError("overloaded")
    answer = made.client.get(link)
    assert code(answer) == (429, "overloaded")
    assert "Cache-Control" not in answer.headers
    assert "ETag" not in answer.headers
