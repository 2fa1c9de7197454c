"""How a call is made: sent, sent again where that is safe and may help, and given up when its time is over.

The whole course of a call is one generator, without any input or output of its own, so that the blocking and the async
client share it: it yields what is to be done next and is told what came of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from tryon_service.client.calls import Call
from tryon_service.client.problems import error_from, unreadable
from tryon_service.errors import TryonError, UnavailableError

T = TypeVar("T")

CONNECT = 5.0
"""Seconds for one try to connect; a service that is there answers in far less."""
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before anything was sent: any call may be made again."""
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
"""The connection broke before there was an answer."""
TURNED_AWAY, UNAVAILABLE = 429, 503


@dataclass(frozen=True)
class Retries:
    """When a call is made again. tries: in all, 1 for never; pauses in seconds, doubled from the first to the longest
    and drawn at random from the upper half, so that many clients don't come back at once."""

    tries: int = 5
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, attempt: int, least: float = 0.0) -> float:
        """Seconds after so many attempts. least: what the service asks for."""
        longest = min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1))
        return least + longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@dataclass(frozen=True)
class Send:
    """To be sent; what came of it is the response, read, or the error that there was instead."""

    request: httpx.Request


@dataclass(frozen=True)
class Pause:
    """To be waited, in seconds; nothing comes of it."""

    seconds: float


Outcome = httpx.Response | httpx.RequestError | None
Build = Callable[[Call[T], httpx.Timeout], httpx.Request]
"""Makes a new request of a call."""


def exchange(
    call: Call[T], build: Build[T], retries: Retries, timeout: float, clock: Callable[[], float] = time.monotonic
) -> Generator[Send | Pause, Outcome, T]:
    """The call's whole course; returns what its answer means. timeout: seconds for all attempts and pauses.

    Raises TryonError.
    """
    deadline = clock() + timeout
    attempt, lost = 0, False
    while True:
        attempt += 1
        left = deadline - clock()
        outcome = yield Send(build(call, httpx.Timeout(left, connect=min(left, CONNECT))))
        error = UnavailableError("internal") if outcome is None else error_from(outcome)
        if error is None or (lost and error.code == call.done):
            return _meaning(call, outcome)
        if attempt >= retries.tries or not worth_repeating(call, outcome, error):
            raise error
        pause = retries.pause(attempt, retry_after(outcome))
        if clock() + pause >= deadline:
            raise error
        lost = lost or isinstance(outcome, BROKEN)
        yield Pause(pause)


def worth_repeating(call: Call[T], outcome: Outcome, error: TryonError) -> bool:
    """Whether the call may be made again without harm, and with a chance."""
    if isinstance(outcome, UNSENT):
        return True
    if isinstance(outcome, httpx.Response):
        turned_away = outcome.status_code == TURNED_AWAY  # unread, whatever the call
        unavailable = outcome.status_code == UNAVAILABLE and call.repeatable
        return error.retryable and (turned_away or unavailable)
    return call.repeatable and isinstance(outcome, BROKEN)


def retry_after(outcome: Outcome) -> float:
    """Seconds that the service asks to be left alone, 0 where it doesn't say."""
    text = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx.Response) else ""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _meaning(call: Call[T], outcome: Outcome) -> T:
    if not isinstance(outcome, httpx.Response):
        raise TryonError("internal")
    try:
        return call.read(outcome)
    except (LookupError, TypeError, ValueError) as error:
        raise unreadable(outcome) from error
