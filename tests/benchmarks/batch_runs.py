"""`tryon batch` as a process of its own, looked at from outside: its journal, its pictures and its memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real_service import ROOT, family
from tryon_service.batch.outputs import STATE
from tryon_service.batch.results import TABLES
from tryon_service.batch.rows import OF_THE_RUN

SAMPLE = 0.5
"""Seconds between two looks at the memory."""
POLL = 0.05
"""Seconds between two looks at the journal."""
RIGHTS = "benchmark"
PICTURES = (".jpg", ".png", ".webp", ".avif")
ACTOR, WORKER = "CardActor", "--multiprocessing-fork"
"""What stands in the command lines of a Ray worker and of a local one."""


@dataclass(frozen=True)
class Order:
    """What to render. options: of `tryon batch`, such as ("--workers", "2")."""

    catalogue: Path
    poses: Sequence[str]
    photos: Path | None = None
    limit: int | None = None

    def command(self, out: Path, *options: str) -> list[str]:
        line = [sys.executable, "-m", "tryon_service", "batch", "--catalogue", str(self.catalogue), "--out", str(out)]
        line += ["--poses", *self.poses, "--rights-reference", RIGHTS, "--table", "jsonl", *options]
        line += ["--photos", str(self.photos)] if self.photos else []
        return line + (["--limit", str(self.limit)] if self.limit else [])


class Journal:
    """Rows that a run has written down; what has been read once is not read again."""

    def __init__(self, out: Path) -> None:
        self._folder, self._read = out / STATE, dict[Path, int]()
        self.rows = 0

    def count(self) -> int:
        for path in self._folder.glob("*.jsonl"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # runs put old ones together
                file.seek(self._read.get(path, 0))
                data = file.read()
                self.rows += data.count(b"\n")
                self._read[path] = file.tell()
        return self.rows


@dataclass
class Running:
    """A run and what is seen of it. samples: (seconds since the start, rows, MB) now and then; first, last: seconds
    until there was a first row and the last one; first_rows: how many there were at first; seconds: until it was last
    looked at."""

    process: subprocess.Popen[bytes]
    journal: Journal
    before: int
    log: Path
    began: float = field(default_factory=time.monotonic)
    samples: list[tuple[float, int, float]] = field(default_factory=list)
    first: float = 0.0
    last: float = 0.0
    first_rows: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """That this run has written."""
        return self.journal.rows - self.before

    @property
    def rate(self) -> float:
        """Rows a second after the first product."""
        return (self.rows - self.first_rows) / (self.last - self.first) if self.last > self.first else 0.0

    @property
    def peak(self) -> float:
        """MB."""
        return max((mb for *_, mb in self.samples), default=0.0)

    def watch(self, until: Callable[[], object] = lambda: False) -> None:
        """Until it ends, or something is true."""
        while self.process.poll() is None and not until():
            self._look()
            time.sleep(POLL)
        self._look(sample=False)

    def _look(self, sample: bool = True) -> None:
        before = self.rows
        self.journal.count()
        self.seconds = time.monotonic() - self.began
        if self.rows > before:
            self.last = self.seconds
            if not self.first:
                self.first, self.first_rows = self.seconds, self.rows
        if sample and (not self.samples or self.seconds - self.samples[-1][0] >= SAMPLE):
            self.samples.append((self.seconds, self.rows, memory(self.process.pid)))

    def kill(self, pid: int | None = None) -> None:
        """kill -9, of the whole run unless a worker's process id is given."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid or self.process.pid, signal.SIGKILL)
        if pid is None:
            self.process.wait()

    def workers(self) -> list[int]:
        return [pid for pid in family(self.process.pid) if ACTOR in _words(pid) or WORKER in _words(pid)]


@contextlib.contextmanager
def started(order: Order, out: Path, *options: str) -> Iterator[Running]:
    """Killed in the end, should it still run; what it says is in the folder beside."""
    journal = Journal(out)
    journal.count()
    log = out.with_name(f"{out.name}.log")
    with log.open("ab") as stream:
        process = subprocess.Popen(order.command(out, *options), cwd=ROOT, stdout=stream, stderr=stream)
    running = Running(process, journal, journal.rows, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.kill()


def finished(order: Order, out: Path, *options: str) -> Running:
    """A run from its start to its end. Raises RuntimeError with its last words if it fails."""
    with started(order, out, *options) as running:
        running.watch()
    check(running)
    return running


def check(running: Running) -> None:
    if running.process.returncode:
        raise RuntimeError(running.log.read_text()[-3000:])


def memory(pid: int) -> float:
    """MB of a process and its descendants; what several share counts once (PSS)."""
    return sum(_pss(one) for one in family(pid))


def _pss(pid: int) -> float:
    with contextlib.suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


class Writes:
    """Pictures that are written, each time counted, while the context lasts. A run takes much longer for a picture
    than passes between two looks."""

    def __init__(self, out: Path) -> None:
        self._out, self._stop = out, threading.Event()
        self._seen = set[tuple[str, int, int]]()
        self._thread = threading.Thread(target=self._keep_looking)

    def __enter__(self) -> Writes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.look()

    @property
    def repeated(self) -> int:
        """Pictures that were written again."""
        return len(self._seen) - len({path for path, *_ in self._seen})

    def _keep_looking(self) -> None:
        while not self._stop.wait(2 * POLL):
            self.look()

    def look(self) -> None:
        for path in pictures(self._out):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                self._seen.add((str(path), status.st_ino, status.st_mtime_ns))


def pictures(out: Path) -> list[Path]:
    return [path for path in out.glob("*/*") if path.suffix in PICTURES]


def table(out: Path) -> Iterator[dict[str, Any]]:
    with (out / TABLES["jsonl"]).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def differences(one: Path, other: Path) -> list[str]:
    """What two runs' results don't have in common: pictures by their bytes, rows but for seconds and worker."""
    files, others = (
        {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures(out)}
        for out in (one, other)
    )
    rows, other_rows = (_rows(out) for out in (one, other))
    found = [f"picture {name}" for name in sorted(files.keys() | others) if files.get(name) != others.get(name)]
    for place in sorted(rows.keys() | other_rows):
        columns = _different(rows.get(place, {}), other_rows.get(place, {}))
        found += [f"row {place[0]} {place[1]}: {', '.join(columns)}"] if columns else []
    return found


def _different(row: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of columns."""
    return sorted(name for name in row.keys() | other.keys() if row.get(name) != other.get(name))


def _rows(out: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """By what tells them apart, also those without a product; one that is there twice is like no other."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in table(out):
        place = row["product_id"], row["pose"], row["photos"]
        rows[place] = _lasting(row) | ({"twice": True} if place in rows else {})
    return rows


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OF_THE_RUN}
