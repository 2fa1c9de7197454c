"""All that the index in Redis tells of, as of one moment, and a lease that keeps the objects from being removed."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

logger = logging.getLogger(__name__)

LEASE_S = 600
"""After so long without a word from whoever copies, objects are removed again."""
RENEWALS = 4
"""Within that time."""

HOLD = """
-- KEYS: held. ARGV: who, seconds.
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
"""


@contextmanager
def held(client: redis.Redis, key: str) -> Iterator[None]:
    """No object goes meanwhile. Raises redis.RedisError where that can't be begun."""
    who, ended = secrets.token_hex(8), threading.Event()

    def hold() -> None:
        client.eval(HOLD, 1, key, who, str(LEASE_S))

    def renew() -> None:
        while not ended.wait(LEASE_S / RENEWALS):
            try:
                hold()
            except redis.RedisError as error:
                logger.warning("the hold on the photos can't be renewed now: %s", error)

    hold()
    thread = threading.Thread(target=renew, name="hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        try:
            client.zrem(key, who)
        except redis.RedisError as error:
            logger.warning("the hold on the photos ends only in %d s: %s", LEASE_S, error)


def read_all(client: redis.Redis, prefix: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """((store, record) in the order of stores and ids, name of the object of each sha256), all as of one moment.

    Raises redis.RedisError. The server is busy while it answers, about a second for a hundred thousand products.
    """
    keys: list[str] = []
    while True:
        with client.pipeline(transaction=True) as transaction:
            transaction.hgetall(prefix + "objects")
            for key in keys:
                transaction.hgetall(key)
            answers: list[dict[str, str]] = transaction.execute()
        known = _keys_of_records(client, prefix)
        if known == keys:
            break
        keys = known  # a store's first product came meanwhile
    objects, *stores = answers
    names = [key.removeprefix(prefix + "records:") for key in keys]
    return [(name, kept[one]) for name, kept in zip(names, stores, strict=True) for one in sorted(kept)], objects


def _keys_of_records(client: redis.Redis, prefix: str) -> list[str]:
    found: Any = client.scan_iter(match=prefix + "records:*", count=1000)
    return sorted(set(found))
