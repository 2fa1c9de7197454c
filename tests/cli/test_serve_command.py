"""tryon serve and tryon settings, as a person runs them; children stand in for the real ones where time matters."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tryon_service.cli import serve
from tryon_service.cli.main import main
from tryon_service.errors import InputError
from tryon_service.settings import Settings
from tryon_service.zoo.store import Store, ZooError

DEADLINE = 60.0
"""Seconds that anything may take here."""


def wait_for(what: str, true: object) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


class Served:
    """A running `tryon serve`."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.log = folder / "serve.log"
        given = {"TRYON_DATA": str(folder), "TRYON_PORT": "0", **variables}
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tryon_service", "serve"], stdout=stream, stderr=stream,
                env={**os.environ, **given}, cwd=Path(__file__).parents[2],
            )  # fmt: skip

    @property
    def url(self) -> str:
        found = re.search(r"Ready at (http://\S+) after", self.log.read_text())
        return found[1] if found else ""

    def child(self, name: str) -> int:
        """Its process id, 0 where there is none."""
        for one in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if f"\0{name}\0" in Path(f"/proc/{one}/cmdline").read_text():
                    return int(one)
        return 0


@contextmanager
def served(folder: Path, **variables: str) -> Iterator[Served]:
    try:
        Store().manifest  # noqa: B018 - without networks there is nothing to serve
    except ZooError as error:
        pytest.skip(f"no networks: {error}")
    running = Served(folder, **variables)
    try:
        wait_for("readiness", lambda: running.url or running.process.poll() is not None)
        assert running.url, running.log.read_text()[-2000:]
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        try:
            running.process.wait(DEADLINE)
        finally:
            running.process.kill()


def test_it_starts_survives_the_death_of_a_child_and_stops_in_order(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        assert status(f"{running.url}/readyz") == 200
        assert status(f"{running.url}/v1/products") == 401
        gateway, engine = running.child("gateway"), running.child("engine")
        os.kill(gateway, signal.SIGKILL)
        wait_for("another gateway", lambda: running.child("gateway") not in (0, gateway))
        assert status(f"{running.url}/healthz") == 200, "the port was open all the time"
        assert "The gateway ended with code -9" in running.log.read_text()
        os.kill(engine, signal.SIGSTOP)
        wait_for("unreadiness", lambda: status(f"{running.url}/readyz") == 503)
        assert status(f"{running.url}/healthz") == 200
        os.kill(engine, signal.SIGCONT)
        wait_for("readiness again", lambda: status(f"{running.url}/readyz") == 200)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(DEADLINE) == 0
        text = running.log.read_text()
        assert text.index("Shutting down: Master") < text.index("the engine stops taking calls")
        assert not Path(f"/proc/{engine}").exists()


def test_children_go_with_their_parent(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        children = [running.child("gateway"), running.child("engine")]
        running.process.kill()
        running.process.wait()
        wait_for("the end of the children", lambda: not any(_runs(child) for child in children))


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


class Script(serve.Child):
    """A child that runs a line of Python."""

    def _start(self, now: float) -> None:
        self.started = now
        self.process = subprocess.Popen([sys.executable, "-c", self.arguments[0]])


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starts, stop = itertools.count(1), threading.Event()

    class Dying(Script):
        def _start(self, now: float) -> None:
            super()._start(now)
            if next(starts) == 4:
                stop.set()

    monkeypatch.setattr(serve, "is_ready", lambda port: False)
    child = Dying("engine", ("raise SystemExit(7)",), pause=0.05)
    with serve.open_port("127.0.0.1", 0) as port:
        assert serve.watch([child], port, Settings(), stop) == 0
    child.stop(DEADLINE)
    told = capsys.readouterr().err
    pauses = [float(found) for found in re.findall(r"code 7; it is started again in ([\d.]+) s", told)]
    assert pauses[:3] == [0.1, 0.2, 0.4]
    assert child.pause <= serve.LONGEST_PAUSE


def test_wrong_settings_of_a_child_end_it_all() -> None:
    child = Script("engine", ("raise SystemExit(2)",))
    with serve.open_port("127.0.0.1", 0) as port:
        assert serve.watch([child], port, Settings(), threading.Event()) == 2


def test_a_child_that_does_not_stop_is_killed(capsys: pytest.CaptureFixture[str]) -> None:
    child = Script("engine", ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)",))
    child.keep_running()
    assert child.process is not None
    own = Path(f"/proc/{child.process.pid}/status")
    deaf = re.compile(r"SigIgn:\s+([0-9a-f]+)")
    wait_for("deafness", lambda: int(deaf.findall(own.read_text())[0], 16) >> (signal.SIGTERM - 1) & 1)
    child.stop(0.2)
    assert child.process.returncode == -9
    assert "was killed" in capsys.readouterr().err


def test_a_port_in_use_is_said_to_be(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="can't be listened on") as raised:
            serve.open_port("127.0.0.1", other.getsockname()[1])
        assert raised.value.field == "TRYON_PORT"
    with pytest.raises(InputError) as raised:
        serve.open_port("no such host.invalid", 0)
    assert raised.value.field == "TRYON_HOST"


def test_serve_refuses_settings_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRYON_WORKERS", "2")
    monkeypatch.setenv("TRYON_PORT", "0")
    assert main(["serve"]) == 2
    assert "TRYON_WORKERS" in capsys.readouterr().err
    assert main(["gateway"]) == 2


def test_settings_are_shown_with_secrets_starred(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRYON_SECRETS", "a:very-secret")
    monkeypatch.setenv("TRYON_THREADS", "9")
    assert main(["settings"]) == 0
    shown = capsys.readouterr().out
    assert "TRYON_THREADS=9\n    threads of each gateway process" in shown
    assert "TRYON_SECRETS=********" in shown
    assert "very-secret" not in shown
    assert main(["settings", "--changed"]) == 0
    changed = capsys.readouterr().out
    assert "TRYON_THREADS=9" in changed
    assert "TRYON_HOST" not in changed
