"""Readiness is asked seldom, by one at a time, and forgets an old yes. Admission refuses at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from opened import opened, problem

from tryon_service.errors import UnavailableError
from tryon_service.gateway.admission import Admission
from tryon_service.gateway.readiness import ASK_AGAIN, NOT_YET, STALE, TIMEOUT, Readiness
from tryon_service.pb.limits import MAX_CALL


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_yes_is_good_for_a_while_and_a_no_for_less() -> None:
    clock, answers, asked = Clock(), [False, True, True, False], []
    readiness = Readiness(lambda timeout: asked.append(timeout) or answers[len(asked) - 1], clock)  # type: ignore[func-returns-value]
    assert not readiness.ready()
    assert not readiness.ready()
    assert asked == [TIMEOUT]
    clock.now += NOT_YET
    assert readiness.ready()
    clock.now += ASK_AGAIN - 0.01
    assert readiness.ready()
    assert len(asked) == 2
    clock.now += 0.01
    assert readiness.ready()
    clock.now += ASK_AGAIN
    assert not readiness.ready()
    assert len(asked) == 4


def test_while_one_asks_the_others_get_the_last_word_until_it_is_stale() -> None:
    clock, go, asking = Clock(), threading.Event(), threading.Event()
    first = True

    def ask(timeout: float) -> bool:
        nonlocal first
        if first:
            first = False
            return True
        asking.set()
        assert go.wait(60)
        return False

    readiness = Readiness(ask, clock)
    assert readiness.ready()
    clock.now += ASK_AGAIN
    thread = threading.Thread(target=readiness.ready)
    thread.start()
    assert asking.wait(60)
    assert readiness.ready(), "the last word still counts"
    clock.now += STALE - ASK_AGAIN
    assert not readiness.ready(), "but not for ever"
    go.set()
    thread.join(60)
    assert not readiness.ready()
    assert STALE + TIMEOUT < 15


def test_admission_bounds_calls_and_bytes_and_leaves_threads_over() -> None:
    admission = Admission(threads=8, most_bytes=MAX_CALL)
    assert admission.most_calls == 6
    with admission.hold(MAX_CALL - 10):
        with admission.hold(10), pytest.raises(UnavailableError, match="busy"), admission.hold(1):
            pass
        with admission.hold(10):
            pass
    with admission.hold(MAX_CALL):
        pass
    assert Admission(threads=1, most_bytes=1).most_calls == 1


def test_a_full_gateway_says_so_before_it_reads(tmp_path: Path) -> None:
    with opened(tmp_path, threads=4) as gateway:
        gateway.engine.gate = threading.Event()
        gateway.key()
        waiting = [threading.Thread(target=gateway.render) for _ in range(3)]
        for thread in waiting:
            thread.start()
        for _ in waiting:
            assert gateway.engine.entered.acquire(timeout=60)
        answer = gateway.render()
        assert problem(answer)[:2] == (429, "overloaded")
        assert answer.headers["Retry-After"] == "1"
        assert answer.get_json()["retryable"]
        gateway.engine.gate.set()
        for thread in waiting:
            thread.join(60)
        assert gateway.render().status_code == 200
