"""Faults of the service's own processes: killed, frozen, out of memory or descriptors, replaced again and again."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.real_service import DEADLINE, FIRST_START, Service, eventually, family, free_port, memory
from tests.reliability.faults import Scene
from tests.reliability.people import People
from tests.reliability.stage import opened, served

FROZEN = 20.0
"""Seconds."""
WITHOUT_DESCRIPTORS = 10.0
"""Seconds."""
ROUNDS = 10
LOADED, IDLE = 150.0, 1.0
"""MB of a worker with its networks, and seconds in which it does nothing when it is warm."""


@contextmanager
def plain(people: People) -> Iterator[Scene]:
    """`tryon serve`, as it comes."""
    with served() as service, opened(service, people) as shop:
        yield Scene(service, shop)


def kill(whose: str, which: int = 0) -> Callable[[Scene], str]:
    """kill -9. which: of several processes of this role."""

    def inject(scene: Scene) -> str:
        os.kill(scene.service.pids(whose)[which], signal.SIGKILL)
        return ""

    return inject


def freeze(whose: str) -> Callable[[Scene], str]:
    """Stop a process, and let it go on after a while if it is still there."""

    def inject(scene: Scene) -> str:
        victim = scene.service.pids(whose)[0]
        os.kill(victim, signal.SIGSTOP)
        time.sleep(FROZEN)
        if victim not in scene.service.pids(whose):
            return "it was replaced"
        os.kill(victim, signal.SIGCONT)
        return ""

    return inject


def exhaust_memory(scene: Scene) -> str:
    """Let the worker have less memory than it has: it keeps that, and nothing new is to be had."""
    victim = scene.service.worker()
    most = int(memory(victim, "VmSize") * (1 << 20)) // 2
    resource.prlimit(victim, resource.RLIMIT_AS, (most, most))
    eventually("another worker", lambda: scene.service.worker() not in (0, victim), DEADLINE)
    return "it was replaced"


def exhaust_descriptors(whose: str, which: int) -> Callable[[Scene], str]:
    """Let a process open hardly anything more, and have many connect."""

    def inject(scene: Scene) -> str:
        victim = scene.service.pids(whose)[which]
        usual = resource.prlimit(victim, resource.RLIMIT_NOFILE)
        most = max(int(one.name) for one in Path(f"/proc/{victim}/fd").iterdir()) + 2
        resource.prlimit(victim, resource.RLIMIT_NOFILE, (most, usual[1]))
        crowd = [_knock(scene.service) for _ in range(40)] if whose == "gateway" else []
        time.sleep(WITHOUT_DESCRIPTORS)
        for one in crowd:
            one.close()
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(victim, resource.RLIMIT_NOFILE, usual)
        return ""

    return inject


def _knock(service: Service) -> socket.socket:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", service.port))
    return one


@contextmanager
def twins(people: People) -> Iterator[Scene]:
    """An engine and two gateways, each on a port of its own, and a balancer before them: the shop, which calls each in
    turn, and the other one where a connection is refused."""
    with served("engine", "gateway", TRYON_ENGINE="unix:{folder}/engine.sock") as service:
        second = {"TRYON_PORT": str(free_port()), "TRYON_RUNTIME": str(service.folder / "second")}
        gateways = [Gateway(service, {}, service.processes[1]), Gateway(service, second)]
        gateways[1].start()
        with opened(service, people, [one.url for one in gateways]) as shop:
            yield Scene(service, shop, tool=gateways)


class Gateway:
    """One of several. variables: its own settings."""

    def __init__(
        self, service: Service, variables: dict[str, str], process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._service, self._variables, self._process = service, variables, process
        self.url = f"http://127.0.0.1:{variables.get('TRYON_PORT', service.port)}"

    def start(self) -> None:
        self._process = self._service.start("gateway", **self._variables)
        eventually(f"{self.url} is ready", self._ready, FIRST_START)

    def stop(self) -> None:
        """SIGTERM. Raises AssertionError unless it ends in order."""
        assert self._process is not None
        end(self._service, self._process)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False


def end(service: Service, process: subprocess.Popen[bytes]) -> None:
    """SIGTERM. Raises AssertionError unless it ends in order."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(DEADLINE + 5.0)
    service.processes.remove(process)
    assert code == 0, f"it ended with {code}"


def warm(engine: int) -> bool:
    """Whether an engine that doesn't listen yet has a worker that has loaded everything: one that is large and has
    nothing to do. Takes a while to find out."""
    worker = family(engine)[-1]
    before = _busy(worker)
    time.sleep(IDLE)
    return worker != engine and memory(worker) > LOADED and _busy(worker) - before < IDLE / 10


def _busy(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def roll(rounds: int) -> Callable[[Scene], str]:
    """SIGTERM to everything, one after the other, each time when what was started in its place is ready."""

    def inject(scene: Scene) -> str:
        service, hidden = scene.service, scene.shop.hidden
        for number in range(rounds):
            gateway = scene.tool[number % len(scene.tool)]
            gateway.stop()
            gateway.start()
            old = next(one for one in service.processes if "engine" in one.args)  # type: ignore[operator]
            new = service.start("engine", "--wait", "60")
            eventually("its worker is warm", lambda pid=new.pid: warm(pid), FIRST_START)
            end(service, old)
        return f"{scene.shop.hidden - hidden} connections were refused and taken by the other gateway"

    return inject
