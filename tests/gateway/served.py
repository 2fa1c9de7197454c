"""A gateway of real gunicorn processes with an engine that draws: `python served.py FOLDER` with TRYON_ variables."""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 60.0
"""Seconds that anything may take here."""
HELD = "held"
"""A file; see `Served.hold`."""


@dataclass
class Served:
    port: int
    key: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def hold(self) -> None:
        """Calls of the engine aren't answered until `let_go`."""
        (self.folder / HELD).touch()

    def let_go(self) -> None:
        (self.folder / HELD).unlink()

    def raw(self, sent: bytes, *, wait: float = DEADLINE, half_close: bool = False) -> bytes:
        """Send bytes as they are; everything that comes back until the other side closes."""
        with closing(self.connect(wait)) as connection:
            try:
                connection.sendall(sent)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it may have had enough already
            return drain(connection)

    def connect(self, wait: float = DEADLINE) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=wait)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()


def drain(connection: socket.socket) -> bytes:
    received = bytearray()
    try:
        while more := connection.recv(65536):
            received += more
    except TimeoutError:
        raise AssertionError(f"no end in sight after {bytes(received[:200])!r}") from None
    except OSError:
        pass  # a reset also ends it
    return bytes(received)


def status_of(answer: bytes) -> int:
    """0 where nothing came back."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def body_of(answer: bytes) -> dict[str, object]:
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Served]:
    variables = {f"TRYON_{name.upper()}": value for name, value in settings.items()}
    given = {"TRYON_DATA": str(folder), "TRYON_PORT": "0", "TRYON_LOG_LEVEL": "info", "TRYON_THREADS": "8"}
    path = os.pathsep.join(str(Path(__file__).parents[level]) for level in (0, 2))
    with (folder / "log").open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(folder)], stdout=subprocess.PIPE, stderr=stream,
            env={**os.environ, **given, **variables, "PYTHONPATH": path},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        key = process.stdout.readline().decode().strip()
        yield Served(_port(folder / "log", process), key, folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            assert process.stdout is not None
            process.stdout.close()


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    """As gunicorn says, once it answers there."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            port = int(found[1])
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)) as connection:
                    connection.request("GET", "/healthz")
                    if connection.getresponse().status == 200:
                        return port
            except OSError:
                pass
        time.sleep(0.02)
    raise AssertionError(f"the gateway did not start:\n{log.read_text()[-3000:]}")


def main(folder: Path) -> None:
    from drawn_engine import DrawnEngine

    from tryon_service.access.keys import KeyStore
    from tryon_service.engine_client import EngineClient
    from tryon_service.gateway import worker
    from tryon_service.gateway.wsgi import Server
    from tryon_service.observability.logs import set_up
    from tryon_service.settings import load

    class Gate:
        """As much of a threading.Event as an engine needs."""

        def wait(self, timeout: float) -> bool:
            until = time.monotonic() + timeout
            while (held := (folder / HELD).exists()) and time.monotonic() < until:
                time.sleep(0.01)
            return not held

    class Engine(DrawnEngine):
        def close(self) -> None:
            logging.getLogger(worker.__name__).info("the engine is let go of")

    EngineClient.of = classmethod(lambda *_: Engine(gate=Gate()))  # type: ignore[assignment, method-assign]
    for name in ("HEAD_SECONDS", "BODY_SECONDS"):
        setattr(worker, name, float(os.environ.get(f"SERVED_{name}", getattr(worker, name))))
    settings = load()
    set_up(settings.log_level)
    sys.stdout.write(KeyStore(folder / "keys.db").create("shop", ("render", "products"))[1] + "\n")
    sys.stdout.flush()
    Server(settings).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
