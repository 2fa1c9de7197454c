"""Processes killed, frozen and replaced under load: who was in them hears so, everybody else is served."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from real_service import Service, eventually, family, form, put_product, render, running

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

SHORT, LONG = 3, 20
"""Kills, in the default run and with -m load."""
RESTARTS = 10
CALLERS = 3
FROZEN_TOLD = 15.0
"""Seconds until /readyz says that the worker hangs."""
TRIES = 3
"""Of a call whose connection was closed under it."""


@dataclass
class Tally:
    """What came of the calls of a load. resets: connections that were closed under a call, which was made again."""

    pictures: int = 0
    resets: int = 0
    failures: list[dict[str, object]] = field(default_factory=list)


@contextmanager
def load(service: Service, key: str, product: str, callers: int = CALLERS, pause: float = 0.0) -> Iterator[Tally]:
    """Callers who render again and again for the length of the block. pause: seconds between a caller's calls.

    In a shopper's pose, because pictures in a house pose are kept and wouldn't keep the worker busy.
    """
    stop, tally, lock = threading.Event(), Tally(), threading.Lock()
    photo = encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], (384, 512), seed=1).photo, "jpeg")
    with service.http(key) as http:
        pose = http.post("/v1/poses", files=form(shopper=photo)).json()["pose"]

    def call() -> None:
        with service.http(key) as http:
            while not stop.wait(pause):
                answer, resets = _persistent(lambda: render(http, pose=pose, product_id=product))
                with lock:
                    tally.resets += resets
                    if answer.status_code == 200:
                        tally.pictures += 1
                    else:
                        tally.failures.append({"status": answer.status_code, **answer.json()})

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _persistent(send: Callable[[], httpx.Response]) -> tuple[httpx.Response, int]:
    """The answer, and how many connections were closed before there was one. A render may be made again."""
    for resets in range(TRIES):
        try:
            return send(), resets
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            if resets + 1 == TRIES:
                raise
    raise AssertionError


def kill_under_load(service: Service, key: str, product: str, times: int) -> Tally:
    dice = random.Random(0)
    with load(service, key, product) as tally:
        for _ in range(times):
            pictures, victim = tally.pictures, service.worker()
            eventually("pictures", lambda before=pictures: tally.pictures > before + 1)
            time.sleep(dice.uniform(0.0, 0.1))  # somewhere in the middle of a render
            os.kill(victim, signal.SIGKILL)
            eventually("another worker", lambda old=victim: service.worker() not in (0, old))
            service.wait_ready()
    return tally


def expect_own_calls_only(tally: Tally, kills: int) -> None:
    """One worker computes one call at a time."""
    assert len(tally.failures) <= kills, tally.failures
    for failure in tally.failures:
        assert (failure["status"], failure["code"], failure["retryable"]) == (503, "engine_unavailable", True)
    assert tally.pictures > kills


def test_a_killed_worker_costs_the_call_in_it(service: Service, key: str, product: str) -> None:
    expect_own_calls_only(kill_under_load(service, key, product, SHORT), SHORT)


@pytest.mark.load
def test_a_worker_killed_again_and_again(service: Service, key: str, product: str) -> None:
    tally = kill_under_load(service, key, product, LONG)
    expect_own_calls_only(tally, LONG)
    assert tally.failures, "not one kill hit a render: this test has shown nothing"


@pytest.mark.load
@pytest.mark.parametrize("whose", ["worker", "engine"])
def test_a_frozen_process_is_told_of_and_comes_back(
    service: Service, key: str, product: str, shopper: bytes, whose: str
) -> None:
    victim = service.pids(whose)[0]
    os.kill(victim, signal.SIGSTOP)
    try:
        eventually("unreadiness", lambda: not service.ready, FROZEN_TOLD)
    finally:
        if victim in service.pids(whose):  # the supervisor may have replaced it already
            os.kill(victim, signal.SIGCONT)
    service.wait_ready()
    with service.http(key) as http:
        assert render(http, shopper=shopper, product_id=product).status_code == 200


def runs(pid: int) -> bool:
    """Whether a process lives; one that nobody has buried yet doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_a_killed_engine_is_told_of_and_started_again(service: Service, key: str, product: str) -> None:
    """The process itself: `tryon serve` brings it back, and nobody is left of the old one."""
    old = [*service.pids("engine"), *service.pids("worker")]
    with load(service, key, product, callers=2) as tally:
        eventually("pictures", lambda: tally.pictures)
        os.kill(old[0], signal.SIGKILL)
        eventually("the end of its worker", lambda: not any(map(runs, old)))
        eventually("unreadiness", lambda: not service.ready)
        service.wait_ready()
        pictures = tally.pictures
        eventually("pictures again", lambda: tally.pictures > pictures)
    for failure in tally.failures:
        assert (failure["status"], failure["code"], failure["retryable"]) == (503, "engine_unavailable", True)
    assert not set(old) & {*service.pids("engine"), *service.pids("worker")}


@pytest.mark.load
def test_a_killed_gateway_is_started_again(service: Service, key: str, product: str) -> None:
    """Its master: the workers notice and go, and the port stays open for those that come after them."""
    old = service.pids("gateway")
    assert len(old) > 1
    with load(service, key, product, callers=2) as tally:
        eventually("pictures", lambda: tally.pictures)
        os.kill(old[0], signal.SIGKILL)
        eventually("the end of its workers", lambda: not any(map(runs, old)))
        service.wait_ready()
        pictures = tally.pictures
        eventually("pictures again", lambda: tally.pictures > pictures)
    assert tally.failures == [], "a connection may be closed; no call is answered wrongly"
    assert not set(old) & set(service.pids("gateway"))


def roll_engine(service: Service) -> None:
    """Another engine warms up beside the one that serves, and takes over when that ends."""
    old = next(one for one in service.processes if "engine" in one.args)  # type: ignore[operator]
    new = service.start("engine", "--wait", "60")
    eventually("its worker", lambda: len(family(new.pid)) > 1)
    old.send_signal(signal.SIGTERM)
    assert old.wait(30.0) == 0
    service.processes.remove(old)
    service.wait_ready()


def roll_gateway(service: Service) -> None:
    """New worker processes on the same port; the old ones finish what they have."""
    master, *old = service.pids("gateway")
    os.kill(master, signal.SIGHUP)
    eventually("new gateway workers only", lambda: not set(old) & set(service.pids("gateway")))
    service.wait_ready()


@pytest.mark.load
def test_rolling_restarts_hurt_nobody(networks: None, card: bytes, say: Callable[[str], None]) -> None:
    with running(apart=True) as service:
        key = service.key()
        with service.http(key) as http:
            put_product(http, "tee", card)
        with load(service, key, "tee", callers=1, pause=0.1) as tally:  # about half of what it can bear
            for _ in range(RESTARTS):
                for roll in (roll_engine, roll_gateway):
                    pictures = tally.pictures
                    eventually("pictures", lambda before=pictures: tally.pictures > before + 3)
                    roll(service)
        say(f"{RESTARTS} rolling restarts: {tally.pictures} pictures, {tally.resets} calls made again")
        assert tally.failures == []
