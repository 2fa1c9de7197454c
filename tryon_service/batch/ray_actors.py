"""What runs in Ray's processes: the feed that hands out tasks by number, and the actors that do them.

A number that is lost with an actor is given to another one by Ray, again and again. The feed knows how often, so that
a product is then taken apart into its items, and an item that takes an actor down TRIES times has failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import pickle
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from tryon_service.batch.ledger import LOCK, at_work
from tryon_service.batch.poses import NamedPose
from tryon_service.batch.rows import Row
from tryon_service.batch.worker import (
    BAD_STARTS,
    START_TIMEOUT,
    CardWorker,
    Done,
    Opening,
    PipelineMaker,
    Plan,
    Task,
)
from tryon_service.confine import end_within, let_others_first
from tryon_service.errors import InputError, TryonError, UnavailableError

Handle = Any
"""Ray's, of an actor."""
TRIES = 3
"""Of an item by itself. Actors are also lost for other reasons, and then one after the other, as on machines that are
taken away: what was at work on two of them may be innocent."""
NUMBER, ANSWER = "number", "answer"
"""Columns of Ray's rows: which task, and the pickled Answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """What every actor is told. lock: what stands in the lock file of the run, to be found in the folder of state;
    segment: path of the journal, to which each actor adds a name of its own; item_timeout: seconds."""

    plan: Plan
    state: Path
    lock: str
    segment: Path
    workers: int
    item_timeout: float
    opening: Opening


@dataclass(frozen=True)
class Answer:
    """done: None for a task that had been forgotten; log: what the actor had to say."""

    done: Done | TryonError | None
    log: Sequence[str] = ()


@dataclass(frozen=True)
class Begun:
    """task: None if it is forgotten; tries: of it, or of one of its items, with this one; since: seconds from the
    first to this one; done: the item's, if it is."""

    task: Task | None
    tries: int
    since: float = 0.0
    done: Done | None = None


