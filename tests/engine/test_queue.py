from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tryon_service.engine.queue import PRIORITIES, Item, Priority, WorkQueue
from tryon_service.errors import InputError, UnavailableError

FAR = 1e9


class Counter:
    """Counts what a queue tells."""

    def __init__(self) -> None:
        self.why: dict[str, int] = {"late": 0, "cancelled": 0, "overloaded": 0}
        self.items: dict[Priority, int] = {}
        self.bytes = 0

    def queue(self, items: dict[Priority, int], size: int) -> None:
        self.items, self.bytes = items, size

    def waited(self, priority: Priority, seconds: float) -> None:
        assert seconds >= 0.0

    def dropped(self, why: str) -> None:
        self.why[why] += 1


class QueueMachine(RuleBasedStateMachine):
    """Any order of calls, cancellations and passing time, beside a plain list of what waits."""

    @initialize(items=st.integers(1, 8), share=st.sampled_from([0.0, 0.2, 0.5, 0.9]))
    def make(self, items: int, share: float) -> None:
        self.now, self.most, self.size = 0.0, items, 100
        self.counter = Counter()
        self.queue: WorkQueue[int, str] = WorkQueue(items, self.size, share, self.counter, lambda: self.now)
        self.waiting: list[tuple[int, Priority, float, int, Future[str]]] = []
        self.count = self.taken = self.refused = 0

    @rule(size=st.integers(0, 60), priority=st.sampled_from(PRIORITIES), patience=st.sampled_from([1.0, 5.0, FAR]))
    def put(self, size: int, priority: Priority, patience: float) -> None:
        self.count += 1
        try:
            deadline = self.now + patience
            future = self.queue.put(self.count, size=size, priority=priority, deadline=deadline)
        except UnavailableError:
            self.refused += 1
            self.forget_late()
        else:
            self.waiting.append((self.count, priority, deadline, size, future))
            self.waiting = [one for one in self.waiting if not one[4].done()]

    @rule()
    def take(self) -> None:
        item = self.queue.take(0.0)
        self.forget_late_before(item)
        if item is None:
            assert not [one for one in self.waiting if one[2] > self.now]
            return
        self.taken += 1
        assert item.deadline > self.now
        first = next(one for one in self.waiting if one[1] == item.priority and one[2] > self.now)
        assert first[0] == item.work, "first come, first served within a priority"
        self.waiting.remove(first)
        item.future.set_result("done")

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        assert one[4].cancel()
        self.waiting.remove(one)

    @rule(seconds=st.floats(0.0, 3.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def forget_late(self) -> None:
        self.waiting = [one for one in self.waiting if not one[4].done()]

    def forget_late_before(self, item: Item[int, str] | None) -> None:
        """Taking drops the late ones that it comes upon."""
        for one in self.waiting:
            if one[4].done():
                assert isinstance(one[4].exception(), UnavailableError)
                assert one[2] <= self.now
        self.waiting = [one for one in self.waiting if not one[4].done() or (item and one[0] == item.work)]

    @invariant()
    def bounds_hold(self) -> None:
        if not hasattr(self, "queue"):
            return
        assert len(self.queue) == len(self.waiting) <= self.most
        assert self.queue.bytes == sum(one[3] for one in self.waiting) <= self.size
        assert self.counter.why["overloaded"] == self.refused
        dropped = self.counter.why["late"] + self.counter.why["cancelled"]
        assert self.count == self.taken + self.refused + dropped + len(self.waiting)


TestAnyOrder = QueueMachine.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(share=st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.9]))
def test_where_both_wait_batch_has_its_share_of_the_turns(share: float) -> None:
    queue: WorkQueue[int, None] = WorkQueue(1000, 1000, share)
    turns = []
    for priority in PRIORITIES:
        queue.put(0, size=0, priority=priority, deadline=time.monotonic() + FAR)
    for _ in range(100):
        item = queue.take(0.0)
        assert item is not None
        turns.append(item.priority)
        queue.put(0, size=0, priority=item.priority, deadline=time.monotonic() + FAR)
    assert abs(turns.count("batch") - 100 * share) <= 1
    if share:
        longest = max(len(run) for run in "".join(turn[0] for turn in turns).split("b"))
        assert longest <= 1 / Fraction(str(share)), "its turns are spread evenly"


def test_alone_batch_has_every_turn() -> None:
    queue: WorkQueue[int, None] = WorkQueue(10, 10, 0.2)
    futures = [queue.put(n, size=0, priority="batch", deadline=time.monotonic() + FAR) for n in (1, 2)]
    assert [item.work for item in (queue.take(0.0), queue.take(0.0)) if item] == [1, 2]
    assert len(futures) == 2


