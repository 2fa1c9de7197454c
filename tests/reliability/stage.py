"""A service that the reliability suite may do anything to, and its load, which can be begun and ended at will."""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.benchmarks.load import fire, in_turns, poisson
from tests.real_service import FIRST_START, Service, eventually
from tests.reliability.calls import prepare
from tests.reliability.mix import Mix
from tests.reliability.people import People
from tests.reliability.shop import Shop

CALLERS = 4
"""Who together keep the service busy while its capacity is measured, as in tests.benchmarks.load."""
GONE = 15.0
"""Seconds within which nothing of a service is left after its end."""


def bare(folder: Path) -> AbstractContextManager[object]:
    return contextlib.nullcontext(folder)


@contextmanager
def served(
    *commands: str, data: Callable[[Path], AbstractContextManager[object]] = bare, **variables: str
) -> Iterator[Service]:
    """A ready service in a folder of its own with a place for temporary files: `tryon serve` unless other commands are
    given, of which "engine NAME=value" has a setting for itself. data: opens what its folder of data is on; variables:
    settings, in which {folder} stands for the service's. Raises AssertionError if it leaves anything behind."""
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))  # short enough for a socket's path
    (folder / "tmp").mkdir()
    try:
        with data(folder / "data"):
            settings = {name: value.replace("{folder}", str(folder)) for name, value in variables.items()}
            service = Service(folder, TMPDIR=str(folder / "tmp"), **settings)
            try:
                for command in commands or ("serve",):
                    name, *own = command.split()
                    service.start(name, **dict(one.split("=", 1) for one in own))
                service.wait_ready(FIRST_START)
                yield service
            finally:
                service.stop()
            eventually("an end without leftovers", lambda: not leftovers(service), GONE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leftovers(service: Service) -> list[str]:
    """Processes, sockets and temporary files of a service that has ended."""
    mark = f"TRYON_DATA={service.data}".encode()
    alive = [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if _has(path, mark)]
    files = [str(path) for path in (service.folder / "tmp").rglob("*")]
    return [*alive, *files, *([str(service.socket)] if service.socket.exists() else [])]


@contextmanager
def opened(service: Service, people: People, gateways: list[str] | None = None) -> Iterator[Shop]:
    shop = Shop(service, people, gateways)
    try:
        asyncio.run(prepare(shop))
        yield shop
    finally:
        shop.close()


def capacity(shop: Shop, weights: Mapping[str, float], seconds: float) -> float:
    """Calls a second that the service answers rightly when it is never idle. Raises AssertionError for any other."""
    mix = Mix(shop, weights)
    _, took = in_turns(mix, CALLERS, seconds)
    wrong = [call for call in mix.calls if not call.good]
    assert not wrong, f"without any load: {wrong[:3]}"
    return len(mix.calls) / took


@contextmanager
def loaded(mix: Mix, rate: float) -> Iterator[Mix]:
    """Arrivals at random moments, so many a second on the mean, as long as the block lasts; then all answers are waited
    for."""
    stop = threading.Event()

    def moments() -> Iterator[float]:
        for moment in poisson(rate, math.inf):
            if stop.is_set():
                return
            yield moment

    thread = threading.Thread(target=fire, args=(mix, moments()), name="load")
    thread.start()
    try:
        yield mix
    finally:
        stop.set()
        thread.join()


def _has(path: Path, mark: bytes) -> bool:
    try:
        return mark in path.read_bytes().split(b"\0")
    except OSError:
        return False
