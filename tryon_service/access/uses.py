"""How often a widget token has been used: in memory for one gateway, in Redis for many."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tryon_service.access.counts import ExpiringCounts
from tryon_service.errors import AccessError, UnavailableError

if TYPE_CHECKING:
    from redis import Redis

PREFIX = "tryon:uses:"
SPEND = """
local count = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
if count > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], math.max(0, count), 'EXAT', ARGV[3])
return 1
"""
"""1 where they are counted, 0 where they would be too many. Runs whole: of two gateways that want the last use, one
gets it."""


class UseCounter(Protocol):
    def spend(self, token_id: str, uses: int, *, limit: int, expires: int) -> None:
        """Count uses of a token that has `limit` until `expires`, all or none. A negative number gives uses back.

        Raises AccessError("token_spent"), or UnavailableError("storage_unavailable") where the count can't be known.
        """


class MemoryUses:
    """Counts of this process; they end with it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._counts = ExpiringCounts(clock)

    def spend(self, token_id: str, uses: int, *, limit: int, expires: int) -> None:
        if self._counts.add(token_id, uses, until=expires, limit=limit) is None:
            raise _spent(limit)


class RedisUses:
    """Counts shared by every gateway with the same Redis. Where it doesn't answer, tokens are not accepted."""

    def __init__(self, redis: Redis) -> None:
        self._spend = redis.register_script(SPEND)

    def spend(self, token_id: str, uses: int, *, limit: int, expires: int) -> None:
        from redis import RedisError

        try:
            counted = self._spend(keys=[PREFIX + token_id], args=[uses, limit, expires])
        except RedisError as error:
            raise UnavailableError("storage_unavailable", "Uses of tokens can't be counted now.") from error
        if int(counted) == 0:
            raise _spent(limit)


def use_counter(redis: Redis | None) -> UseCounter:
    """redis: shared by all gateways; None for one gateway alone."""
    return RedisUses(redis) if redis else MemoryUses()


def _spent(limit: int) -> AccessError:
    return AccessError("token_spent", f"Its limit is {limit}.")
