"""What a running service holds: memory, descriptors, threads and files of all its processes, looked at now and then."""

from __future__ import annotations

import contextlib
import math
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real_service import Service, family, memory, role

EVERY = 1.0
"""Seconds between two looks."""
BLOCKS = 40
"""Parts of a run, of each of which the least memory counts: what stays when nothing is worked at."""


@dataclass(frozen=True)
class Look:
    """at: seconds since the watch began; mb_of: what each role (see Service.pids) has allocated and touched; files,
    file_mb: under the data folder; temporary: files in the folder for temporary ones."""

    at: float
    mb_of: Mapping[str, float]
    descriptors: int
    threads: int
    files: int
    file_mb: float
    temporary: int

    @property
    def mb(self) -> float:
        return sum(self.mb_of.values())


def look(service: Service, at: float = 0.0) -> Look:
    pids = [pid for process in service.processes for pid in family(process.pid)]
    mb_of = Counter[str]()
    for pid in pids:
        mb_of[role(pid)] += _of(pid, allocated)  # type: ignore[assignment]
    files = [size for size in map(_size, service.data.rglob("*")) if size is not None]
    return Look(
        at,
        mb_of,
        round(sum(_of(pid, lambda pid: _entries(pid, "fd")) for pid in pids)),
        round(sum(_of(pid, lambda pid: _entries(pid, "task")) for pid in pids)),
        len(files),
        sum(files) / 1e6,
        len(list((service.folder / "tmp").rglob("*"))),
    )


def allocated(pid: int) -> float:
    """MB of a process without the pages of files, such as code, which the system loads when they are used and takes
    back as it likes: by themselves they are no leak, and taken back they hide one."""
    return memory(pid, "RssAnon")


@contextmanager
def watching(service: Service) -> Iterator[list[Look]]:
    """Looks gather in the list as long as the block lasts."""
    looks: list[Look] = []
    stop, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while not stop.wait(EVERY):
            looks.append(look(service, time.monotonic() - began))

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield looks
    finally:
        stop.set()
        thread.join()


def slope(samples: Sequence[tuple[float, float]], blocks: int = BLOCKS) -> tuple[float, float]:
    """(growth a minute, its standard error) of (seconds, value): by least squares through the least value in each of so
    many equal parts of the time. (nan, inf) where too little was seen."""
    if not samples:
        return math.nan, math.inf
    first, last = samples[0][0], samples[-1][0]
    floors: dict[int, tuple[float, float]] = {}
    for at, value in samples:
        block = min(blocks - 1, int(blocks * (at - first) / max(last - first, 1e-9)))
        floors[block] = min(floors.get(block, (value, at)), (value, at))
    if len(floors) < 4:
        return math.nan, math.inf
    values, times = zip(*floors.values(), strict=True)
    found, start = statistics.linear_regression(times, values)
    left = sum((value - start - found * at) ** 2 for value, at in zip(values, times, strict=True)) / (len(floors) - 2)
    spread = sum((at - statistics.fmean(times)) ** 2 for at in times)
    return 60.0 * found, 60.0 * math.sqrt(left / spread)


def _of(pid: int, measure: Callable[[int], float]) -> float:
    """0 for a process that has just ended."""
    with contextlib.suppress(OSError, AssertionError):
        return measure(pid)
    return 0.0


def _entries(pid: int, folder: str) -> int:
    return len(list(Path(f"/proc/{pid}/{folder}").iterdir()))


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size if path.is_file() else None
    return None
