"""Structured logs: one JSON object a line, with fixed fields, scrubbed of secrets and of people.

    set_up("info", sys.stderr)
    with bind(request_id=..., method="POST", route="/v1/renders"):
        note(store="s1")                    # learnt on the way, on every line from here
        log_call(status=200, ms=412.0)      # the one line that every call leaves

A field is written only if FIELDS names it: what else a library hangs on a record stays out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TextIO

from tryon_service.observability.scrub import scrub, scrub_known

PACKAGE = "tryon_service"

FIELDS = (
    "request_id",
    "trace_id",
    "method",
    "route",
    "rpc",
    "status",
    "ms",
    "code",
    "verdict",
    "store",
    "key_id",
    "device",
)
"""route: the template, never the path; code: of errors.CODES; key_id: the API key's public half; ms: milliseconds."""

LONGEST_MESSAGE = 4_000
LONGEST_FIELD = 128
"""Characters."""

Field = str | int | float | None

calls = logging.getLogger(f"{PACKAGE}.calls")

_bound: ContextVar[dict[str, Field] | None] = ContextVar("bound", default=None)


@contextlib.contextmanager
def bind(**fields: Field) -> Iterator[None]:
    """Put these fields on every line that this thread or task logs in the block, besides those of blocks around it."""
    before = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(before)


def note(**fields: Field) -> None:
    """Add fields to the innermost block of bind; nothing happens outside of one."""
    bound = _bound.get()
    if bound is not None:
        bound.update(fields)


def log_call(*, status: int | str, ms: float, **fields: Field) -> None:
    """The line about a call that has been answered. status: HTTP or gRPC; ms: what it took, milliseconds."""
    calls.info("call", extra={**fields, "status": status, "ms": round(ms, 1)})


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON. A message that can't be put together is written without its arguments."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments can be any object, and a log line must never fail a call
            message = str(record.msg)
        entry: dict[str, Field] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(message)[:LONGEST_MESSAGE],
        }
        given = {**(_bound.get() or {}), **vars(record)}
        entry |= {name: _plain(given[name]) for name in FIELDS if given.get(name) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
            entry["trace"] = scrub(self.formatException(record.exc_info))
        if record.stack_info:
            entry["stack"] = scrub(record.stack_info)
        return json.dumps(entry, ensure_ascii=False)


def _plain(value: object) -> Field:
    """Numbers as they are; ids look random by nature, so only certain credentials are hidden in them."""
    if isinstance(value, int | float):
        return value
    return scrub_known(str(value).partition("?")[0])[:LONGEST_FIELD]


class _Handler(logging.StreamHandler[TextIO]):
    """Where the stream fails, the standard handler prints the record with its arguments, unscrubbed; this doesn't."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """A full disk or a closed pipe loses the line and nothing else."""


def set_up(level: str = "info", stream: TextIO | None = None) -> None:
    """Log in JSON to the stream (default stderr) from this process, other libraries from warnings up.

    level: debug, info, warning or error, for this package. May be called again, as after a fork; the last call counts.
    Warnings and uncaught exceptions of any thread go the same way, as their standard form is not scrubbed.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(PACKAGE).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: types.TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger(PACKAGE).critical("uncaught exception", exc_info=(kind, error, trace))
