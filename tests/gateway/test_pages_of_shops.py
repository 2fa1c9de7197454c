"""What the browser of a shop's page sees of the API: that it may call, and every error, so the page can say why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from opened import JPEG, PNG, Opened, opened, parts, problem
from werkzeug.test import TestResponse

from tryon_service.access import widget_tokens
from tryon_service.errors import TryonError, UnavailableError

SHOP, OTHER_SHOP, ELSEWHERE = "https://shop.example", "https://second.example", "https://elsewhere.example"
CALLS = ("/v1/poses", "/v1/renders", "/v1/render-urls")
READABLE = ("Retry-After", "Tryon-Verdict", "Tryon-Reasons", "X-Request-Id")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path, cors_origins=(SHOP, OTHER_SHOP)) as made:
        made.put("a", photos=[JPEG, PNG])
        yield made


def token(gateway: Opened, **terms: object) -> str:
    asked = {"origin": SHOP, "all": True, **terms}
    return str(gateway.call("POST", "/v1/widget-tokens", json=asked).get_json()["token"])


def call(gateway: Opened, path: str, text: str, origin: str = SHOP) -> TestResponse:
    """As the widget makes it."""
    headers = {"Authorization": f"Bearer {text}", "Origin": origin}
    if path == "/v1/render-urls":
        return gateway.client.post(path, headers=headers, json={"pose": "name:standing", "product_ids": ["a"]})
    fields = {"shopper": JPEG} if path == "/v1/poses" else {"pose": "name:standing", "product_id": "a"}
    return gateway.client.post(path, headers=headers, data=parts(fields), content_type="multipart/form-data")


def readable(answer: TestResponse, origin: str = SHOP) -> TestResponse:
    """The answer, which a page of the origin can read."""
    assert answer.headers.get("Access-Control-Allow-Origin") == origin
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(READABLE) <= set(exposed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    return answer


@pytest.mark.parametrize("path", CALLS)
def test_a_browser_may_make_the_widgets_calls(gateway: Opened, path: str) -> None:
    asked = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = readable(gateway.client.options(path, headers=asked))
    assert (answer.status_code, answer.data) == (200, b"")
    assert "POST" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")}
    assert {"authorization", "content-type"} <= allowed
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", CALLS)
def test_answers_and_what_the_widget_needs_of_their_headers(gateway: Opened, path: str) -> None:
    answer = readable(call(gateway, path, token(gateway)))
    assert answer.status_code == 200
    if path == "/v1/renders":
        assert (answer.headers["Tryon-Verdict"], answer.headers["Tryon-Reasons"]) == ("doubtful", "low_light")


@pytest.mark.parametrize("path", CALLS)
def test_a_token_that_has_expired(gateway: Opened, path: str) -> None:
    text = token(gateway)
    access = gateway.access
    late = replace(access, clock=lambda: access.clock() + widget_tokens.MAX_TTL + 1)
    gateway.app.extensions["tryon_access"] = late
    answer = readable(call(gateway, path, text))
    assert problem(answer) == (401, "unauthorized", "")
    assert "expired" in answer.get_json()["detail"]
    assert not _asked_after_put(gateway)


@pytest.mark.parametrize("path", CALLS)
def test_a_token_of_another_page(gateway: Opened, path: str) -> None:
    """Another of the listed origins is told why; one that isn't listed learns nothing. Neither gets anything done."""
    text = token(gateway)
    assert problem(readable(call(gateway, path, text, OTHER_SHOP), OTHER_SHOP)) == (403, "forbidden", "")
    elsewhere = call(gateway, path, text, ELSEWHERE)
    assert elsewhere.status_code == 403
    assert not [name for name, _ in elsewhere.headers if name.startswith("Access-Control")]
    assert not _asked_after_put(gateway)


@pytest.mark.parametrize("path", CALLS)
def test_a_token_that_is_spent_or_broken(gateway: Opened, path: str) -> None:
    text = token(gateway, uses=1)
    assert call(gateway, path, text).status_code == 200
    assert problem(readable(call(gateway, path, text)))[:2] == (403, "token_spent")
    assert problem(readable(call(gateway, path, text[:-4])))[:2] == (401, "unauthorized")


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (UnavailableError("overloaded"), (429, "overloaded")),
        (UnavailableError("engine_unavailable"), (503, "engine_unavailable")),
        (TryonError("internal"), (500, "internal")),
        (KeyError("a bug"), (500, "internal")),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_what_fails_here(gateway: Opened, path: str, failure: Exception, expected: tuple[int, str]) -> None:
    text = token(gateway)
    gateway.engine.failure = failure
    answer = readable(call(gateway, path, text))
    assert problem(answer)[:2] == expected
    if expected[0] in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1


def test_too_many_calls_and_too_many_bytes(tmp_path: Path) -> None:
    with opened(tmp_path, cors_origins=(SHOP,), rate_token="1/minute") as gateway:
        gateway.put("a", photos=[JPEG, PNG])
        text = token(gateway)
        call(gateway, "/v1/renders", text)
        limited = readable(call(gateway, "/v1/renders", text))
        assert problem(limited)[:2] == (429, "rate_limited")
        assert int(limited.headers["Retry-After"]) >= 1
        large = gateway.client.post(
            "/v1/poses",
            headers={"Authorization": f"Bearer {token(gateway)}", "Origin": SHOP},
            content_type="multipart/form-data; boundary=x",
            environ_overrides={"CONTENT_LENGTH": str(10**9)},
        )
        assert problem(readable(large))[:2] == (413, "too_many_bytes")


def test_an_address_that_calls_too_often_is_told_so(tmp_path: Path) -> None:
    """Its preflights are answered all the same, without which no page would learn of the limit."""
    with opened(tmp_path, cors_origins=(SHOP,), rate_address="1/minute") as gateway:
        asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
        for _ in range(3):
            assert gateway.client.options("/v1/renders", headers=asked).status_code == 200
        call(gateway, "/v1/renders", "none")
        assert problem(readable(call(gateway, "/v1/renders", "none")))[:2] == (429, "rate_limited")


def _asked_after_put(gateway: Opened) -> list[str]:
    """What the engine was asked besides for the product's being put."""
    return [name for name, *_ in gateway.engine.calls if name != "put_product"]
