"""Calls that wait together for a Redis that falls silent are all counted in memory, none fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NoReturn

import pytest
from limits.errors import StorageError
from limits.storage import RedisStorage
from test_rate_limits import SETTINGS, make_app

CALLERS = 4


def test_those_who_wait_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("redis", reason="no client for Redis (extra scale)")
    together = threading.Barrier(CALLERS)

    def silent(*_: object, **__: object) -> NoReturn:
        together.wait(60.0)
        raise StorageError(TimeoutError())

    monkeypatch.setattr(RedisStorage, "incr", silent)
    app = make_app(replace(SETTINGS, redis_url="redis://127.0.0.1:9/0", rate_key="2 per minute"))

    def call(_: int) -> int:
        return app.test_client().get("/v1/thing", headers={"X-Who": "key 1"}).status_code

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sorted(pool.map(call, range(CALLERS))) == [200, 200, 429, 429]
