"""Access as a whole: what it opens it closes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

from flask import Flask, g
from hand_clock import Clock

from tryon_service.access import signing, widget_tokens
from tryon_service.access.access import Access
from tryon_service.access.limits import limit_rates
from tryon_service.errors import AccessError
from tryon_service.settings import Settings


def test_closing_writes_the_counts_and_lets_go_of_redis(tmp_path: Path, redis_url: str) -> None:
    from redis import Redis

    access = Access.open(Settings(data=tmp_path, redis_url=redis_url))
    app = Flask(__name__)
    app.before_request(lambda: setattr(g, "caller", None))
    limit_rates(app, access.limiter)
    app.add_url_rule("/v1/thing", "thing", lambda: "thing")
    key, _ = access.keys.create("shop", ["render"])
    access.usage.count(key.id, "thing", "ok")
    assert app.test_client().get("/v1/thing").status_code == 200
    access.uses.spend("token", 1, limit=3, expires=int(time.time()) + 60)
    with Redis.from_url(redis_url) as watcher:
        before = len(watcher.client_list())
        access.close()
        access.close()
        deadline = time.monotonic() + 10
        while len(watcher.client_list()) >= before:
            assert time.monotonic() < deadline, "connections stay open"
    assert access.usage.rows()[0].count == 1


def test_a_clock_set_wrong_and_right_again_spoils_nothing(tmp_path: Path, clock: Clock) -> None:
    """What carries its own end is over while the clock says so, and good again when the clock is."""
    access = replace(Access.open(Settings(data=tmp_path)), clock=clock)
    key, text = access.keys.create("shop", ["render"])
    terms = {"origin": "https://shop.example", "products": None, "uses": 5}
    _, token = widget_tokens.mint(access.keyring, key.id, ttl=600, now=clock.now, **terms)
    link = {signing.EXPIRES: str(signing.expiry(3600, clock.now)), signing.KEY: key.id}
    query = parse_qsl(signing.sign_link(access.keyring, "/v1/products/a/render", link))

    def accepted() -> list[bool]:
        calls = (
            lambda: access.by_text(text, None),
            lambda: access.by_text(token, "https://shop.example"),
            lambda: access.by_link("/v1/products/a/render", query),
        )
        return [_works(call) for call in calls]

    assert accepted() == [True, True, True]
    clock.now -= 3600
    assert accepted() == [True, True, True]
    clock.now += 7200
    assert accepted() == [True, False, False]
    clock.now -= 3600
    assert accepted() == [True, True, True]
    access.close()


def _works(call: Callable[[], object]) -> bool:
    try:
        call()
    except AccessError:
        return False
    return True
