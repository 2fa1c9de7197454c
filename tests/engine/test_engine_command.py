"""`tryon engine` as a process of its own: signals, exit codes, and a while of being frozen."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from real_service import free_port

from tryon_service.engine_client import EngineClient
from tryon_service.errors import UnavailableError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pipeline import Pipeline
from tryon_service.settings import Settings

Eventually = Callable[..., None]
Process = subprocess.Popen[str]


@pytest.fixture
def client(settings: Settings) -> Iterator[EngineClient]:
    made = EngineClient.of(settings)
    yield made
    made.close()


@pytest.fixture
def metrics_port() -> int:
    return free_port()


@pytest.fixture
def command(pipeline: Pipeline, settings: Settings, eventually: Eventually, metrics_port: int) -> Iterator[Process]:
    """Running; `pipeline` skips where there are no networks."""
    variables = {
        **os.environ,
        "TRYON_DATA": str(settings.data),
        "TRYON_LOG_LEVEL": "info",
        "TRYON_ENGINE_METRICS_PORT": str(metrics_port),
    }
    arguments = [sys.executable, "-m", "tryon_service", "engine"]
    with subprocess.Popen(arguments, env=variables, stderr=subprocess.PIPE, text=True) as process:
        socket = Path(settings.engine_address.removeprefix("unix:"))
        eventually(lambda: process.poll() is not None or socket.exists())
        assert process.poll() is None
        yield process
        process.kill()


def worker_of(process: Process) -> list[int]:
    """Process ids of what it has started that has a group of its own, as a worker has."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread or a process that has just ended
            children = [int(pid) for pid in (task / "children").read_text().split()]
            found += [pid for pid in children if os.getpgid(pid) == pid]
    return found


def queued(metrics_port: int) -> int:
    """Calls that the engine says wait for its worker."""
    text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", timeout=60.0).text
    return sum(int(float(found)) for found in re.findall(r"^tryon_queue_items\{.*\} (\S+)$", text, re.MULTILINE))


def test_frozen_then_drained_by_a_signal(
    command: Process,
    client: EngineClient,
    eventually: Eventually,
    metrics_port: int,
    shopper_png: bytes,
    product_png: bytes,
) -> None:
    eventually(lambda: client.healthy(1.0))
    workers = worker_of(command)
    assert len(workers) == 1
    os.kill(command.pid, signal.SIGSTOP)
    eventually(lambda: not client.healthy(0.5))
    time.sleep(1.5)  # the worker beats on, unheard
    os.kill(command.pid, signal.SIGCONT)
    eventually(lambda: client.healthy(1.0))
    assert worker_of(command) == workers, "nobody blames the worker"

    request = pb.RenderRequest(photo=shopper_png)
    request.photos.photos.add(image=product_png)
    os.kill(workers[0], signal.SIGSTOP)
    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(client.render, request, store="shop", timeout=60.0) for _ in range(2)]
        eventually(lambda: queued(metrics_port) == 1)
        command.send_signal(signal.SIGTERM)
        os.kill(workers[0], signal.SIGCONT)
        assert len({one.result(60.0).image for one in begun}) == 1
    assert command.wait(60.0) == 0
    assert command.stderr is not None
    log = command.stderr.read()
    assert "finishes those that it has" in log
    assert '"level": "error"' not in log


def test_a_second_signal_ends_it_at_once(
    command: Process, client: EngineClient, eventually: Eventually, metrics_port: int, product_png: bytes
) -> None:
    eventually(lambda: client.healthy(1.0))
    os.kill(*worker_of(command), signal.SIGSTOP)
    request = pb.RenderRequest(pose="name:standing")
    request.photos.photos.add(image=product_png)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.render, request, store="shop", timeout=60.0) for _ in range(2)]
        eventually(lambda: queued(metrics_port) == 1)
        command.send_signal(signal.SIGINT)
        assert command.stderr is not None
        assert any("finishes those that it has" in line for line in iter(command.stderr.readline, ""))
        assert command.poll() is None
        command.send_signal(signal.SIGINT)
        assert command.wait(60.0) == 130
        assert all(isinstance(one.exception(60.0), UnavailableError) for one in waiting)
