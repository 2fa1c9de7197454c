"""Exactly the listed origins may read answers, and nobody sends cookies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded_app import SHOP, Bench, bench

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, cors_origins=(SHOP, "https://other.example")) as one:
        yield one


def test_a_preflight_of_a_listed_origin(made: Bench) -> None:
    answer = made.client.options("/v1/render-urls", headers={"Origin": SHOP, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.vary


@pytest.mark.parametrize(
    "origin", ["null", "*", "", "https://shop.example.evil.example", "https://evilshop.example", "http://shop.example",
               "https://SHOP.example", "https://shop.example/", "https://shopxexample"]
)  # fmt: skip
def test_nobody_else(made: Bench, origin: str) -> None:
    for answer in (
        made.client.options("/v1/render-urls", headers={"Origin": origin, **PREFLIGHT}),
        made.client.post("/v1/render-urls", headers={"Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert "Origin" in answer.vary, "or a cache would hand one origin's answer to the other"


def test_errors_can_be_read_by_the_page(made: Bench) -> None:
    answer = made.client.post("/v1/render-urls", json={}, headers={"Origin": SHOP})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_off_by_default(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        answer = made.client.options("/v1/render-urls", headers={"Origin": SHOP, **PREFLIGHT})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