class Feed:
    """One for the run, on the driver's node. A task stays until it is forgotten, and is the same whoever asks."""

    def __init__(self) -> None:
        self._tasks: dict[int, Task] = {}
        self._begun: dict[tuple[int, str], list[float]] = {}
        self._done: dict[tuple[int, str], Done] = {}
        self._added, self._starts = 0, 0
        self._closed, self._stopped = False, False
        self._changed = asyncio.Condition()

    async def add(self, task: Task) -> None:
        """With the next number, counted from 0."""
        self._tasks[self._added] = task
        self._added += 1
        await self._tell()

    async def close(self, *, stop: bool = False) -> None:
        """There are no more. stop: nor is a further item to be begun."""
        self._closed, self._stopped = True, stop
        await self._tell()

    async def coming(self, number: int) -> bool:
        """Whether there is such a task, as soon as that is known."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < self._added or self._closed)
        return number < self._added

    async def begin(self, number: int, pose: str = "") -> Begun:
        """pose: of one item that is tried on its own."""
        begun = self._begun.setdefault((number, pose), [])
        begun.append(time.monotonic())
        return Begun(self._tasks.get(number), len(begun), begun[-1] - begun[0], self._done.get((number, pose)))

    async def finish(self, number: int, pose: str, done: Done) -> None:
        """Of one item."""
        self._done[number, pose] = done

    async def forget(self, number: int) -> None:
        task = self._tasks.pop(number)
        for name in ("", *(pose.name for pose in task.poses)):
            self._begun.pop((number, name), None)
            self._done.pop((number, name), None)

    async def stopped(self) -> bool:
        return self._stopped

    async def starting(self) -> int:
        """How many actors in a row have begun to load their networks, with this one."""
        self._starts += 1
        return self._starts

    async def started(self) -> None:
        self._starts = 0

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def numbers(_: object, feed: Handle) -> Iterator[dict[str, list[int]]]:
    """A row for each task, as the feed gets them: what Ray Data streams. Done again, it gives the same."""
    import ray

    for number in count():
        if not ray.get(feed.coming.remote(number)):
            return
        yield {NUMBER: [number]}


class CardActor:
    """Does tasks. What would be wrong with all of them is an answer too, so that Ray doesn't try it again."""

    def __init__(self, feed: Handle, setting: Setting) -> None:
        self._feed, self._setting = feed, setting
        self._lasting = contextlib.ExitStack()  # as long as the process
        self._log = _KeptWarnings()
        logging.getLogger("tryon_service").addHandler(self._log)
        self._worker: CardWorker | None = None
        self._error: TryonError | None = None
        try:
            self._worker = self._open()
        except TryonError as error:
            self._error = error

    def _open(self) -> CardWorker:
        setting, name = self._setting, uuid4().hex[:8]
        _check_shared(setting)
        self._lasting.enter_context(at_work(setting.state))
        if setting.plan.priority == "batch":
            let_others_first()
        if self._ask("starting") > BAD_STARTS * setting.workers:
            detail = f"{BAD_STARTS} times in a row, the actors have died before they began."
            raise UnavailableError("internal", detail)
        end_within(math.ceil(START_TIMEOUT))
        segment = setting.segment.with_stem(setting.segment.stem + name)
        plan = setting.plan
        worker = CardWorker(plan, segment, name, PipelineMaker(setting.opening(plan), plan.recipe))
        signal.alarm(0)
        self._ask("started")
        return worker

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[object]]:
        (number,) = (int(one) for one in batch[NUMBER])
        try:
            done: Done | TryonError | None = self._do(number)
        except TryonError as error:
            done = error
        finally:
            signal.alarm(0)
        return {NUMBER: [number], ANSWER: [pickle.dumps(Answer(done, self._log.taken()))]}

    def _do(self, number: int) -> Done | None:
        if self._worker is None:
            raise self._error or TryonError("internal")
        begun: Begun = self._ask("begin", number)
        if begun.task is None:
            return None
        if begun.tries == 1:
            return self._worker.work(begun.task, self)
        logger.warning("%s: an actor was lost; its items are tried again", begun.task.card.product_id)
        alone = [self._do_alone(self._worker, number, begun.task, pose) for pose in begun.task.poses]
        statuses = tuple(status for done in alone for status in done.statuses)
        return Done(begun.task.card.product_id, statuses, sum(done.kept for done in alone))

    def _do_alone(self, worker: CardWorker, number: int, task: Task, pose: NamedPose) -> Done:
        begun: Begun = self._ask("begin", number, pose.name)
        if begun.done is not None:
            return begun.done
        one = replace(task, poses=(pose,))
        if begun.since >= self._setting.item_timeout:
            done = worker.give_up(one, UnavailableError("deadline_exceeded"))
        elif begun.tries > TRIES:
            done = worker.give_up(one, UnavailableError("internal", "It takes down the process that renders it."))
        else:
            done = worker.work(one, self)
        self._ask("finish", number, pose.name, done)
        return done

    def _ask(self, method: str, *values: object) -> Any:  # noqa: ANN401 - of Feed
        import ray

        return ray.get(getattr(self._feed, method).remote(*values))

    def begun(self, _blanks: Mapping[str, Row]) -> None:
        self.item()

    def item(self) -> None:
        """From now on the next one has so much time; then the system ends this process, whatever it is at."""
        signal.alarm(math.ceil(self._setting.item_timeout))  # of which Ray Data's threads may set the time only

    def stop(self) -> bool:
        return bool(self._ask("stopped"))


class _KeptWarnings(logging.Handler):
    """Warnings and worse, until the driver gets them: what Ray's processes print is nowhere to be seen."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(self.format(record))

    def taken(self) -> list[str]:
        texts, self._texts = self._texts, []
        return texts


def _check_shared(setting: Setting) -> None:
    """Raises InputError if this node sees another folder than the driver, or none: rows would be lost there."""
    with contextlib.suppress(OSError):
        if (setting.state / LOCK).read_text() == setting.lock:
            return
    detail = (
        f"A node of the cluster doesn't see the run's files in {str(setting.state)!r}; use a folder that all share."
    )
    raise InputError("invalid_option", detail, "--state")
