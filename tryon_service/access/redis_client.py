"""The Redis that many gateways share, where the setting redis_url names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tryon_service.errors import InputError

if TYPE_CHECKING:
    from redis import Redis

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer: a call must not hang on its accounting."""


def answers(redis: Redis) -> bool:
    """Whether it does now; within TIMEOUT or, where connecting takes as long, twice that."""
    from redis import RedisError

    try:
        return bool(redis.ping())
    except RedisError:
        return False


def connect(url: str) -> Redis | None:
    """Lazily: nothing is opened before the first command, and never anything where there is no URL.

    A connection that was closed is tried once more, silence is not: the client's own default waits for five seconds ten
    times over, longer than any render takes. Raises InputError("invalid_option") for a wrong URL.
    """
    if not url:
        return None
    try:
        from redis import ConnectionError as ClosedError
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise InputError(
            "invalid_option", "Redis needs the extra scale: pip install tryon-service[scale].", "TRYON_REDIS_URL"
        ) from None
    retry = Retry(NoBackoff(), 1, (ClosedError,))
    try:
        return Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=retry)
    except ValueError:
        raise InputError("invalid_option", "It is not a redis:// URL.", "TRYON_REDIS_URL") from None
