"""Faults of what the service stands on: the network to its engine, the Redis that gateways share, the clock."""

from __future__ import annotations

import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.real_service import eventually, free_port, render
from tests.reliability.faults import Scene
from tests.reliability.people import People
from tests.reliability.proxy import Proxy, proxied
from tests.reliability.shop import OK, problem
from tests.reliability.stage import opened, served

TROUBLE = 10.0
"""Seconds."""
FROZEN = 20.0
DELAY, RATE = 0.1, 500_000.0
"""Of a slow network: seconds for every 16 kB, bytes a second."""
CUTS = 0.7
"""Seconds between two cuts of a broken network."""
CLOCK, RIGHT = "clock", struct.pack("=q", 0)
"""File that says by how many seconds the clock is off, and what it holds while it isn't; see clock.c."""
SOURCE = Path(__file__).with_name("clock.c")


@contextmanager
def far_engine(people: People) -> Iterator[Scene]:
    """An engine over TCP behind a proxy, which is its address for the gateway."""
    port = free_port()
    with (
        proxied(port) as proxy,
        served(f"engine TRYON_ENGINE=127.0.0.1:{port}", "gateway", TRYON_ENGINE=f"127.0.0.1:{proxy.port}") as service,
        opened(service, people) as shop,
    ):
        yield Scene(service, shop, tool=proxy)


def slow_network(scene: Scene) -> str:
    proxy: Proxy = scene.tool
    proxy.delay, proxy.rate = DELAY, RATE
    time.sleep(TROUBLE)
    proxy.delay, proxy.rate = 0.0, float("inf")
    return ""


def broken_network(scene: Scene) -> str:
    """Connections that are cut again and again."""
    until = time.monotonic() + TROUBLE
    while time.monotonic() < until:
        scene.tool.cut()
        time.sleep(CUTS)
    return ""


def no_network(scene: Scene) -> str:
    """Every connection is cut, and none is to be had."""
    scene.tool.refusing = True
    scene.tool.cut()
    time.sleep(TROUBLE)
    scene.tool.refusing = False
    return ""


def silent_network(scene: Scene) -> str:
    scene.tool.silent(silent=True)
    time.sleep(TROUBLE)
    scene.tool.silent(silent=False)
    return ""


class RedisServer:
    """A process on a port that stays the same."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None or find_spec("redis") is None:
            pytest.skip("no redis-server (Debian's package of that name) or no client for it (extra scale)")
        self.port = free_port()

    def start(self) -> None:
        from redis import Redis, RedisError

        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/dev/shm"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

        def answers() -> bool:
            try:
                with Redis(port=self.port) as client:
                    return bool(client.ping())
            except RedisError:
                return False

        eventually("Redis answers", answers)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def shared_counts(people: People) -> Iterator[Scene]:
    """Two gateway processes that count in a Redis."""
    redis = RedisServer()
    redis.start()
    try:
        with (
            served(TRYON_WORKERS="2", TRYON_REDIS_URL=f"redis://127.0.0.1:{redis.port}/0") as service,
            opened(service, people) as shop,
        ):
            yield Scene(service, shop, tool=redis)
    finally:
        redis.stop()


def stop_redis(scene: Scene) -> str:
    scene.tool.stop()
    time.sleep(TROUBLE)
    scene.tool.start()
    return ""


def freeze_redis(scene: Scene) -> str:
    scene.tool.process.send_signal(signal.SIGSTOP)
    time.sleep(FROZEN)
    scene.tool.process.send_signal(signal.SIGCONT)
    return ""


@contextmanager
def own_clock(people: People) -> Iterator[Scene]:
    """The time of day as a file says; how long things take is as true as ever."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for a clock that can be set (Debian: gcc)")

    @contextmanager
    def set_right(data: Path) -> Iterator[Path]:
        library, clock = data.parent / "clock.so", data.parent / CLOCK
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        clock.write_bytes(RIGHT)
        yield data

    preloaded = {"LD_PRELOAD": "{folder}/clock.so", "RELIABILITY_CLOCK": f"{{folder}}/{CLOCK}"}
    with served(data=set_right, **preloaded) as service, opened(service, people) as shop:
        yield Scene(service, shop)


def jump(hours: int, token: str) -> Callable[[Scene], str]:
    """Set the clock and, after a while, set it right. token: what becomes of a pose token meanwhile, which shows that
    the clock was set. Raises AssertionError if anything else does."""

    def inject(scene: Scene) -> str:
        with (scene.service.folder / CLOCK).open("r+b", buffering=0) as clock:  # it is mapped: never cut short
            clock.write(struct.pack("=q", 3600 * hours))
            time.sleep(TROUBLE)
            with scene.service.http(scene.shop.key) as http:
                answer = render(http, pose=scene.shop.poses[0][1], product_id=scene.shop.pairs[0][1])
            clock.seek(0)
            clock.write(RIGHT)
        scene.shop.answered += 1
        found = OK if answer.status_code == 200 else problem(answer)
        assert found == token, f"a pose token came to: {found}"
        return ""

    return inject
