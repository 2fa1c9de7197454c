"""What is kept of finished pictures, under which names, for how long, and who waits for whom."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import grpc
import pytest

from tryon_service.engine.calls import Call
from tryon_service.engine.messages import Message, pack
from tryon_service.engine.picture_cache import MOST_WAITING, POSE_NAME, PictureCache, PictureKey
from tryon_service.engine.queue import Priority
from tryon_service.engine.worker import DONE, REFUSED
from tryon_service.errors import TryonError, UnavailableError
from tryon_service.observability.tracing import Span, Trace, Tracer
from tryon_service.poses import house
from tryon_service.products.records import PhotoRecord, ProductRecord
from tryon_service.types import Reason

Eventually = Callable[..., None]

SHIRT = ProductRecord("shirt", (PhotoRecord("a" * 64, 1, "front"), PhotoRecord("b" * 64, 1)), "contract 7")
OPTIONS = {"size": [300, 4096], "format": "jpeg"}
ANSWER = Message(DONE, {"report": {"verdict": "accepted", "scores": {"seam": 0.5}}, "width": 3}, (b"a picture",))


class Caller:
    """What a call knows of who called, who may leave."""

    def __init__(self) -> None:
        self.leave: Callable[[], None] = lambda: None

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.leave = callback
        return True


def call(priority: Priority = "shopper", seconds: float = 600.0, caller: Caller | None = None) -> Call:
    context = cast(grpc.ServicerContext, caller or Caller())
    return Call(context, time.monotonic() + seconds, Span(Trace.new()), Tracer(), priority)


def never() -> Message:
    raise AssertionError("it was to be found")


@pytest.fixture
def cache(tmp_path: Path) -> PictureCache:
    return PictureCache(1 << 20, tmp_path)


@pytest.fixture
def key(cache: PictureCache) -> PictureKey:
    return key_of(cache)


def key_of(
    cache: PictureCache, record: ProductRecord = SHIRT, pose: str = "standing", store: str = "shop"
) -> PictureKey:
    made = cache.key(store, record, pose, OPTIONS)
    assert made is not None
    return made


def fill(cache: PictureCache, key: PictureKey, answer: Message = ANSWER) -> None:
    assert cache.answer(key, call(), lambda: answer, lambda: key) == (answer, False)


def has(cache: PictureCache, key: PictureKey) -> bool:
    """Looked up without being used."""
    return key in cache._kept._items


@pytest.mark.parametrize("answer", [ANSWER, Message(REFUSED, {"report": {"verdict": "refused"}})])
def test_what_was_computed_is_found(cache: PictureCache, key: PictureKey, answer: Message) -> None:
    fill(cache, key, answer)
    assert cache.answer(key, call(seconds=-1.0), never, never) == (answer, True), "too late to compute, not to find"


def test_what_the_worker_holds_is_not_part_of_the_picture(cache: PictureCache, key: PictureKey) -> None:
    fill(cache, key, replace(ANSWER, head={**ANSWER.head, "held": ["c" * 64]}))
    assert cache.answer(key, call(), never, never) == (ANSWER, True)


def test_the_least_recently_used_goes_first_and_refusals_take_room_too(tmp_path: Path) -> None:
    refusal = Message(REFUSED, {"report": {"verdict": "refused"}})
    cache = PictureCache(2 * len(pack(refusal)), tmp_path)
    first, second, third = (key_of(cache, pose=name) for name in ("standing", "walking", "one_step"))
    fill(cache, first, refusal)
    fill(cache, second, refusal)
    assert cache.answer(first, call(), never, never)[1]
    fill(cache, third, refusal)
    assert [has(cache, one) for one in (first, second, third)] == [True, False, True]
    fill(cache, second, replace(ANSWER, parts=(bytes(1000),)))
    assert [has(cache, one) for one in (first, second, third)] == [True, False, True], "what never fits moves nothing"


def test_with_no_room_nothing_has_a_key(tmp_path: Path) -> None:
    cache = PictureCache(0, tmp_path)
    assert cache.key("shop", SHIRT, "standing", OPTIONS) is None
    for _ in range(2):
        assert cache.answer(None, call(), lambda: ANSWER, never) == (ANSWER, False)


def test_pictures_of_other_weights_are_not_found_and_come_back_with_them(cache: PictureCache, key: PictureKey) -> None:
    fill(cache, key)
    cache.weights = "others"
    newer = replace(ANSWER, parts=(b"by other weights",))
    assert cache.answer(key_of(cache), call(), lambda: newer, lambda: key_of(cache)) == (newer, False)
    assert cache.answer(key_of(cache), call(), never, never) == (newer, True)
    cache.weights = ""
    assert cache.answer(key_of(cache), call(), never, never) == (ANSWER, True)


def test_what_was_computed_while_weights_changed_is_not_kept(cache: PictureCache, key: PictureKey) -> None:
    def compute() -> Message:
        cache.weights = "others"
        return ANSWER

    assert cache.answer(key, call(), compute, lambda: key_of(cache)) == (ANSWER, False)
    assert not has(cache, key)
    assert not has(cache, key_of(cache))


def test_everything_that_makes_a_picture_tells_keys_apart(cache: PictureCache, key: PictureKey) -> None:
    one, other = SHIRT.photos
    keys = {
        key,
        key_of(cache, store="other"),
        key_of(cache, replace(SHIRT, id="dress")),
        key_of(cache, replace(SHIRT, photos=(other, one))),
        key_of(cache, replace(SHIRT, photos=(replace(one, view=None), other))),
        key_of(cache, replace(SHIRT, photos=(replace(one, sha256="c" * 64), other))),
        key_of(cache, replace(SHIRT, photos=(one,))),
        key_of(cache, pose="walking"),
        cache.key("shop", SHIRT, "standing", {**OPTIONS, "format": "png"}),
    }
    assert len(keys) == 9
    assert key_of(cache, replace(SHIRT, rights_reference="contract 8", updated_at=9)) == key
    useless = replace(other, sha256="d" * 64, reasons=(Reason("blurred", "product"),))
    assert key_of(cache, replace(SHIRT, photos=(one, useless, other))) == key
    assert cache.key("shop", SHIRT, "standing", dict(reversed(OPTIONS.items()))) == key


def test_an_added_pose_is_known_by_its_file(cache: PictureCache, tmp_path: Path) -> None:
    file = tmp_path / "shops_own.json"
    assert key_of(cache, pose="shops_own").pose == ("shops_own", ())
    file.write_text("{}")
    before = key_of(cache, pose="shops_own")
    assert key_of(cache, pose="shops_own") == before
    other = tmp_path / "new"
    other.write_text("[]")
    other.replace(file)
    assert key_of(cache, pose="shops_own") != before
    assert house.pose_file(tmp_path, "shops_own") == file
    assert house.NAME.pattern == POSE_NAME.pattern
    for name in ("../shops_own", "Shops_own", "", "a\0", "a\n", "é" * 5000):
        assert cache.key("shop", SHIRT, name, OPTIONS) is None


def test_a_products_pictures_go_and_others_stay(cache: PictureCache, key: PictureKey) -> None:
    replaced = replace(SHIRT, photos=SHIRT.photos[:1])
    mine = [key, key_of(cache, pose="walking"), key_of(cache, replaced)]
    others = [key_of(cache, replace(SHIRT, id="dress")), key_of(cache, store="other")]
    for one in (*mine, *others):
        fill(cache, one)
    cache.forget("shop", "shirt", replaced)
    assert [has(cache, one) for one in mine] == [False, False, True]
    cache.forget("shop", "shirt")
    assert not any(has(cache, one) for one in mine)
    assert all(has(cache, one) for one in others)


@pytest.mark.parametrize("code", ["unknown_product", "storage_unavailable"])
def test_nothing_is_kept_where_the_product_is_gone_or_nobody_can_tell(
    cache: PictureCache, key: PictureKey, code: str
) -> None:
    def current() -> PictureKey:
        raise UnavailableError(code)

    assert cache.answer(key, call(), lambda: ANSWER, current) == (ANSWER, False)
    assert not has(cache, key)


def test_nothing_is_kept_of_what_changed_while_it_was_computed(cache: PictureCache, key: PictureKey) -> None:
    other = key_of(cache, replace(SHIRT, photos=SHIRT.photos[:1]))
    for now in (other, None):
        assert cache.answer(key, call(), lambda: ANSWER, lambda now=now: now) == (ANSWER, False)  # type: ignore[misc]
    assert not has(cache, key)
    assert not has(cache, other)


def test_a_deletion_between_the_last_look_and_the_keeping_is_not_missed(cache: PictureCache, key: PictureKey) -> None:
    """The product is deleted when its record has just been read for the last time."""
    read, deleted = threading.Event(), threading.Event()

    def current() -> PictureKey:
        read.set()
        assert deleted.wait(60.0)
        return key

    with ThreadPoolExecutor(2) as pool:
        computed = pool.submit(cache.answer, key, call(), lambda: ANSWER, current)
        assert read.wait(60.0)
        forgotten = pool.submit(cache.forget, "shop", "shirt")
        with pytest.raises(TimeoutError):  # not before the picture is there to be given up
            forgotten.result(0.1)
        deleted.set()
        assert computed.result(60.0) == (ANSWER, False)
        forgotten.result(60.0)
    assert not has(cache, key)


class Slow:
    """Computes when it may, and counts. first: what the first time comes to."""

    def __init__(self, first: TryonError | None = None) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.times, self._first = 0, first

    def __call__(self) -> Message:
        self.times += 1
        self.begun.set()
        assert self.may_end.wait(60.0)
        if self._first is not None and self.times == 1:
            raise self._first
        return ANSWER


def waiting(cache: PictureCache) -> int:
    return sum(map(len, cache._computing.values()))


def test_calls_for_the_same_picture_wait_for_the_first(
    cache: PictureCache, key: PictureKey, eventually: Eventually
) -> None:
    slow = Slow()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(cache.answer, key, call(), slow, lambda: key) for _ in range(8)]
        eventually(lambda: waiting(cache) == 7)
        slow.may_end.set()
        found = [one.result(60.0) for one in calls]
    assert slow.times == 1
    assert sorted(was for _, was in found) == [False, *[True] * 7]
    assert all(answer == ANSWER for answer, _ in found)
    assert not cache._computing


def test_if_the_first_fails_another_one_computes(cache: PictureCache, key: PictureKey, eventually: Eventually) -> None:
    slow = Slow(first=UnavailableError("engine_unavailable"))
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(cache.answer, key, call(), slow, lambda: key)
        assert slow.begun.wait(60.0)
        rest = [pool.submit(cache.answer, key, call(), slow, lambda: key) for _ in range(4)]
        eventually(lambda: waiting(cache) == 4)
        slow.may_end.set()
        with pytest.raises(UnavailableError, match="engine"):
            first.result(60.0)
        assert all(one.result(60.0)[0] == ANSWER for one in rest)
    assert slow.times == 2
    assert not cache._computing


def test_who_waits_has_an_own_deadline_and_may_leave(
    cache: PictureCache, key: PictureKey, eventually: Eventually
) -> None:
    slow, caller = Slow(), Caller()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(cache.answer, key, call(), slow, lambda: key)
        assert slow.begun.wait(60.0)
        hasty = pool.submit(cache.answer, key, call(seconds=0.05), never, never)
        assert cast(TryonError, hasty.exception(60.0)).code == "deadline_exceeded"
        left = pool.submit(cache.answer, key, call(caller=caller), never, never)
        eventually(lambda: waiting(cache) == 2)
        eventually(lambda: (caller.leave(), left.done())[1])
        assert cast(TryonError, left.exception(60.0)).code == "deadline_exceeded"
        slow.may_end.set()
        assert first.result(60.0) == (ANSWER, False)
    assert has(cache, key)


def test_shoppers_do_not_wait_for_batch(cache: PictureCache, key: PictureKey) -> None:
    slow = Slow()
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(cache.answer, key, call("batch"), slow, lambda: key)
        assert slow.begun.wait(60.0)
        assert cache.answer(key, call("shopper"), lambda: ANSWER, lambda: key) == (ANSWER, False)
        assert cache.answer(key, call("batch"), never, never) == (ANSWER, True)
        slow.may_end.set()
        assert batch.result(60.0) == (ANSWER, False)


def test_only_so_many_wait_and_the_next_computes(cache: PictureCache, key: PictureKey, eventually: Eventually) -> None:
    slow = Slow()
    with ThreadPoolExecutor(1 + MOST_WAITING) as pool:
        first = pool.submit(cache.answer, key, call(), slow, lambda: key)
        assert slow.begun.wait(60.0)
        rest = [pool.submit(cache.answer, key, call(), never, never) for _ in range(MOST_WAITING)]
        eventually(lambda: waiting(cache) == MOST_WAITING)
        assert cache.answer(key, call(), lambda: ANSWER, lambda: key) == (ANSWER, False)
        assert all(one.result(60.0) == (ANSWER, True) for one in rest), "whoever is done first tells them"
        slow.may_end.set()
        assert first.result(60.0) == (ANSWER, False)
    assert not cache._computing
