"""A gateway worker that can open nothing more keeps its calls, lets others wait, and takes them when it can."""

from __future__ import annotations

import http.client
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from real_service import eventually, family
from served import Served, drain, served, status_of

from tryon_service.gateway.worker import NO_ROOM

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


@contextmanager
def nothing_more(pid: int) -> Iterator[None]:
    """For the length of the block the process can't open anything."""
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


def test_callers_wait_where_no_descriptor_is_left(gateway: Served) -> None:
    _, worker = family(gateway.process.pid)
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60.0)) as known:
        known.request("GET", "/healthz")
        known.getresponse().read()
        with nothing_more(worker):
            waiting = gateway.connect()
            waiting.sendall(HEALTH)
            eventually("somebody waits", lambda: NO_ROOM in gateway.log.read_text())
            known.request("GET", "/healthz")
            assert known.getresponse().status == 200, "whoever is connected is served"
        with closing(waiting):
            assert status_of(drain(waiting)) == 200
    assert family(gateway.process.pid)[1] == worker, "nobody had to be replaced"
