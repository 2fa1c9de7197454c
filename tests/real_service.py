"""The service as it is run: `tryon serve`, or engine and gateway apart, each a process of its own, and a look inside.

with running(folder) as service:
    service.http().get("/readyz")
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tryon_service.engine_client import EngineClient

ROOT = Path(__file__).parents[1]
DEADLINE = 60.0
"""Seconds that anything may take here."""
FIRST_START = 180.0
"""Seconds for a service to be ready, on a machine that has much else to do."""
OPEN = "1000000 per minute"
"""A rate limit that nobody reaches."""
SETTINGS = {
    "TRYON_HOST": "127.0.0.1",
    "TRYON_RATE_KEY": OPEN,
    "TRYON_RATE_TOKEN": OPEN,
    "TRYON_RATE_ADDRESS": OPEN,
}


def eventually(what: str, true: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Look until something is true. Raises AssertionError naming it."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


class Service:
    """Processes that share a folder of data. variables: settings beyond SETTINGS."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRYON_") or "ZOO" in name},
            **SETTINGS,
            "TRYON_DATA": str(self.data),
            "TRYON_PORT": str(self.port),
            **variables,
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket = self.data / "run" / "engine.sock"
        self.engine = variables.get("TRYON_ENGINE", f"unix:{self.socket}")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = folder / "service.log"

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Run `tryon` with these arguments until the service ends. variables: settings of this process alone."""
        with self.log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "tryon_service", *arguments],
                stdout=stream, stderr=stream, env={**self.environ, **variables}, cwd=ROOT,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def wait_ready(self, seconds: float = DEADLINE) -> float:
        """Seconds until engine and gateway both say so: /readyz alone remembers a yes for a moment, so that after a
        fault it may be of before. Raises AssertionError with the end of the log."""
        began = time.monotonic()
        with contextlib.closing(EngineClient(self.engine)) as engine:
            try:
                eventually("readiness", lambda: self.ended or (engine.healthy(1.0) and self.ready), seconds)
                assert not self.ended, "a process ended"
            except AssertionError as error:
                error.add_note(self.log.read_text()[-3000:])
                raise
        return time.monotonic() - began

    @property
    def ended(self) -> bool:
        """Whether a process that should run doesn't."""
        return any(one.poll() is not None for one in self.processes)

    @property
    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    def key(self, scopes: str = "render,products,admin", store: str = "shop") -> str:
        """The text of a new API key, as `tryon keys create` prints it."""
        command = [sys.executable, "-m", "tryon_service", "keys", "create", "--store", store, "--scopes", scopes]
        made = subprocess.run(command, env=self.environ, cwd=ROOT, capture_output=True, text=True, check=True)
        return made.stdout.strip()

    def http(self, key: str = "", **options: object) -> httpx.Client:
        """As curl would call, without retries."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE, **options)  # type: ignore[arg-type]

    def pids(self, of: str) -> list[int]:
        """Processes of the service: "engine", "worker" (the engine's), "gateway" (its master first)."""
        everyone = [one for process in self.processes for one in family(process.pid)]
        return [one for one in everyone if role(one) == of]

    def worker(self) -> int:
        """Process id of the engine's worker, 0 where there is none."""
        return next(iter(self.pids("worker")), 0)

    def stop(self) -> list[int]:
        """End everything in order, last started first; the exit codes."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(DEADLINE + 5.0)
            finally:
                process.kill()
                process.wait()
        return [process.returncode for process in self.processes]


@contextmanager
def running(*, apart: bool = False, **variables: str) -> Iterator[Service]:
    """A ready service in a folder of its own. apart: engine and gateway without `tryon serve` above them."""
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))  # short enough for a socket's path
    service = Service(folder, **variables)
    try:
        for command in ("engine", "gateway") if apart else ("serve",):
            service.start(command)
        service.wait_ready(FIRST_START)
        yield service
    finally:
        service.stop()
        shutil.rmtree(folder)


def form(**parts: bytes | str | list[bytes]) -> list[tuple[str, tuple[str | None, bytes]]]:
    """A multipart form as httpx takes it: bytes as files, a list as several of one name, texts as fields."""
    return [
        (name, (None, one.encode()) if isinstance(one, str) else ("photo", one))
        for name, value in parts.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def put_product(http: httpx.Client, product_id: str, *photos: bytes) -> httpx.Response:
    """Raises AssertionError if it isn't kept."""
    parts = form(photos=list(photos), rights_confirmed="true", rights_reference="2026-114")
    answer = http.put(f"/v1/products/{product_id}", files=parts)
    assert answer.status_code in (200, 201), answer.text
    return answer


def render(http: httpx.Client, **parts: bytes | str | list[bytes]) -> httpx.Response:
    """POST /v1/renders, content with a doubtful picture."""
    return http.post("/v1/renders", files=form(**{"min_verdict": "doubtful", **parts}))


def family(pid: int) -> list[int]:
    """A process and all its descendants that run, ancestors first."""
    found = [pid]
    for task in _tasks(pid):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def memory(pid: int, what: str = "VmRSS") -> float:
    """MB of a process. what: VmRSS for now, VmHWM for its peak."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found, f"{pid} has no {what}"
    return int(found[1]) / 1024


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def role(pid: int) -> str:
    """See Service.pids; "serve" for the parent of both, empty for a process that has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return ""
    if "--multiprocessing-fork" in words:
        return "worker"
    if words[0] == "tryon gateway" or words[0].startswith("gunicorn"):
        return "gateway"
    return words[3] if len(words) > 3 and words[2] == "tryon_service" else ""
