"""Rate limits: exact under a race, told in headers, by key, token and address, in memory and in Redis."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient
from flask_limiter import RateLimitExceeded
from limits.storage import storage_from_string

from tryon_service.access.access import Caller
from tryon_service.access.limits import MEMORY, limit_rates, rate_limiter
from tryon_service.access.redis_client import connect
from tryon_service.errors import InputError
from tryon_service.settings import Settings

SETTINGS = Settings(rate_key="3 per minute", rate_token="2 per minute", rate_address="5 per minute")


def make_app(settings: Settings) -> Flask:
    """Whoever the header X-Who names calls: "key 1", "widget 7", or nobody."""
    app = Flask(__name__)

    @app.before_request
    def identify() -> None:
        kind, _, name = request.headers.get("X-Who", "").partition(" ")
        g.caller = Caller("shop", kind, name, name, frozenset({"render"})) if kind else None  # type: ignore[arg-type]

    limit_rates(app, rate_limiter(settings, connect(settings.redis_url)))
    app.add_url_rule("/v1/thing", "thing", lambda: "thing")
    app.add_url_rule("/healthz", "healthz", lambda: "well")
    return app


@pytest.fixture(params=["memory", "redis"])
def client(request: pytest.FixtureRequest) -> Iterator[FlaskClient]:
    if request.param == "memory":
        yield make_app(SETTINGS).test_client()
        return
    from redis import Redis

    url = request.getfixturevalue("redis_url")
    with Redis.from_url(url) as redis:
        redis.flushdb()
        yield make_app(replace(SETTINGS, redis_url=url)).test_client()


def statuses(client: FlaskClient, number: int, who: str = "", address: str = "192.0.2.1") -> list[int]:
    return [
        client.get("/v1/thing", headers={"X-Who": who}, environ_base={"REMOTE_ADDR": address}).status_code
        for _ in range(number)
    ]


def test_each_key_has_its_own_limit(client: FlaskClient) -> None:
    assert statuses(client, 4, "key 1", "192.0.2.1") == [200, 200, 200, 429]
    assert statuses(client, 1, "key 1", "192.0.2.2") == [429], "from wherever it comes"
    assert statuses(client, 3, "key 2", "192.0.2.3") == [200, 200, 200]


def test_tokens_have_a_limit_of_their_own(client: FlaskClient) -> None:
    assert statuses(client, 3, "widget 1", "192.0.2.1") == [200, 200, 429]
    assert statuses(client, 1, "key 1", "192.0.2.2") == [200], "no key is meant by a token of the same id"


def test_addresses_are_limited_whoever_calls(client: FlaskClient) -> None:
    assert statuses(client, 6) == [200] * 5 + [429]
    assert statuses(client, 1, "key 1") == [429]
    assert statuses(client, 1, address="192.0.2.2") == [200]


def test_links_are_limited_by_address_only(client: FlaskClient) -> None:
    assert statuses(client, 5, "signed 1") == [200] * 5


def test_an_ipv6_household_is_one_address(client: FlaskClient) -> None:
    calls = [statuses(client, 1, address=f"2001:db8:1:2::{host:x}")[0] for host in range(6)]
    assert calls == [200] * 5 + [429]
    assert statuses(client, 1, address="2001:db8:1:3::1") == [200]


def test_an_address_written_as_ipv6_is_the_same(client: FlaskClient) -> None:
    assert statuses(client, 5) == [200] * 5
    assert statuses(client, 1, address="::ffff:192.0.2.1") == [429]


@pytest.mark.parametrize("address", ["", "unix:", "@"])
def test_no_address_is_limited_too(client: FlaskClient, address: str) -> None:
    assert statuses(client, 6, address=address) == [200] * 5 + [429]


def test_only_the_api_is_limited(client: FlaskClient) -> None:
    assert [client.get("/healthz").status_code for _ in range(20)] == [200] * 20
    assert "RateLimit" not in client.get("/healthz").headers


def test_headers_say_what_is_left_and_when_to_come_back(client: FlaskClient) -> None:
    answers = [client.get("/v1/thing", headers={"X-Who": "key 1"}) for _ in range(4)]
    first, last = answers[0], answers[-1]
    assert first.headers["RateLimit-Policy"] == '"address";q=5;w=60, "key";q=3;w=60'
    address, key = first.headers["RateLimit"].split(", ")
    assert key.startswith('"key";r=2;t=')
    assert address.startswith('"address";r=4;t=')
    assert 55 <= int(key.rpartition("=")[2]) <= 60
    assert "Retry-After" not in first.headers
    assert last.status_code == 429
    assert '"key";r=0;' in last.headers["RateLimit"]
    assert 55 <= int(last.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_jumps_moves_no_window(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    now = time.time
    client = make_app(replace(SETTINGS, rate_address="2 per second")).test_client()
    assert statuses(client, 3) == [200, 200, 429]
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    answer = client.get("/v1/thing", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    deadline = time.monotonic() + 10
    while statuses(client, 1) == [429]:
        assert time.monotonic() < deadline, "the window never ends"
        time.sleep(0.02)


def test_a_breach_is_one_exception(client: FlaskClient) -> None:
    client.application.register_error_handler(RateLimitExceeded, lambda error: (f"told {error.code}", 429))
    assert client.get("/v1/thing", headers={"X-Who": "widget 1"}).status_code == 200
    client.get("/v1/thing", headers={"X-Who": "widget 1"})
    assert client.get("/v1/thing", headers={"X-Who": "widget 1"}).text == "told 429"


def test_addresses_are_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        assert 429 in statuses(client, 8, address="198.51.100.77")
    finally:
        logging.getLogger().setLevel(logging.WARNING)
    assert "198.51.100.77" not in caplog.text


def test_without_redis_each_gateway_counts_for_itself() -> None:
    client = make_app(replace(SETTINGS, redis_url="redis://127.0.0.1:1/0")).test_client()
    assert statuses(client, 4, "key 1") == [200, 200, 200, 429]


@pytest.mark.parametrize("name", ["rate_key", "rate_token", "rate_address"])
@pytest.mark.parametrize("text", ["often", "", "5 per fortnight", "-1 per minute"])
def test_a_limit_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        rate_limiter(replace(SETTINGS, **{name: text}), None)  # type: ignore[arg-type]
    assert caught.value.field == f"TRYON_{name.upper()}"


def test_threads_never_get_more_than_there_is() -> None:
    """With the library's own store this fails now and then: its counts and timers have no lock."""
    app = make_app(replace(SETTINGS, rate_address="50 per minute"))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: statuses(app.test_client(), 1)[0], range(400)))
    finally:
        sys.setswitchinterval(interval)
    assert answers.count(200) == 50
    assert answers.count(429) == 350


def test_the_store_as_the_library_uses_it() -> None:
    store = storage_from_string(f"{MEMORY}://")
    assert store.incr("a", 60) == 1
    assert store.incr("a", 60, amount=2) == 3
    assert store.get("a") == 3
    store.clear("a")
    assert store.get("a") == 0
    assert store.incr("b", 0) == 1
    assert store.get("b") == 0, "over at once"
    assert store.check()
    assert store.incr("c", 60) == 1
    assert store.reset() >= 1
    assert store.get("c") == 0
