"""POST /tryon-token: for the shop's own pages and products, and never more than a code when it can't be had."""

from __future__ import annotations

import httpx
import pytest
from asked_service import ORIGIN, AskedService
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

OWN = {"Origin": ORIGIN}


def ask(client: FlaskClient, products: object, headers: dict[str, str] = OWN) -> TestResponse:
    return client.post("/tryon-token", json={"products": products}, headers=headers)


def test_a_page_gets_a_token_for_its_products(browser_of_shop: FlaskClient, service: AskedService) -> None:
    answer = ask(browser_of_shop, ["tee", "dress", "tee"])
    assert (answer.status_code, answer.json) == (200, {"token": "tryonw.abc"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert service.asked == [{"origin": ORIGIN, "product_ids": ["tee", "dress"], "uses": 24}]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "null"}, {"Origin": "https://localhost"}, {"Origin": "http://localhost.evil.example"}],
)
def test_other_pages_get_none(browser_of_shop: FlaskClient, service: AskedService, headers: dict[str, str]) -> None:
    answer = ask(browser_of_shop, ["tee"], headers)
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["code"] == "forbidden"
    assert service.asked == []


@pytest.mark.parametrize(
    ("products", "status", "code", "where"),
    [
        (["tee", "other"], 404, "unknown_product", "products[1]"),
        (["lost"], 404, "unknown_product", "products[0]"),
        ([], 400, "invalid_option", "products"),
        (["tee"] * 401, 400, "invalid_option", "From 1 to 400"),
        ("tee", 400, "invalid_option", "products"),
        ([["tee"]], 400, "invalid_option", "products"),
        (None, 400, "invalid_option", "products"),
    ],
)
def test_tokens_are_for_products_that_can_be_tried_on(
    browser_of_shop: FlaskClient, service: AskedService, products: object, status: int, code: str, where: str
) -> None:
    answer = ask(browser_of_shop, products)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["code"] == code
    assert where in answer.json["detail"]
    assert service.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"tee"', b"\xff"])
def test_what_is_no_json_is_refused(browser_of_shop: FlaskClient, body: bytes) -> None:
    answer = browser_of_shop.post("/tryon-token", data=body, content_type="application/json", headers=OWN)
    assert answer.status_code == 400


def test_a_body_without_end_is_refused(browser_of_shop: FlaskClient) -> None:
    answer = browser_of_shop.post("/tryon-token", data=b"[" * 70_000, content_type="application/json", headers=OWN)
    assert answer.status_code in (400, 413)


def _down() -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "said",
    [_down, lambda: httpx.Response(401, json={"code": "unauthorized", "detail": "the key secret-key"})],
    ids=["down", "key revoked"],
)
def test_without_the_service_there_is_a_code_and_no_secret(
    browser_of_shop: FlaskClient, service: AskedService, said: object, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer = said  # type: ignore[assignment]
    answer = ask(browser_of_shop, ["tee"])
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "engine_unavailable"
    assert "key" not in answer.text
    assert "no widget token" in caplog.text
