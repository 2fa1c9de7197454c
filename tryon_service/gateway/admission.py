"""How much the gateway takes on at once. What is over the bounds is refused at once, before its body is read: a caller
who waits for a full service learns nothing, and every waiting photo takes memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, current_app, request

from tryon_service.errors import InputError, UnavailableError
from tryon_service.pb.limits import MAX_CALL, TOO_LARGE

EXTENSION = "tryon_admission"
SPARE = 4
"""One thread in so many answers health checks, small calls and refusals while the others wait for the engine."""

P = ParamSpec("P")
R = TypeVar("R")


class Admission:
    """Bounds the calls with photos, and their bytes, in this process. threads: that answer calls."""

    def __init__(self, threads: int, most_bytes: int) -> None:
        self.most_calls = max(1, threads - max(1, threads // SPARE))
        self.most_bytes = max(most_bytes, MAX_CALL)
        self._lock = threading.Lock()
        self._calls = self._bytes = 0

    def install(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Room for one call of this many bytes. Raises UnavailableError("overloaded") where there is none."""
        with self._lock:
            if self._calls >= self.most_calls or self._bytes + size > self.most_bytes:
                raise UnavailableError("overloaded")
            self._calls, self._bytes = self._calls + 1, self._bytes + size
        try:
            yield
        finally:
            with self._lock:
                self._calls, self._bytes = self._calls - 1, self._bytes - size


def admitted(view: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a view that takes photos, above the one that reads them."""

    @wraps(view)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        size = MAX_CALL if request.content_length is None else request.content_length
        if size > MAX_CALL:
            raise InputError("too_many_bytes", TOO_LARGE)
        with cast(Admission, current_app.extensions[EXTENSION]).hold(size):
            return view(*args, **kwargs)

    return bounded
