"""Run engine and gateway together on this machine. Ctrl-C or SIGTERM finishes calls in flight, then stops both.

Each is a process of its own; one that dies is started again. Settings come from the environment: `tryon settings`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tryon_service.confine import die_with
from tryon_service.ports import open_port

if TYPE_CHECKING:
    from tryon_service.settings import Settings

HELP = "run engine and gateway together"

BACKLOG = 512
"""Connections that wait while the gateway starts or starts again; the port is open all the time."""
TICK = 0.05
"""Seconds between two looks at the children."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
"""Seconds before a child is started again: doubled each time."""
STEADY = 30.0
"""Seconds after which a child that runs is trusted again."""
WRONG_SETTINGS = 2
"""Exit code of a child that can never start."""
LATE = 5.0
"""Seconds that a child gets on top of TRYON_DRAIN before it is killed."""
PATIENCE = 30.0
"""Seconds after which it is said that the service is still not ready."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on; default: TRYON_HOST")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one; default: TRYON_PORT")


def run(args: argparse.Namespace) -> int:
    from tryon_service.preflight import check
    from tryon_service.settings import load

    for variable, value in (("TRYON_HOST", args.host), ("TRYON_PORT", args.port)):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load()
    check(settings, engine=True, gateway=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_port(settings.host, settings.port, BACKLOG) as port:
        children = [Child("engine", ("engine",)), Child("gateway", ("gateway", "--listen", str(port.fileno())), port)]
        try:
            return watch(children, port, settings, stop)
        finally:
            port.close()  # from here on callers are sent away rather than left waiting
            for child in reversed(children):  # the gateway first: its calls in flight need the engine
                child.stop(settings.drain + LATE)


@dataclass
class Child:
    """A process of ours. arguments: of the command tryon; port: an open socket that it inherits."""

    name: str
    arguments: tuple[str, ...]
    port: socket.socket | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = SHORTEST_PAUSE
    due: float = field(default_factory=time.monotonic)

    def keep_running(self) -> int | None:
        """Start it where it doesn't run. Returns its exit code if it has just ended, else None."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due:
                self._start(now)
            return None
        code = self.process.poll()
        if code is not None:
            self.pause = SHORTEST_PAUSE if now - self.started > STEADY else min(2 * self.pause, LONGEST_PAUSE)
            self.process, self.due = None, now + self.pause
        return code

    def stop(self, patience: float) -> None:
        """Let it finish, for so many seconds at most."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            complain(f"The {self.name} did not stop within {patience:.0f} s and was killed.")
            self.process.kill()
            self.process.wait()

    def _start(self, now: float) -> None:
        self.started = now
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tryon_service", *self.arguments],
            pass_fds=() if self.port is None else (self.port.fileno(),),
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we stop them in order
            # A killed `tryon serve` leaves no children behind. No other thread of ours exists yet.
            preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
        )


def watch(children: list[Child], port: socket.socket, settings: Settings, stop: threading.Event) -> int:
    """Keep the children running until told to stop. Returns the exit code."""
    began, told, ready = time.monotonic(), False, False
    while not stop.wait(TICK):
        for child in children:
            code = child.keep_running()
            if code is None:
                continue
            if code == WRONG_SETTINGS and not ready:
                return WRONG_SETTINGS  # it has said itself what is wrong
            complain(f"The {child.name} ended with code {code}; it is started again in {child.pause:.1f} s.")
        if not ready and all(child.process for child in children) and is_ready(port):
            ready = True
            print(welcome(port, settings, time.monotonic() - began), flush=True)
        elif not ready and not told and time.monotonic() - began > PATIENCE:
            told = True
            complain(f"Still not ready after {PATIENCE:.0f} s.")
    return 0


def is_ready(port: socket.socket) -> bool:
    """Does /readyz say so?"""
    host, number = port.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "::1" if host == "::" else "127.0.0.1"
    connection = http.client.HTTPConnection(host, number, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def welcome(port: socket.socket, settings: Settings, seconds: float) -> str:
    host, number = port.getsockname()[:2]
    url = settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{number}"
    make = "tryon keys create --store my-shop --scopes render,products"
    return f"Ready at {url} after {seconds:.1f} s; the API is described at {url}/docs. Make a key: {make}"


def complain(text: str) -> None:
    print(f"tryon serve: {text}", file=sys.stderr, flush=True)
