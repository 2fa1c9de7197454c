"""What waits for the worker: bounded in calls and bytes, in two priorities, and never longer than its caller waits.

    future = queue.put(work, size=..., priority="shopper", deadline=...)   # or UnavailableError("overloaded"), at once
    item = queue.take(timeout=0.2)                                         # the dispatcher's side

Each priority has its own room, so neither locks the other out, and where both wait, batch gets its share of the turns.
What is late or cancelled is never handed out, and gives its room back at once.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from tryon_service.errors import InputError, TryonError, UnavailableError

Priority = Literal["shopper", "batch"]
Dropped = Literal["late", "cancelled", "overloaded"]
PRIORITIES: tuple[Priority, Priority] = ("shopper", "batch")

W = TypeVar("W")
A = TypeVar("A")


class Watcher(Protocol):
    """Who counts what happens in a queue; see observability.metrics.EngineMetrics."""

    def queue(self, items: dict[Priority, int], size: int) -> None: ...
    def waited(self, priority: Priority, seconds: float) -> None: ...
    def dropped(self, why: Dropped) -> None: ...


@dataclass(eq=False)
class Item(Generic[W, A]):
    """One call that waits, or an errand, which has all the time there is. size: bytes; deadline, since: moments of the
    queue's clock; future: where its answer goes."""

    work: W
    size: int
    priority: Priority
    deadline: float
    since: float
    future: Future[A] = field(default_factory=Future)

    @property
    def is_errand(self) -> bool:
        return self.deadline == math.inf


class WorkQueue(Generic[W, A]):
    """Safe between threads. clock: seconds, monotonic."""

    def __init__(
        self,
        items: int,
        size: int,
        batch_share: float,
        watcher: Watcher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """items, size: calls and bytes that may wait; batch_share: in [0, 1), of the turns and of the items' room."""
        self._most_items, self._most_bytes = items, size
        batch_room = max(1, round(items * batch_share))
        self._room: dict[Priority, int] = {"shopper": max(1, items - batch_room), "batch": batch_room}
        self._share = batch_share
        self._owed = 0.0  # turns that batch calls have waited for and not had
        # Dicts, for order and for taking any item out at once.
        self._waiting: dict[Priority, dict[Item[W, A], None]] = {priority: {} for priority in PRIORITIES}
        self._bytes: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._errands: deque[Item[W, A]] = deque()
        self._changed = threading.Condition()
        self._watcher = watcher
        self._clock = clock

    def put(self, work: W, *, size: int, priority: Priority, deadline: float) -> Future[A]:
        """Where the answer will be; cancelling it takes the call out of the queue.

        Raises UnavailableError("overloaded") if there is no room, InputError("too_many_bytes") if there never will be.
        """
        item: Item[W, A] = Item(work, size, priority, deadline, self._clock())
        if size > self._most_bytes:
            detail = f"The call has {size / 1e6:.1f} MB; at most {self._most_bytes / 1e6:.1f} MB can wait."
            raise InputError("too_many_bytes", detail)
        with self._changed:
            if not self._fits(item):
                self._drop_late()
            if not self._fits(item):
                self._count("overloaded")
                raise UnavailableError("overloaded", f"{len(self)} calls are waiting.")
            self._waiting[priority][item] = None
            self._bytes[priority] += size
            self._changed.notify()
            self._report()
        # Without a ring of references, in which a shopper's photo would lie until the garbage collector comes by.
        waiting = weakref.ref(item)
        item.future.add_done_callback(lambda _: self._forget(waiting()))
        return item.future

    def errand(self, work: W) -> Future[A]:
        """The service's own work: small, never late, before all calls, and not to be cancelled."""
        item: Item[W, A] = Item(work, 0, "batch", math.inf, self._clock())
        item.future.set_running_or_notify_cancel()
        self.put_back(item)
        return item.future

    def put_back(self, errand: Item[W, A]) -> None:
        """An errand that was taken and couldn't be done is the next one again."""
        with self._changed:
            self._errands.appendleft(errand)
            self._changed.notify()

    def take(self, timeout: float) -> Item[W, A] | None:
        """The next call, from now on running and not to be cancelled; None if there is none within timeout seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._errands or len(self), timeout):
                return None
            if self._errands:
                return self._errands.popleft()
            while (item := self._next()) is not None:
                self._remove(item)
                if self._begin(item):
                    break
            self._report()
            return item

    def fail_all(self, error: TryonError) -> None:
        """Answer every call that waits with this error; errands go on waiting."""
        for item in self._taken_out():
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(error)

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    @property
    def room(self) -> dict[Priority, int]:
        """Calls of each priority that may wait."""
        return dict(self._room)

    @property
    def bytes(self) -> int:
        return sum(self._bytes.values())

    def _fits(self, item: Item[W, A]) -> bool:
        """Batch calls may hold half of the bytes, or one call may, however large, so that shoppers find room."""
        held = self._bytes[item.priority]
        crowded = item.priority == "batch" and held > 0 and held + item.size > self._most_bytes // 2
        return (
            len(self) < self._most_items
            and len(self._waiting[item.priority]) < self._room[item.priority]
            and self.bytes + item.size <= self._most_bytes
            and not crowded
        )

    def _next(self) -> Item[W, A] | None:
        """Whose turn it is: where both wait, batch gets its share of the turns, evenly spread."""
        shopper, batch = (next(iter(self._waiting[priority]), None) for priority in PRIORITIES)
        if shopper is None or batch is None:
            return shopper or batch
        self._owed += self._share
        if self._owed < 1.0:
            return shopper
        self._owed -= 1.0
        return batch

    def _begin(self, item: Item[W, A]) -> bool:
        """Whether somebody still waits for it."""
        now = self._clock()
        if now >= item.deadline:
            self._expire(item)
            return False
        if not item.future.set_running_or_notify_cancel():
            self._count("cancelled")
            return False
        if self._watcher:
            self._watcher.waited(item.priority, now - item.since)
        return True

    def _drop_late(self) -> None:
        now = self._clock()
        for item in [item for item in self._all() if now >= item.deadline]:
            self._remove(item)
            self._expire(item)

    def _expire(self, item: Item[W, A]) -> None:
        self._count("late")
        if item.future.set_running_or_notify_cancel():
            item.future.set_exception(UnavailableError("deadline_exceeded", "Time was up before its turn came."))

    def _forget(self, item: Item[W, A] | None) -> None:
        """Called when an item's future is done: one that still waits was cancelled. None: it is gone already."""
        with self._changed:
            if item is not None and item in self._waiting[item.priority]:
                self._remove(item)
                self._count("late" if self._clock() >= item.deadline else "cancelled")
                self._report()

    def _taken_out(self) -> list[Item[W, A]]:
        with self._changed:
            items = list(self._all())
            for item in items:
                self._remove(item)
            self._report()
        return items

    def _all(self) -> Iterator[Item[W, A]]:
        for waiting in self._waiting.values():
            yield from waiting

    def _remove(self, item: Item[W, A]) -> None:
        del self._waiting[item.priority][item]
        self._bytes[item.priority] -= item.size

    def _count(self, why: Dropped) -> None:
        if self._watcher:
            self._watcher.dropped(why)

    def _report(self) -> None:
        if self._watcher:
            self._watcher.queue({priority: len(waiting) for priority, waiting in self._waiting.items()}, self.bytes)
