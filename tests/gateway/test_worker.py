"""Real gunicorn: what it refuses itself, callers who dribble, stopping, and the environment it runs in."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_engine import picture
from gunicorn.http import errors
from real_service import eventually, family
from served import DEADLINE, Served, body_of, drain, served, status_of
from werkzeug.test import EnvironBuilder

from tryon_service.access.usage import Usage
from tryon_service.gateway import worker
from tryon_service.gateway.wsgi import Server, options
from tryon_service.pb.limits import MAX_CALL
from tryon_service.settings import Settings


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("gateway"), rate_address="99999/minute", rate_key="99999/minute") as made:
        yield made


def render_call(key: str, *, close: bool = True) -> bytes:
    """A whole POST /v1/renders."""
    fields = {"pose": "name:standing", "product": (io.BytesIO(picture("jpeg")), "a.jpg")}
    builder = EnvironBuilder(method="POST", path="/v1/renders", data=fields)
    environ = builder.get_environ()
    builder.close()
    body = environ["wsgi.input"].read()
    head = (
        f"POST /v1/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {environ['CONTENT_TYPE']}\r\nContent-Length: {len(body)}\r\n"
        f"{'Connection: close' if close else 'X-Y: z'}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /healthz?sig=secret HTTP/1.1\r\nBad Header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: strange, chunked\r\n\r\n", 501),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(200)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417),
    ],
    ids=["line", "version", "header", "negative", "two lengths", "smuggling", "coding", "long line", "long header",
         "many headers", "expect"],
)  # fmt: skip
def test_what_is_no_call_gets_a_problem_document(gateway: Served, sent: bytes, status: int) -> None:
    answer = gateway.raw(sent)
    assert status_of(answer) == status
    assert b"Content-Type: application/problem+json" in answer
    assert body_of(answer)["status"] == status
    assert b"secret" not in gateway.log.read_bytes()
    assert gateway.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("chunks", "status"),
    [(b"zz\r\n", 400), (b"5\r\nabcdeXX", 400), (b"5\r\nab", 400), (b"0\r\n\r\n", 400)],
)
def test_broken_chunks_are_the_callers_fault(gateway: Served, chunks: bytes, status: int) -> None:
    head = (
        f"POST /v1/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nConnection: close\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = gateway.raw(head.encode() + chunks, half_close=True)
    assert status_of(answer) in (status, 0)
    if answer:
        assert body_of(answer)["code"] == "invalid_option"


def test_a_body_that_is_too_long_is_refused_from_its_head(gateway: Served) -> None:
    head = (
        f"POST /v1/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {MAX_CALL + 1}\r\n\r\n"
    )
    began = time.monotonic()
    answer = gateway.raw(head.encode(), half_close=True)
    assert (status_of(answer), body_of(answer)["code"]) == (413, "too_many_bytes")
    assert time.monotonic() - began < worker.BODY_SECONDS / 2


def test_a_call_works_and_the_connection_is_kept(gateway: Served) -> None:
    with gateway.connect() as connection:
        for _ in range(2):
            connection.sendall(render_call(gateway.key, close=False))
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(picture("jpeg")[-20:]):
                more = connection.recv(65536)
                assert more
                received += more
            assert status_of(received) == 200
        connection.sendall(render_call(gateway.key))
        assert status_of(drain(connection)) == 200


def test_metrics_come_from_all_processes(gateway: Served) -> None:
    gateway.raw(render_call(gateway.key))
    text = gateway.get("/metrics")[2].decode()
    assert 'tryon_http_requests_total{method="POST",route="/v1/renders",status="2xx"}' in text


def test_those_who_dribble_are_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are threads hold them all, and lose them again."""
    monkeypatch.setenv("SERVED_HEAD_SECONDS", "0.5")
    with served(tmp_path, threads="4") as gateway:
        holding = [gateway.connect() for _ in range(4)]
        stop = threading.Event()

        def dribble(connection: socket.socket) -> None:
            try:
                connection.sendall(b"POST /v1/renders HTTP/1.1\r\n")
                while not stop.wait(0.2):
                    connection.sendall(b"X")
            except OSError:
                pass  # hung up on

        threads = [threading.Thread(target=dribble, args=(connection,)) for connection in holding]
        try:
            for thread in threads:
                thread.start()
            assert gateway.get("/healthz")[0] == 200, "it answers again within the time of the test"
        finally:
            stop.set()
            for thread in threads:
                thread.join(DEADLINE)
            for connection in holding:
                connection.close()


