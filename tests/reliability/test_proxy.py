"""The bad network is as bad as it is told to be."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.reliability.proxy import CHUNK, Proxy, proxied


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while data := self.request.recv(CHUNK):
                self.request.sendall(data)
        except ConnectionError:
            pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Before an echo."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with proxied(server.server_address[1]) as made:
            yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def caller(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as one:
        yield one


def echo(caller: socket.socket, data: bytes = b"hello") -> bytes:
    caller.sendall(data)
    heard = b""
    while len(heard) < len(data):
        heard += caller.recv(CHUNK)
    return heard


def test_it_passes_on_what_comes(caller: socket.socket) -> None:
    data = bytes(range(256)) * 1000
    assert echo(caller, data) == data


def test_it_is_slow_both_ways(proxy: Proxy, caller: socket.socket) -> None:
    proxy.delay = 0.1
    began = time.monotonic()
    assert echo(caller) == b"hello"
    assert time.monotonic() - began >= 0.2
    proxy.delay, proxy.rate = 0.0, 10_000.0
    began = time.monotonic()
    echo(caller, b"x" * 2000)
    assert time.monotonic() - began >= 0.4


def test_what_was_held_back_arrives_later(proxy: Proxy, caller: socket.socket) -> None:
    assert echo(caller) == b"hello"
    proxy.silent(silent=True)
    caller.sendall(b"late")
    caller.settimeout(0.2)
    with pytest.raises(TimeoutError):
        caller.recv(10)
    proxy.silent(silent=False)
    caller.settimeout(5.0)
    assert caller.recv(10) == b"late"


def test_it_cuts_what_is_open_and_takes_new_connections(proxy: Proxy, caller: socket.socket) -> None:
    assert echo(caller) == b"hello"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        caller.recv(10)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as another:
        assert echo(another) == b"hello"


def test_it_takes_none_where_it_refuses(proxy: Proxy) -> None:
    proxy.refusing = True
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as one:
        one.recv(10)


def test_nobody_behind_it_is_a_cut(free: int) -> None:
    with (
        proxied(free) as proxy,
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as one,
    ):
        one.recv(10)


@pytest.fixture
def free() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
