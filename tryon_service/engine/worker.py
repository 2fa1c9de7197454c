"""The worker: a process of its own that takes one message after the other from a pipe, computes and answers.

It starts confined, says "ready" after a warm-up render that worked, and beats while it lives, busy or not, so that the
supervisor can tell a frozen worker from a busy one. Whatever goes wrong with a message is that message's answer; only
when memory runs out does the worker end after it, because what is left of the heap is not to be trusted.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from tryon_service import confine
from tryon_service.engine.messages import Message, error_row, receive, send
from tryon_service.errors import TryonError

logger = logging.getLogger(__name__)

BEAT_EVERY = 1.0
"""Seconds."""
MOST_BEATS_USED_UP = 2
"""A call that works may be near the limit for a moment."""
READY, BEAT, FAILED, EXHAUSTED, ERROR = "ready", "beat", "failed", "exhausted", "error"
"""Kinds of messages besides answers: started; alive; can't start; out of memory; what was asked for fails."""

DONE, REFUSED, MISSING = "done", "refused", "missing"
"""Kinds of answers: what was asked for; no picture, but a report; a photo's file has to be sent."""


@dataclass(frozen=True)
class WorkerSettings:
    """memory: bytes of address space; cache_folder: None for no folder; poses: folder of the shop's own house poses;
    the others as in Settings."""

    memory: int
    renderer: str
    pose: str
    matter: str
    parser: str
    device: str
    cache_bytes: int
    cache_folder: Path | None
    cache_folder_bytes: int
    poses: Path
    log_level: str


class Desk(Protocol):
    """What answers messages, by kind; made in the worker, where importing and loading networks is its own affair."""

    def answer(self, message: Message) -> Message: ...


Opening = Callable[[WorkerSettings], Desk]
"""Makes a warm Desk. Must be importable by name, because the process is spawned. Raises TryonError."""


def open_desk(settings: WorkerSettings) -> Desk:
    """The real one: a Pipeline that has drawn a figure and rendered it."""
    from tryon_service.engine.tasks import Tasks

    return Tasks.warm(settings)


def main(connection: Connection, settings: WorkerSettings, opening: Opening, parent: int) -> None:
    """The process. parent: the supervisor's process id."""
    os.setpgid(0, 0)  # so that Ctrl-C reaches the supervisor alone, which drains
    confine.die_with(parent)
    confine.no_core_dumps()
    confine.limit_memory(settings.memory)
    confine.let_others_first()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _set_up_logging(settings.log_level)
    outbox = _Outbox(connection)
    threading.Thread(target=_beat, args=(outbox,), name="beat", daemon=True).start()
    try:
        desk = opening(settings)
    except TryonError as error:
        outbox.send(Message(FAILED, error_row(error)))
        sys.exit(1)
    outbox.send(Message(READY, {}))
    while _serve_one(connection, outbox, desk):
        pass


def _serve_one(connection: Connection, outbox: _Outbox, desk: Desk) -> bool:
    """Answer one message; whether another may follow."""
    try:
        message = receive(connection)
    except (EOFError, OSError):
        return False
    answer = _answer(desk, message)
    outbox.send(answer)
    return answer.kind != EXHAUSTED


def _answer(desk: Desk, message: Message) -> Message:
    try:
        return desk.answer(message)
    except TryonError as error:
        return Message(ERROR, error_row(error))
    except Exception as error:
        if _out_of_memory(error):
            logger.warning("a call needs more memory than the worker may have")
            return Message(EXHAUSTED, {})
        logger.error("a call failed", exc_info=error)
        return Message(ERROR, error_row(TryonError("internal")))


def _out_of_memory(error: BaseException) -> bool:
    """Ours, numpy's, OpenCV's (StsNoMem, -4), that of a library that only says so in words, or whatever comes of it."""
    words = str(error).lower()
    said = isinstance(error, MemoryError) or getattr(error, "code", 0) == -4 or "bad_alloc" in words
    return said or confine.memory_is_used_up()


class _Outbox:
    """The pipe's sending side, shared by the loop and the beat."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Ends the process if nobody listens any more."""
        with self._lock:
            try:
                send(self._connection, message)
            except OSError:
                os._exit(1)


def _beat(outbox: _Outbox) -> None:
    """Ends the process if memory stays used up: what then fails in a thread may never reach who waits for it."""
    pause, used_up = threading.Event(), 0
    while not pause.wait(BEAT_EVERY):
        try:
            outbox.send(Message(BEAT, {}))
            used_up = used_up + 1 if confine.memory_is_used_up() else 0
        except MemoryError:
            os._exit(1)
        if used_up == MOST_BEATS_USED_UP:
            os._exit(1)


def _set_up_logging(level: str) -> None:
    from tryon_service.observability import logs

    logs.set_up(level)
