"""The local engine: processes of this machine, each with warm networks of its own and a product at a time.

A worker that dies, or takes too long, is replaced. Its batch is taken apart and each item tried once more on its own;
an item that does it again has failed, and the run goes on.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, cast

from tryon_service.batch.job import Item, unmade
from tryon_service.batch.ledger import Ledger, Segment, at_work
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.rows import Row
from tryon_service.batch.worker import (
    BAD_STARTS,
    ITEM_TIMEOUT,
    POLL,
    START_TIMEOUT,
    CardWorker,
    Done,
    Opening,
    PipelineMaker,
    Plan,
    Task,
    open_pipeline,
)
from tryon_service.confine import die_with, let_others_first
from tryon_service.errors import TryonError, UnavailableError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables that numpy's libraries read as they are loaded, which is before a worker can say anything."""
READY, BEGUN, ITEM, DONE, FAILED = "ready", "begun", "item", "done", "failed"
"""Kinds of messages from a worker."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Try:
    """A task on its way. last: it has taken a worker down before, and is one item."""

    task: Task
    last: bool = False


@dataclass
class _Worker:
    """since: time.monotonic() of the last sign of life; blanks: the task's rows, as far as they are known; told: to
    begin nothing more."""

    process: SpawnProcess
    connection: Connection
    trying: _Try | None
    since: float
    ready: bool = False
    blanks: Mapping[str, Row] = field(default_factory=dict)
    told: bool = False


class LocalPool:
    """Raises UnavailableError and ZooError: what is wrong with the run and not with an item."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        workers: int,
        item_timeout: float = ITEM_TIMEOUT,
        opening: Opening = open_pipeline,
    ) -> None:
        self._plan, self._ledger, self._opening = plan, ledger, opening
        self._size, self._timeout = workers, item_timeout
        self._workers: list[_Worker] = []
        self._again: deque[_Try] = deque()
        self._made, self._bad_starts = 0, 0

    def render(self, tasks: Iterable[Task], stop: Event) -> Iterator[Done]:
        """What became of the tasks, as they are done. stop: when it is set, no further item is begun."""
        coming = iter(tasks)
        try:
            while True:
                self._hand_out(coming, stop)
                if not any(worker.trying for worker in self._workers):
                    return
                yield from self._next_events()
        finally:
            self._end()

    def _hand_out(self, coming: Iterator[Task], stop: Event) -> None:
        """Give every idle worker a task, and start workers as long as there are tasks for them."""
        if stop.is_set():
            for worker in self._workers:
                if not worker.told:
                    worker.told = True
                    _send(worker, None)
            return
        idle = [worker for worker in self._workers if not worker.trying]
        while idle or len(self._workers) < self._size:
            trying = self._again.popleft() if self._again else next((_Try(task) for task in coming), None)
            if trying is None:
                return
            worker = idle.pop() if idle else self._start()
            worker.trying, worker.since, worker.blanks = trying, time.monotonic(), {}
            _send(worker, trying.task)

    def _start(self) -> _Worker:
        self._made += 1
        name = str(self._made)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        place = self._ledger.folder, self._ledger.segment_path(name)
        args = (theirs, self._plan, *place, name, self._opening, os.getpid())
        process = context.Process(target=_main, args=args, name=f"batch-{name}", daemon=True)
        with _environment(_THREADS, str(self._plan.threads)):
            process.start()
        theirs.close()
        worker = _Worker(process, ours, None, time.monotonic())
        self._workers.append(worker)
        return worker

    def _next_events(self) -> Iterator[Done]:
        """Wait for something to happen, not for long."""
        busy = {worker.connection: worker for worker in self._workers if worker.trying}
        for connection in wait([*busy], POLL):
            yield from self._hear(busy[cast(Connection, connection)])
        now = time.monotonic()
        for worker in [worker for worker in self._workers if worker.trying]:
            if now - worker.since > (self._timeout if worker.ready else START_TIMEOUT):
                yield from self._lose(worker, UnavailableError("deadline_exceeded"))

    def _hear(self, worker: _Worker) -> Iterator[Done]:
        try:
            kind, value = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._lose(worker, UnavailableError("internal", "It takes down the process that renders it."))
            return
        worker.since = time.monotonic()
        if kind == FAILED:
            raise value
        if kind == READY:
            worker.ready, self._bad_starts = True, 0
        elif kind == BEGUN:
            worker.blanks = value
        elif kind == DONE:
            worker.trying = None
            yield value

    def _lose(self, worker: _Worker, error: TryonError) -> Iterator[Done]:
        """The worker is gone, or is to go; what it was at is done again, or has failed."""
        _kill(worker)
        self._workers.remove(worker)
        trying = worker.trying
        if trying is None:
            return
        if not worker.ready:
            self._bad_starts += 1
            if self._bad_starts == BAD_STARTS:
                raise UnavailableError("internal", f"{BAD_STARTS} processes in a row have died before they began.")
            self._again.append(trying)
        elif trying.last:
            yield self._failed(trying.task, worker.blanks, error)
        else:
            task = trying.task
            logger.warning("%s: a process was lost (%s); its items are tried again", task.card.product_id, error.code)
            self._again.extend(_Try(replace(task, poses=(pose,)), last=True) for pose in task.poses)

    def _failed(self, task: Task, blanks: Mapping[str, Row], error: TryonError) -> Done:
        """Record that the task's one item can't be had."""
        (pose,) = task.poses
        row = unmade(blanks.get(pose.name) or Row(task.card.product_id, pose.name, "failed"), [error])
        open_outputs(self._plan.out).remove(Item(task.card, pose).output(self._plan.recipe))
        Segment(self._ledger.segment_path("0")).add([row])
        return Done(task.card.product_id, (row.status,))

    def _end(self) -> None:
        """Workers write nothing that could be left in half."""
        for worker in self._workers:
            _kill(worker)
        self._workers.clear()


@contextlib.contextmanager
def _environment(names: Sequence[str], value: str) -> Iterator[None]:
    """For processes started meanwhile."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, value))
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                del os.environ[name]
            else:
                os.environ[name] = old


def _send(worker: _Worker, task: Task | None) -> None:
    with contextlib.suppress(OSError):  # a worker that is gone is noticed when it is listened to
        worker.connection.send(task)


def _kill(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()


def _main(
    connection: Connection, plan: Plan, state: Path, segment: Path, name: str, opening: Opening, parent: int
) -> None:
    """The process. parent: the pool's process id. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(parent)
    if plan.priority == "batch":
        let_others_first()
    try:
        with at_work(state):
            worker = CardWorker(plan, segment, name, PipelineMaker(opening(plan), plan.recipe))
            connection.send((READY, None))
            while (task := connection.recv()) is not None:
                connection.send((DONE, worker.work(task, _Parent(connection))))
    except TryonError as error:
        connection.send((FAILED, error))


class _Parent:
    """Looks on from the other end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begun(self, blanks: Mapping[str, Row]) -> None:
        self._connection.send((BEGUN, blanks))

    def item(self) -> None:
        self._connection.send((ITEM, None))

    def stop(self) -> bool:
        """While a worker works, all it is ever sent is the wish to stop."""
        return self._connection.poll()
