"""One worker process as the supervisor sees it: start, ask, listen, kill."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Literal

from tryon_service.engine import worker
from tryon_service.engine.messages import Message, receive, send
from tryon_service.engine.worker import BEAT, Opening, WorkerSettings

Loss = Literal["died", "hung", "memory"]

FROZEN_AFTER = 8.0
"""Seconds of listening without a beat after which a worker counts as frozen. What is added up is how long we meant to
listen, so that a supervisor that was itself stopped for a while doesn't blame its worker."""

_SLICE = 1.0
"""Longest time of listening at a stretch, seconds."""
_BURIAL = 5.0
"""Seconds for the kernel to end a killed process."""
_CONTEXT = multiprocessing.get_context("spawn")


class WorkerLostError(Exception):
    """The worker is gone, or no longer to be trusted."""

    def __init__(self, why: Loss) -> None:
        super().__init__(f"the worker is lost: {why}")
        self.why = why


class WorkerProcess:
    """Started when made. Belongs to the thread that made it, which has to live as long; see confine.die_with."""

    def __init__(self, settings: WorkerSettings, opening: Opening) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        arguments = (theirs, settings, opening, os.getpid())
        self._process = _CONTEXT.Process(target=worker.main, args=arguments, name="tryon-worker", daemon=True)
        self._silence = 0.0
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def ask(self, message: Message, timeout: float) -> Message:
        """Send a message and wait for its answer, timeout seconds at most. Raises WorkerLostError."""
        self.listen(0.0)
        with self._watched():
            send(self._connection, message)
        return self.answer(timeout)

    def answer(self, timeout: float) -> Message:
        """The next message that is no beat. Raises WorkerLostError, also when there is none in timeout seconds."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            message = self._next(min(left, _SLICE))
            if message is not None and message.kind != BEAT:
                return message
        while (message := self._next(0.0)) is not None:  # come while this process itself was stopped
            if message.kind != BEAT:
                return message
        raise WorkerLostError("hung")

    def listen(self, waited: float) -> None:
        """Hear the beats of an idle worker; waited: seconds since the last time. Raises WorkerLostError."""
        if self._next(0.0) is None:
            self._be_silent(waited)
        while self._next(0.0) is not None:
            pass

    def interrupt(self) -> None:
        """From another thread: end it, so that whoever waits for it hears that it is lost."""
        with contextlib.suppress(ValueError):  # it has been buried already
            self._process.kill()

    def kill(self) -> None:
        """End it and whatever it started, however stuck; returns when it is gone."""
        self._process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join(_BURIAL)
        self._connection.close()
        with contextlib.suppress(ValueError):  # not even the kernel could end it
            self._process.close()

    def _next(self, patience: float) -> Message | None:
        """A message, or None after patience seconds without one."""
        with self._watched():
            if not self._connection.poll(patience) and not self._connection.poll(0):
                self._be_silent(patience)
                return None
            message = receive(self._connection)
        self._silence = 0.0
        return message

    def _be_silent(self, seconds: float) -> None:
        self._silence += seconds
        if self._silence >= FROZEN_AFTER:
            raise WorkerLostError("hung")

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """A worker that freezes in the middle of a message would hold us in it; a kill sets us free."""
        done, killed = threading.Event(), threading.Event()

        def watch() -> None:
            for _ in range(round(FROZEN_AFTER / _SLICE)):
                if done.wait(_SLICE):
                    return
            killed.set()
            self._process.kill()

        threading.Thread(target=watch, name="watchdog", daemon=True).start()
        try:
            yield
        except (EOFError, OSError, ValueError) as error:
            raise WorkerLostError("hung" if killed.is_set() else "died") from error
        finally:
            done.set()
