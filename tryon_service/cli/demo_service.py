"""A service for a while: `tryon serve` as a process that ends with its owner."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tryon_service.cli.serve import LATE, WRONG_SETTINGS
from tryon_service.confine import die_with
from tryon_service.errors import InputError, UnavailableError
from tryon_service.ports import open_port

HOST = "127.0.0.1"
DRAIN = 3.0
"""Seconds that calls in flight get at the end."""
PATIENCE = 300.0
"""Seconds until it must be ready: the first start ever fetches networks."""
TICK = 0.1
"""Seconds between two looks at it."""
MOST_PORT = 65535
SPEAKER = "tryon: "
"""Begins the errors of our commands."""
ELSEWHERE = (
    *("ENGINE", "ENGINE_CA", "ENGINE_CERT", "ENGINE_KEY", "INDEX_URL", "INDEX_URL_FILE", "PUBLIC_URL", "REDIS_URL"),
    *("REDIS_URL_FILE", "SECRETS", "SECRETS_FILE", "STORE_URL", "STORE_URL_FILE", "WORKERS"),
)
"""Settings of a service that runs for good; this one keeps clear of it."""
RATE_ADDRESS = "3000 per minute"
"""Calls from one address: here one person's browser, which may show a whole catalogue."""


class ServiceProcess:
    """A context: the service starts with it and ends with it.

    data: its folder, to be kept; folder: for its socket and its log, with a short path; origin: of the pages that call
    it; quiet: what it says goes to the log, else to the terminal.
    """

    def __init__(self, data: Path, folder: Path, port: int, origin: str, *, quiet: bool) -> None:
        self.url = f"http://{HOST}:{port}"
        self._log = folder / "service.log" if quiet else None
        taken = {f"TRYON_{name}" for name in ELSEWHERE}
        self._environ = {
            "TRYON_RATE_ADDRESS": RATE_ADDRESS,
            **{name: value for name, value in os.environ.items() if name not in taken},
            "TRYON_DATA": str(data.resolve()),
            "TRYON_RUNTIME": str(folder / "run"),
            "TRYON_HOST": HOST,
            "TRYON_PORT": str(port),
            "TRYON_CORS_ORIGINS": origin,
            "TRYON_DRAIN": str(DRAIN),
        }

    def __enter__(self) -> Self:
        stream = None if self._log is None else self._log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tryon_service", "serve"],
            stdout=stream,
            stderr=stream,
            env=self._environ,
            start_new_session=True,  # Ctrl-C in a terminal reaches its owner alone, who stops it in order
            preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - no other thread exists yet
        )
        if stream is not None:
            stream.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(2 * (DRAIN + LATE))  # of gateway and engine, one after the other
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_ready(self) -> None:
        """Raises UnavailableError if it ends or takes too long, InputError for settings that can't be."""
        import httpx

        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.check()
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(TICK)
        raise UnavailableError("engine_unavailable", f"The service was not ready within {PATIENCE:.0f} s.")

    def check(self) -> None:
        """Raises UnavailableError if it has ended, InputError where settings are to blame."""
        code = self._process.poll()
        if code is None:
            return
        detail = f"The service ended with code {code}. {self._last_word() or '--verbose shows why.'}"
        if code == WRONG_SETTINGS:
            raise InputError("invalid_option", detail)
        raise UnavailableError("engine_unavailable", detail)

    def _last_word(self) -> str:
        """Its last error, as the command line says one: "tryon: ... (code ...)"."""
        said = "" if self._log is None else self._log.read_text("utf-8", "replace")
        errors = [line.removeprefix(SPEAKER) for line in said.splitlines() if line.startswith(SPEAKER)]
        return errors[-1].rpartition(" (code ")[0] if errors else ""


def listen(port: int, option: str) -> socket.socket:
    """A listening socket of this machine's own. port: 0 for a free one. Raises InputError naming the option."""
    if not 0 <= port <= MOST_PORT:
        raise InputError("invalid_option", f"{port} is not from 0 to {MOST_PORT}.", option)
    try:
        return open_port(HOST, port)
    except InputError as error:
        raise InputError(error.code, error.detail, option) from None
