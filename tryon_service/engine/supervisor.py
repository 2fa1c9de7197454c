"""Keeps one worker running and hands it what waits in the queue, one call at a time.

An item that kills or hangs the worker gets "engine_unavailable", which is retryable; the worker is replaced at once and
the calls behind it go on. A worker that doesn't even start is tried again after growing pauses, and meanwhile calls are
turned away instead of being left to wait. `ready` is the truth for health checks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Protocol

from tryon_service.engine import worker
from tryon_service.engine.messages import Message, error_from
from tryon_service.engine.process import Loss, WorkerLostError, WorkerProcess
from tryon_service.engine.queue import Item, Priority, WorkQueue
from tryon_service.engine.worker import Opening, WorkerSettings
from tryon_service.errors import TryonError, UnavailableError
from tryon_service.observability.process_memory import Memory, memory_of

logger = logging.getLogger(__name__)

IDLE = 0.25
"""Seconds between looks at an idle worker."""
START = 120.0
"""Seconds that a start may take, networks fetched included."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds before the next try after a start failed; doubled each time."""

Queue = WorkQueue[Message, Message]


class Watcher(Protocol):
    """Who counts what happens to workers; see observability.metrics.EngineMetrics."""

    def restarted(self, why: Loss) -> None: ...
    def worker_memory(self, memory: Memory) -> None: ...
    def ready(self, *, ready: bool) -> None: ...
    def analyses_damaged(self, number: int) -> None: ...


class Supervisor:
    """start() returns at once; ready turns true when a warm-up render has worked.

    on_ready: told each time that changes, from the supervisor's thread. item_timeout: seconds after which a call in the
    worker counts as hung.
    """

    def __init__(
        self,
        queue: Queue,
        settings: WorkerSettings,
        *,
        item_timeout: float,
        watcher: Watcher,
        on_ready: Callable[[bool], None] = lambda _: None,
        opening: Opening = worker.open_desk,
    ) -> None:
        self._queue = queue
        self._settings, self._opening = settings, opening
        self._item_timeout = item_timeout
        self._watcher, self._on_ready = watcher, on_ready
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._failure: TryonError | None = None
        self._held: frozenset[str] = frozenset()
        self._damaged = 0
        self._worker: WorkerProcess | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the worker; whatever waits or runs is answered with engine_unavailable."""
        self._stop.set()
        if self._worker is not None:
            self._worker.interrupt()
        if self._thread.is_alive():
            self._thread.join()
        self._queue.fail_all(UnavailableError("engine_unavailable", "The engine is stopping."))

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    def wait_ready(self, timeout: float) -> bool:
        return self._ready.wait(timeout)

    @property
    def worker_pid(self) -> int:
        """0 while there is none."""
        return self._worker.pid if self._worker else 0

    @property
    def held(self) -> frozenset[str]:
        """sha256 of the product photos whose files the worker has, as far as it last said."""
        return self._held

    def submit(self, message: Message, *, priority: Priority, deadline: float) -> Future[Message]:
        """Queue a message for the worker. deadline: of time.monotonic().

        The future raises what the worker answers, UnavailableError("engine_unavailable") if that is lost and
        "deadline_exceeded" if its turn doesn't come. Raises as WorkQueue.put does, and engine_unavailable while workers
        fail to start.
        """
        if self._failure is not None:
            raise _cannot_start(self._failure)
        return self._queue.put(message, size=message.size, priority=priority, deadline=deadline)

    def forget(self, photos: Iterable[str]) -> Future[Message]:
        """Have everything given up that was made of these photos (sha256), by the next worker if not by this one."""
        return self._queue.errand(Message("forget", {"photos": sorted(photos)}))

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._worker = WorkerProcess(self._settings, self._opening)
            try:
                self._begin(self._worker)
                failures = 0
                self._serve(self._worker)
            except WorkerLostError as lost:
                if not self._stop.is_set():
                    logger.warning("the worker is replaced (%s)", lost.why)
                    self._watcher.restarted(lost.why)
            finally:
                self._set_ready(ready=False)
                self._held, self._damaged = frozenset(), 0
                self._worker.kill()
            if self._failure is not None and not self._stop.is_set():
                failures += 1
                self._queue.fail_all(_cannot_start(self._failure))
                self._stop.wait(min(FIRST_PAUSE * 2.0 ** (failures - 1), LONGEST_PAUSE))

    def _begin(self, process: WorkerProcess) -> None:
        """Wait for the warm-up render. Raises WorkerLostError."""
        try:
            message = process.answer(START)
        except WorkerLostError:
            self._failure = TryonError("internal", "It ended before it was ready.")
            raise
        if message.kind != worker.READY:
            self._failure = error_from(message.head)
            logger.error("the worker can't start: %s", self._failure.public_text)
            raise WorkerLostError("died")
        self._failure = None
        self._set_ready(ready=True)

    def _serve(self, process: WorkerProcess) -> None:
        """Give the worker one item after the other until we stop. Raises WorkerLostError."""
        while not self._stop.is_set():
            item = self._queue.take(IDLE)
            if item is None:
                process.listen(IDLE)
            else:
                self._do(process, item)
            self._watcher.worker_memory(memory_of(process.pid))

    def _do(self, process: WorkerProcess, item: Item[Message, Message]) -> None:
        try:
            answer = process.ask(item.work, self._item_timeout)
            if answer.kind == worker.EXHAUSTED:
                raise WorkerLostError("memory")
        except WorkerLostError as lost:
            # First the truth for health checks, then the answer: who hears it and looks finds it.
            self._set_ready(ready=False)
            self._lost(item, lost.why)
            raise
        self._held = frozenset(answer.head.get("held", self._held))
        damaged = answer.head.get("damaged", self._damaged)
        self._watcher.analyses_damaged(damaged - self._damaged)
        self._damaged = damaged
        if answer.kind == worker.ERROR:
            item.future.set_exception(error_from(answer.head))
        else:
            item.future.set_result(answer)

    def _lost(self, item: Item[Message, Message], why: Loss) -> None:
        if item.is_errand:
            self._queue.put_back(item)
        else:
            detail = "It needed too much memory." if why == "memory" else "The worker was lost while computing it."
            item.future.set_exception(UnavailableError("engine_unavailable", detail))

    def _set_ready(self, *, ready: bool) -> None:
        if ready == self._ready.is_set():
            return
        (self._ready.set if ready else self._ready.clear)()
        self._watcher.ready(ready=ready)
        self._on_ready(ready)


def _cannot_start(failure: TryonError) -> UnavailableError:
    return UnavailableError("engine_unavailable", f"The worker doesn't start (code {failure.code}).")