def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVED_BODY_SECONDS", "0.5")
    with served(tmp_path) as gateway:
        call = render_call(gateway.key)
        with gateway.connect() as connection:
            connection.sendall(call[:-50])
            answer = drain(connection)
        assert status_of(answer) in (0, 400)


def test_sighup_replaces_the_workers_without_a_gap(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        stop, statuses = threading.Event(), []

        def ask() -> None:
            while not stop.is_set():
                statuses.append(gateway.get("/healthz")[0])

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            before = gateway.log.read_text().count("Booting worker")
            gateway.process.send_signal(signal.SIGHUP)
            eventually("the old worker's end", lambda: "Worker exiting" in gateway.log.read_text())
            eventually("a new worker", lambda: gateway.log.read_text().count("Booting worker") > before)
        finally:
            stop.set()
            thread.join(DEADLINE)
        assert set(statuses) == {200}


def test_a_worker_that_ends_closes_what_it_opened(tmp_path: Path) -> None:
    """Not left to the end of the process: see the order of the log."""
    with served(tmp_path) as gateway:
        gateway.raw(render_call(gateway.key))
        assert Usage(tmp_path / "keys.db").rows() == [], "not yet written"
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(DEADLINE) == 0
        assert gateway.log.read_text().count("the engine is let go of") == 1
    (row,) = Usage(tmp_path / "keys.db").rows()
    assert (row.outcome, row.count) == ("doubtful", 1)


def test_no_process_of_the_gateway_leaves_a_core(gateway: Served) -> None:
    master, *workers = family(gateway.process.pid)
    assert workers
    for process in (master, *workers):
        limits = Path(f"/proc/{process}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_logs_are_json_without_addresses_or_queries(gateway: Served) -> None:
    gateway.get("/v1/products?page_token=very-private-words", {"Authorization": f"Bearer {gateway.key}"})
    lines = gateway.log.read_text().splitlines()
    assert lines
    assert all(json.loads(line) for line in lines)
    assert "very-private-words" not in gateway.log.read_text()
    assert gateway.key not in gateway.log.read_text()


def test_gunicorn_is_set_up_as_it_must_be(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host="::1", port=0, drain=7.4)
    chosen = Server(settings).cfg
    assert chosen.bind == ["[::1]:0"]
    assert chosen.worker_class is worker.Worker
    assert (chosen.preload_app, chosen.max_requests, chosen.keepalive) == (False, 0, 75)
    assert chosen.control_socket_disable
    assert chosen.graceful_timeout == 7
    assert chosen.umask == 0o077
    assert chosen.worker_tmp_dir == "/dev/shm"
    assert not chosen.forwarded_allow_ips
    assert options(settings, listen=5)["bind"] == "fd://5"


def test_a_worker_without_its_master_stops_as_if_told_to() -> None:
    """Also on connections that are kept alive; tests/service/test_faults.py kills a real one."""
    orphan = worker.Worker.__new__(worker.Worker)
    orphan.alive, orphan.log = True, logging.getLogger()
    orphan.ppid = os.getppid()
    assert orphan.is_parent_alive()
    orphan.ppid = 0
    assert not orphan.is_parent_alive()
    assert not orphan.alive


def test_every_error_of_gunicorn_has_a_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 10
    for kind in kinds:
        error = kind.__new__(kind)
        status = worker._status(error)
        assert 400 <= status < 500 or status == 501
        assert status_of(worker.refusal(status)) == status
        assert body_of(worker.refusal(status))["status"] == status
    assert worker._status(ZeroDivisionError()) == 500
    assert os.access("/dev/shm", os.W_OK)
