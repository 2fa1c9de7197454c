"""POST /v1/renders: what is passed on, what comes back, and what is refused before the engine hears of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_engine import REFUSED, picture
from opened import JPEG, PNG, Opened, opened, problem

from tryon_service.errors import InputError, UnavailableError
from tryon_service.pb import tryon_pb2 as pb


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        yield made


def test_everything_reaches_the_engine_as_it_was_sent(gateway: Opened) -> None:
    answer = gateway.render(
        pose=None, shopper=PNG, product=[JPEG, PNG], views=["front", "unknown"], background="#aBc012", width="600",
        height="800", format="webp", renderer="warp", min_verdict="accepted", priority="batch",
        consent_reference="vizsla 12 Ä", task="repose",
    )  # fmt: skip
    assert answer.status_code == 200
    name, sent, store, timeout, trace = gateway.engine.calls[-1]
    assert (name, store) == ("render", "shop")
    assert 29 < timeout <= 30
    assert trace.startswith("00-")
    assert sent == pb.RenderRequest(
        photo=PNG,
        photos=pb.ProductPhotos(photos=[pb.ProductPhoto(image=JPEG, view=pb.VIEW_FRONT), pb.ProductPhoto(image=PNG)]),
        options=pb.RenderOptions(
            task="repose", background="#aBc012", width=600, height=800, format="webp", renderer="warp",
            min_verdict=pb.VERDICT_STATUS_ACCEPTED,
        ),
        priority=pb.PRIORITY_BATCH,
        consent_reference="vizsla 12 Ä",
    )  # fmt: skip


def test_the_picture_comes_with_its_verdict(gateway: Opened) -> None:
    answer = gateway.render()
    assert answer.data == picture("jpeg")
    assert answer.headers["Tryon-Verdict"] == "doubtful"
    assert answer.headers["Tryon-Reasons"] == "low_light"
    assert answer.headers["Tryon-Product-Used"] == "1"
    assert answer.headers["Tryon-Renderer"] == "warp"
    assert answer.headers["Tryon-Networks"] == f"blazepose_landmarks;sha256={'ab' * 32}"
    assert answer.headers["Server-Timing"].startswith("decode;dur=3.0, render;dur=101.2, total;dur=")
    assert answer.headers["Cache-Control"] == "no-store"


def test_json_holds_the_same_picture_and_the_whole_report(gateway: Opened) -> None:
    answer = gateway.render({"Accept": "application/json"}, consent_reference="c-1", format="png")
    body = answer.get_json()
    assert base64.b64decode(body["image"]) == picture("png")
    assert (body["content_type"], body["width"], body["height"]) == ("image/png", 48, 64)
    assert body["consent_reference"] == "c-1"
    report = body["report"]
    assert report["verdict"] == "doubtful"
    assert report["reasons"] == [{"code": "low_light", "photo": "shopper", "part": "", "value": 0.125, "limit": None}]
    assert report["target_coco18"][0] == [1.23, 2.0, 1]
    assert report["choice"]["shopper_view"] == "three_quarter"
    assert report["product_used"] == 1
    assert answer.headers["Tryon-Verdict"] == "doubtful"


@pytest.mark.parametrize(
    ("accept", "fields", "kind"),
    [
        ("image/webp", {}, "image/webp"),
        ("image/png;q=0.5, image/avif;q=0.6", {}, "image/avif"),
        ("image/jpeg;q=0, image/*", {}, "image/webp"),
        ("*/*", {"background": "transparent"}, "image/png"),
        ("image/*", {"format": "png"}, "image/png"),
        ("application/json, image/*;q=0.9", {}, "application/json"),
    ],
)
def test_accept_decides(gateway: Opened, accept: str, fields: dict[str, str], kind: str) -> None:
    answer = gateway.render({"Accept": accept}, **fields)
    assert (answer.status_code, answer.mimetype) == (200, kind)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pose": None}, (400, "missing_field", "shopper")),
        ({"shopper": JPEG}, (400, "invalid_option", "pose")),
        ({"product": None}, (400, "missing_field", "product")),
        ({"product_id": "a"}, (400, "invalid_option", "product_id")),
        ({"product": [JPEG] * 9}, (400, "invalid_option", "product")),
        ({"product": [JPEG, b""]}, (400, "missing_field", "product[1]")),
        ({"product": [JPEG, b"GIF89a" + bytes(50)]}, (415, "unsupported_format", "product[1]")),
        ({"product": "a text"}, (400, "invalid_option", "product[0]")),
        ({"pose": None, "shopper": b""}, None),
        ({"pose": None, "shopper": b"plain text"}, (400, "not_an_image", "shopper")),
        ({"pose": None, "shopper": "text"}, (400, "invalid_option", "shopper")),
        ({"pose": "with space"}, (400, "invalid_option", "pose")),
        ({"pose": "name:standing\n"}, (400, "invalid_option", "pose")),
        ({"pose": ["name:a", "name:b"]}, (400, "invalid_option", "pose")),
        ({"width": ["1", "2"]}, (400, "invalid_option", "width")),
        ({"views": ["front", "back"]}, (400, "invalid_option", "views")),
        ({"views": "above"}, (400, "invalid_option", "views[0]")),
        ({"product": None, "product_id": "a", "views": "front"}, (400, "invalid_option", "views")),
        ({"product": None, "product_id": "a/b"}, (400, "invalid_option", "product_id")),
        ({"task": "wear"}, (422, "unsupported_task", "task")),
        ({"background": "blue"}, (400, "invalid_option", "background")),
        ({"background": "transparent", "format": "jpeg"}, (400, "invalid_option", "format")),
        ({"width": "0"}, (400, "invalid_option", "width")),
        ({"width": "4097"}, (400, "invalid_option", "width")),
        ({"height": "tall"}, (400, "invalid_option", "height")),
        ({"format": "gif"}, (400, "invalid_option", "format")),
        ({"renderer": "../x"}, (400, "invalid_option", "renderer")),
        ({"min_verdict": "refused"}, (400, "invalid_option", "min_verdict")),
        ({"priority": "high"}, (400, "invalid_option", "priority")),
        ({"consent_reference": "x" * 201}, (400, "invalid_option", "consent_reference")),
        ({"consent_reference": "a\0b"}, (400, "invalid_option", "consent_reference")),
        ({"size": "9"}, (400, "invalid_option", "size")),
    ],
    ids=str,
)
def test_nonsense_is_named_and_never_reaches_the_engine(
    gateway: Opened, fields: dict[str, object], expected: tuple[int, str, str] | None
) -> None:
    if expected is None:  # an empty file, which `render` of the tests would leave out
        answer = gateway.form("POST", "/v1/renders", shopper=[b""], product=JPEG)
        expected = (400, "missing_field", "shopper")
    else:
        answer = gateway.render(**fields)
    assert problem(answer) == expected
    assert not gateway.engine.calls


def test_a_refusal_tells_every_reason(gateway: Opened) -> None:
    gateway.engine.failure = REFUSED
    answer = gateway.render()
    assert problem(answer) == (422, "body_cropped", "shopper")
    assert answer.headers["Tryon-Verdict"] == "refused"
    body = answer.get_json()
    assert not body["retryable"]
    assert [reason["code"] for reason in body["reasons"]] == ["body_cropped", "pose_too_different"]
    assert body["reasons"][1] == {
        "code": "pose_too_different", "photo": "shopper", "part": "left_arm", "value": 92.5, "limit": 75.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "status", "retry"),
    [
        (UnavailableError("overloaded"), 429, "1"),
        (UnavailableError("engine_unavailable"), 503, "2"),
        (UnavailableError("deadline_exceeded"), 504, None),
        (InputError("expired_pose", field="pose"), 410, None),
        (ZeroDivisionError("secret"), 500, None),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_what_the_engine_says_is_passed_on(
    gateway: Opened, failure: BaseException, status: int, retry: str | None
) -> None:
    gateway.engine.failure = failure
    answer = gateway.render()
    assert problem(answer)[0] == status
    assert answer.headers.get("Retry-After") == retry
    assert answer.get_json()["retryable"] == (status in (429, 500, 503, 504))
    assert b"secret" not in answer.data


def test_only_json_is_not_acceptable_to_those_who_want_html(gateway: Opened) -> None:
    assert problem(gateway.render({"Accept": "text/html"})) == (406, "not_acceptable", "Accept")
    assert problem(gateway.render({"Accept": "image/jpeg"}, format="png")) == (406, "not_acceptable", "Accept")
    assert not gateway.engine.calls


def test_a_page_may_render_its_own_products_and_no_photos_of_its_own(gateway: Opened) -> None:
    for name in ("a", "b"):
        assert gateway.put(name).status_code == 201
    terms = {"origin": "https://shop.example", "product_ids": ["a"], "uses": 5}
    token = gateway.call("POST", "/v1/widget-tokens", json=terms).get_json()["token"]
    page = {"Authorization": f"Bearer {token}", "Origin": "https://shop.example"}
    assert gateway.render(page, product=None, product_id="a").status_code == 200
    assert problem(gateway.render(page, product=None, product_id="b")) == (403, "forbidden", "product_id")
    assert problem(gateway.render(page)) == (403, "forbidden", "product")
    assert problem(gateway.render({**page, "Origin": "https://other.example"}))[0] == 403


def test_another_stores_product_is_unknown(gateway: Opened) -> None:
    gateway.put("a")
    own = gateway.render(product=None, product_id="a")
    assert own.status_code == 200
    other = gateway.form("POST", "/v1/renders", {"Authorization": f"Bearer {gateway.key('other')}"},
                         pose="name:standing", product_id="a")  # fmt: skip
    assert problem(other) == (404, "unknown_product", "product_id")


def test_the_same_call_gives_the_same_bytes(gateway: Opened) -> None:
    first, second = (gateway.render(shopper=PNG, pose=None).data for _ in range(2))
    assert first == second
    assert gateway.engine.calls[0][1] == gateway.engine.calls[1][1]
