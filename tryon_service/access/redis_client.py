"""The Redis that many gateways share, where the setting redis_url names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tryon_service.errors import InputError

if TYPE_CHECKING:
    from redis import Redis

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer: a call must not hang on its accounting."""


def options() -> dict[str, Any]:
    """How to connect. A connection that was closed is tried once more, silence is not: the client's own default waits
    for five seconds ten times over, longer than any render takes."""
    try:
        from redis import ConnectionError as ClosedError
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise InputError(
            "invalid_option", "Redis needs the extra scale: pip install tryon-service[scale].", "TRYON_REDIS_URL"
        ) from None
    return {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 1, (ClosedError,)),
    }


def connect(url: str) -> Redis:
    """Lazily: nothing is opened before the first command. Raises InputError("invalid_option") for a wrong URL."""
    how = options()
    from redis import Redis

    try:
        return Redis.from_url(url, **how)
    except ValueError:
        raise InputError("invalid_option", "It is not a redis:// URL.", "TRYON_REDIS_URL") from None
