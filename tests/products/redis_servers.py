"""Servers that the tests start themselves."""

from __future__ import annotations

import time

import redis


def wait_for_redis(url: str, limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                return
            except redis.exceptions.ConnectionError:
                assert time.monotonic() < deadline, "the Redis of the tests doesn't start"
                time.sleep(0.02)
