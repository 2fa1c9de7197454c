"""Rate limits per API key, per widget token and per address, with RateLimit headers.

Windows begin with the first call and last as long as the setting says. Counts are in memory, or in Redis for many
gateways; where Redis doesn't answer, each gateway counts for itself until it does. Links are limited by address only: a
listing is many pictures, and which store made it is no reason to stop a shopper.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from flask_limiter import ApplicationLimit, Limiter
from limits import parse_many
from limits.errors import StorageError
from limits.storage import Storage

from tryon_service.access.counts import ExpiringCounts
from tryon_service.errors import InputError
from tryon_service.settings import PREFIX, Settings

if TYPE_CHECKING:
    from redis import Redis

API = "/v1/"
"""What is limited; health checks and documents are not. Nor is OPTIONS: a browser that may not ask whether it may call
tells the page of no limit, only that the call failed."""
IPV6_PREFIX = 64
"""Bits of an IPv6 address that count: a household has all of the rest to itself."""
MEMORY = "tryon-memory"


class LockedMemory(Storage):
    """Counts of this process. The library's own memory store changes its tables and starts timers without a lock; with
    many threads a call then fails now and then with 'threads can only be started once'."""

    STORAGE_SCHEME = [MEMORY]  # noqa: RUF012 - declared so by the library

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions)
        self._counts = ExpiringCounts(time.monotonic)  # a window lasts as long as it says, however the clock is set

    @property
    def base_exceptions(self) -> type[Exception]:
        return MemoryError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._counts.add(key, amount, until=time.monotonic() + expiry) or 0

    def get(self, key: str) -> int:
        return self._counts.get(key)[0]

    def get_expiry(self, key: str) -> float:
        """Seconds since 1970, as the library counts."""
        return self._counts.get(key)[1] - time.monotonic() + time.time()

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        return self._counts.clear()

    def clear(self, key: str) -> None:
        self._counts.remove(key)


class PatientLimiter(Limiter):
    """Where Redis falls silent, every call that waits for it is counted in memory. The library's own lets the first
    one and fails those that waited with it."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except StorageError:
            self.context.seen_limits.clear()
            super()._check_request_limit(callable_name, in_middleware)


def rate_limiter(settings: Settings, redis: Redis | None) -> Limiter:
    """Not yet bound to an app. redis: where counts are shared; None for one gateway alone.

    Raises InputError("invalid_option") naming the variable of a limit that is none."""
    for name in ("rate_key", "rate_token", "rate_address"):
        try:
            parse_many(getattr(settings, name))
        except ValueError:
            raise InputError(
                "invalid_option", "A limit looks like '600 per minute' or '10/second'.", PREFIX + name.upper()
            ) from None
    shared: dict[str, Any] = {"connection_pool": redis.connection_pool, "wrap_exceptions": True} if redis else {}
    limiter = PatientLimiter(
        _address,
        application_limits=[
            ApplicationLimit(settings.rate_address, scope="address"),
            _limit_of("key", settings.rate_key),
            _limit_of("widget", settings.rate_token),
        ],
        storage_uri="redis://" if redis else f"{MEMORY}://",
        storage_options=shared,
        in_memory_fallback_enabled=redis is not None,
        key_prefix="tryon",
    )
    limiter.request_filter(lambda: not request.path.startswith(API) or request.method == "OPTIONS")
    limiter.logger.setLevel(logging.WARNING)  # below that it logs addresses
    return limiter


def limit_rates(app: Flask, limiter: Limiter) -> None:
    """Count every call of the API from here on; a call over the limit raises flask_limiter.RateLimitExceeded, an HTTP
    exception of status 429. Whatever puts the caller into flask.g must be registered before."""
    limiter.init_app(app)

    @app.after_request
    def write_headers(response: Response) -> Response:
        try:
            _write_headers(limiter, response)
        except StorageError:
            limiter.logger.warning("rate limits can't be read now; an answer goes out without them")
        return response


def _write_headers(limiter: Limiter, response: Response) -> None:
    """As in the IETF draft: the policies, and what is left of each; on a breach when to come back."""
    policies, states = [], []
    for one in limiter.current_limits:
        name, resets_in = one.request_args[-1], max(0, math.ceil(one.window[0] - time.time()))
        policies.append(f'"{name}";q={one.limit.amount};w={one.limit.get_expiry()}')
        states.append(f'"{name}";r={one.remaining};t={resets_in}')
        if one.breached:
            response.headers["Retry-After"] = str(max(1, resets_in))
    if policies:
        response.headers["RateLimit-Policy"] = ", ".join(policies)
        response.headers["RateLimit"] = ", ".join(states)


def _limit_of(kind: str, rate: str) -> ApplicationLimit:
    """Calls of each caller of one kind."""
    return ApplicationLimit(
        rate,
        scope=kind,
        key_function=lambda: str(g.caller.id),
        exempt_when=lambda: g.caller is None or g.caller.kind != kind,
    )


def _address() -> str:
    """Where the call comes from; never empty, which the library would take for no limit."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "local"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)