@pytest.mark.parametrize(("filling", "other"), [("shopper", "batch"), ("batch", "shopper")])
def test_neither_locks_the_other_out(filling: Priority, other: Priority) -> None:
    queue: WorkQueue[int, None] = WorkQueue(10, 100, 0.2)
    for _ in range(8 if filling == "shopper" else 2):
        queue.put(0, size=9, priority=filling, deadline=time.monotonic() + FAR)
    with pytest.raises(UnavailableError, match="waiting") as caught:
        queue.put(0, size=9, priority=filling, deadline=time.monotonic() + FAR)
    assert caught.value.code == "overloaded"
    queue.put(0, size=9, priority=other, deadline=time.monotonic() + FAR)


def test_batch_leaves_half_of_the_bytes_but_a_large_call_has_its_turn() -> None:
    queue: WorkQueue[int, None] = WorkQueue(10, 100, 0.5)
    queue.put(0, size=80, priority="batch", deadline=time.monotonic() + FAR)
    with pytest.raises(UnavailableError):
        queue.put(0, size=1, priority="batch", deadline=time.monotonic() + FAR)
    queue.put(0, size=20, priority="shopper", deadline=time.monotonic() + FAR)


def test_a_call_that_never_fits_is_told_so() -> None:
    queue: WorkQueue[int, None] = WorkQueue(10, 100, 0.2)
    with pytest.raises(InputError) as caught:
        queue.put(0, size=101, priority="shopper", deadline=time.monotonic() + FAR)
    assert caught.value.code == "too_many_bytes"


def test_a_full_queue_makes_room_by_dropping_what_is_late() -> None:
    now = [0.0]
    counter = Counter()
    queue: WorkQueue[int, None] = WorkQueue(2, 100, 0.2, counter, lambda: now[0])
    late = queue.put(1, size=1, priority="shopper", deadline=1.0)
    now[0] = 2.0
    queue.put(2, size=1, priority="shopper", deadline=3.0)
    assert isinstance(late.exception(0.0), UnavailableError)
    assert counter.why == {"late": 1, "cancelled": 0, "overloaded": 0}
    assert counter.items == {"shopper": 1, "batch": 0}


def test_errands_come_first_and_are_never_refused_or_cancelled() -> None:
    queue: WorkQueue[str, None] = WorkQueue(1, 1, 0.2)
    queue.put("call", size=0, priority="shopper", deadline=time.monotonic() + FAR)
    future = queue.errand("errand")
    assert not future.cancel()
    item = queue.take(0.0)
    assert item is not None
    assert (item.work, item.is_errand) == ("errand", True)
    queue.put_back(item)
    assert queue.take(0.0) is item
    after = queue.take(0.0)
    assert after is not None
    assert (after.work, after.is_errand) == ("call", False)


def test_whoever_takes_is_woken() -> None:
    queue: WorkQueue[int, None] = WorkQueue(1, 1, 0.2)
    found: list[Item[int, None] | None] = []
    taker = threading.Thread(target=lambda: found.append(queue.take(600.0)), daemon=True)
    taker.start()
    queue.put(7, size=0, priority="shopper", deadline=time.monotonic() + FAR)
    taker.join(60.0)
    assert found[0] is not None
    assert found[0].work == 7


def test_everything_that_waits_can_be_answered_with_an_error() -> None:
    queue: WorkQueue[int, None] = WorkQueue(10, 10, 0.2)
    futures = [queue.put(0, size=1, priority=one, deadline=time.monotonic() + FAR) for one in PRIORITIES]
    queue.fail_all(UnavailableError("engine_unavailable"))
    assert [getattr(future.exception(0.0), "code", "") for future in futures] == ["engine_unavailable"] * 2
    assert (len(queue), queue.bytes) == (0, 0)


class Photo:
    """What nobody should hold on to. No string, because those have no weak references."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("end", ["answered", "failed", "cancelled", "late", "turned away"])
def test_nothing_of_a_call_that_has_ended_is_left(no_collector: None, end: str) -> None:
    """At once, not when the garbage collector comes by: a photo would be in memory for longer than its call."""
    moment = 0.0
    queue: WorkQueue[Photo, Photo] = WorkQueue(2 if end != "turned away" else 1, 100, 0.0, clock=lambda: moment)
    if end == "turned away":
        queue.put(Photo(), size=1, priority="shopper", deadline=FAR)
    photo, picture = Photo(), Photo()
    left = [weakref.ref(photo), weakref.ref(picture)]
    try:
        future = queue.put(photo, size=1, priority="shopper", deadline=5.0)
    except UnavailableError:
        assert end == "turned away"
    else:
        moment = 6.0 if end == "late" else 1.0
        if end == "cancelled":
            future.cancel()
        item = queue.take(0.0)
        assert (item is None) == (end in ("cancelled", "late"))
        if item is not None and end == "answered":
            item.future.set_result(picture)
        elif item is not None:
            item.future.set_exception(UnavailableError("engine_unavailable"))
        del item, future
    del photo, picture
    assert [one() for one in left] == [None, None]
