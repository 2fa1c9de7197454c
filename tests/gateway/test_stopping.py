"""A gateway that is told to stop serves who has come and refuses who comes, so that a balancer can go elsewhere."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_service import eventually, family
from served import DEADLINE, Served, drain, served, status_of
from test_worker import render_call


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    """Whose engine holds every call until it is let go."""
    with served(tmp_path) as made:
        made.hold()
        yield made


def refused(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def test_calls_in_flight_are_finished_and_whoever_comes_meanwhile_is_refused(gateway: Served) -> None:
    calls = [gateway.connect() for _ in range(3)]
    for call in calls:
        call.sendall(render_call(gateway.key))
    eventually("all are under way", lambda: b"tryon_http_requests_running 4.0" in gateway.get("/metrics")[2])
    gateway.process.send_signal(signal.SIGTERM)
    eventually("new callers are refused", lambda: refused(gateway.port))
    assert gateway.process.poll() is None, "while it still works"
    gateway.let_go()
    assert [status_of(drain(call)) for call in calls] == [200, 200, 200]
    for call in calls:
        call.close()
    assert gateway.process.wait(DEADLINE) == 0


def test_whoever_came_before_is_served(gateway: Served) -> None:
    """They are connected, as far as they know, though nobody has looked at them yet."""
    _, worker = family(gateway.process.pid)
    os.kill(worker, signal.SIGSTOP)
    calls = [gateway.connect() for _ in range(3)]
    for call in calls:
        call.sendall(render_call(gateway.key))
    gateway.process.send_signal(signal.SIGTERM)
    threading.Timer(0.5, os.kill, (worker, signal.SIGCONT)).start()
    eventually("new callers are refused", lambda: refused(gateway.port))
    gateway.let_go()
    assert [status_of(drain(call)) for call in calls] == [200, 200, 200]
    for call in calls:
        call.close()
    assert gateway.process.wait(DEADLINE) == 0
