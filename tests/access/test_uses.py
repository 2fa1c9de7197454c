"""Use counts of tokens: exact under a race, forgotten in time, the same in memory and in Redis."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hand_clock import Clock

from tryon_service.access.counts import PRUNE_EVERY, ExpiringCounts
from tryon_service.access.redis_client import connect
from tryon_service.access.uses import MemoryUses, RedisUses, UseCounter, use_counter
from tryon_service.errors import AccessError, InputError, UnavailableError

SOON = 3600


@pytest.fixture(params=["memory", "redis"])
def uses(request: pytest.FixtureRequest) -> Iterator[UseCounter]:
    if request.param == "memory":
        yield MemoryUses()
        return
    from redis import Redis

    with Redis.from_url(request.getfixturevalue("redis_url")) as redis:
        redis.flushdb()
        yield RedisUses(redis)


def spent(uses: UseCounter, token: str, number: int, limit: int) -> bool:
    """False where the token is said to be spent; any other error is one of the test."""
    try:
        uses.spend(token, number, limit=limit, expires=int(time.time()) + SOON)
    except AccessError as error:
        return {"token_spent": False}[error.code]
    return True


def test_so_many_and_no_more(uses: UseCounter) -> None:
    assert [spent(uses, "a", 1, 3) for _ in range(5)] == [True, True, True, False, False]
    assert spent(uses, "b", 1, 3), "each token has its own"


def test_all_or_none(uses: UseCounter) -> None:
    assert spent(uses, "a", 2, 3)
    assert not spent(uses, "a", 2, 3)
    assert spent(uses, "a", 1, 3)
    assert not spent(uses, "b", 4, 3)
    assert spent(uses, "b", 3, 3)


def test_giving_back(uses: UseCounter) -> None:
    assert spent(uses, "a", 3, 3)
    assert spent(uses, "a", -2, 3)
    assert [spent(uses, "a", 1, 3) for _ in range(3)] == [True, True, False]
    assert spent(uses, "fresh", -5, 3)
    assert not spent(uses, "fresh", 4, 3), "never below zero"


def test_a_race_for_the_last_use_has_one_winner(uses: UseCounter) -> None:
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda _: spent(uses, "a", 1, 20), range(200)))
    assert sum(won) == 20


def test_counts_in_redis_are_forgotten_with_the_token(redis_url: str) -> None:
    from redis import Redis

    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
        spent(RedisUses(redis), "a", 1, 3)
        assert 0 < redis.ttl("tryon:uses:a") <= SOON


@pytest.mark.parametrize("listening", [False, True], ids=["gone", "silent"])
def test_without_an_answer_of_redis_nothing_is_accepted_and_that_soon(listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        uses = use_counter(connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        began = time.monotonic()
        with pytest.raises(UnavailableError) as caught:
            uses.spend("a", 1, limit=3, expires=int(time.time()) + SOON)
        assert caught.value.code == "storage_unavailable"
        assert time.monotonic() - began < 1.9


def test_a_wrong_url_is_named() -> None:
    with pytest.raises(InputError) as caught:
        connect("http://127.0.0.1")
    assert caught.value.field == "TRYON_REDIS_URL"


def test_a_count_that_is_over_begins_anew_even_before_it_is_swept(clock: Clock) -> None:
    counts = ExpiringCounts(clock)
    assert counts.add("a", 1, until=clock.now + 1, limit=1) == 1
    clock.now += 1
    assert counts.get("a") == (0, clock.now)
    assert counts.add("a", 1, until=clock.now + 1, limit=1) == 1
    assert counts.add("a", 1, until=clock.now + 1, limit=1) is None


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_jumps_neither_keeps_counts_nor_stops_the_sweeping(clock: Clock, jump: float) -> None:
    counts = ExpiringCounts(clock)
    counts.add("a", 1, until=clock.now + 60)
    clock.now += jump
    counts.add("b", 1, until=clock.now + 60)
    clock.now += 61
    counts.add("c", 1, until=clock.now + 60)
    assert counts.get("b") == (0, clock.now)
    assert len(counts) == (2 if jump < 0 else 1), "what ends later by the clock stays until then"


class SlowName(str):
    """Lets other threads in between reading a count and writing it."""

    def __hash__(self) -> int:
        time.sleep(0.0005)
        return super().__hash__()


def test_no_count_is_lost_between_threads() -> None:
    counts = ExpiringCounts()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: counts.add(SlowName("a"), 1, until=time.time() + SOON), range(64)))
    assert counts.get("a")[0] == 64


def test_memory_is_given_back_in_time(clock: Clock) -> None:
    counts = ExpiringCounts(clock)
    for index in range(1000):
        counts.add(f"old {index}", 1, until=clock.now + 60)
    clock.now += 61
    assert counts.get("old 1") == (0, clock.now)
    assert counts.add("old 1", 1, until=clock.now + 60, limit=1) == 1, "a new time, a new count"
    clock.now += PRUNE_EVERY
    counts.add("new", 1, until=clock.now + 60)
    assert len(counts) == 2
