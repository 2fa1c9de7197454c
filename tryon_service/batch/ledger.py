"""The journal of a run: what became of every item, kept so that a run that ends anyhow can go on.

    with open_ledger(folder) as ledger:                # one run at a time
        ledger.find("mh01", "standing")                # the row of an earlier run, or None
        segment = Segment(ledger.segment_path("1"))    # in each worker, under a name of its own
        segment.add(rows)                              # pictures first, then their rows

Rows are lines of JSON, appended by one worker to a file of its own and synced, a batch at a time. A last line without
its end was cut off and doesn't count. Later runs' files have higher numbers, and of two rows of one item the later
counts. Pictures and tables are elsewhere (outputs.py); this folder is always a local one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tryon_service.batch.outputs import file_error, make_folder
from tryon_service.batch.rows import Row
from tryon_service.errors import UnavailableError

LOCK, WORKERS = "lock", "workers"
"""Files: locked by the run; shared by its workers."""
PATIENCE = 20.0
"""Seconds that workers of a run that was killed may take to be gone."""
POLL = 0.05
MANY = 64
"""Files of the journal from which on they are put together when a run begins."""

_SEGMENT = re.compile(r"\d{6}-[\w.~-]+\.jsonl")


class Segment:
    """One worker's file, made with its first row. Raises UnavailableError: "storage_full" or "storage_unavailable"."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, rows: Sequence[Row]) -> None:
        """All of them, or none if that fails; on disk when this returns."""
        if not rows:
            return
        lines = b"".join(json.dumps(row.columns(), separators=(",", ":")).encode() + b"\n" for row in rows)
        try:
            with self._path.open("ab", buffering=0) as file:
                end = file.tell()
                try:
                    _write(file.fileno(), lines)
                except BaseException:
                    with contextlib.suppress(OSError):
                        file.truncate(end)
                    raise
        except OSError as error:
            raise file_error(error, self._path.parent) from error


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)


class Ledger:
    """Knows where every row is, not the rows. Made by open_ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[bytes, tuple[int, int]] = {}
        self._files: list[Path] = []
        self._run = max((_number(path) for path in _segments(folder)), default=0) + 1
        self.refresh()
        if len(self._files) > MANY:
            self._merge()

    def segment_path(self, worker: str) -> Path:
        """Where a worker of this run writes. worker: letters, digits, '.', '_' and '-'; no two of a run the same."""
        return self.folder / f"{self._run:06d}-{worker}.jsonl"

    def find(self, product_id: str, pose: str) -> Row | None:
        """The item's latest row, as far as refresh has seen it."""
        place = self._places.get(_item(product_id, pose))
        if place is None:
            return None
        with self._files[place[0]].open("rb") as file:
            file.seek(place[1])
            try:
                return Row.from_columns(json.loads(file.readline()))
            except ValueError:  # of a version that had other columns
                return None

    def refresh(self) -> None:
        """Look at everything that has been written, by this run as well."""
        self._places, self._files = {}, _segments(self.folder)
        for number, path in enumerate(self._files):
            for offset, line in _whole_lines(path):
                with contextlib.suppress(ValueError, LookupError, TypeError):  # damaged: as if it had not been written
                    row = json.loads(line)
                    self._places[_item(row["product_id"], row["pose"])] = number, offset

    def _merge(self) -> None:
        """Into one file, which has the number of the last and takes the place of all. A kill in between leaves rows
        twice, and the same."""
        before, number = self._files, _number(self._files[-1])
        merged = self.folder / f"{number:06d}-~merged.jsonl"
        part = self.folder / "merging"
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in before]
            with part.open("wb") as out:
                for place in self._places.values():
                    files[place[0]].seek(place[1])
                    out.write(files[place[0]].readline())
                out.flush()
                os.fsync(out.fileno())
        part.replace(merged)
        for path in before:
            if path != merged:
                path.unlink()
        self.refresh()


@contextlib.contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """folder: made if need be. Raises UnavailableError("conflict") while another run has it, InputError for a folder
    that can't be written to."""
    make_folder(folder, "--out")
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            who = lock.read(200) or "another run"
            detail = f"{who} is at work in {str(folder.parent)!r}; wait for it or end it."
            raise UnavailableError("conflict", detail, "--out") from None
        lock.truncate(0)
        lock.write(f"Process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
        _wait_for_workers(folder)
        try:
            ledger = Ledger(folder)
        except OSError as error:
            raise file_error(error, folder) from error
        yield ledger


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Around all that a worker does, so that a run doesn't begin while workers of a killed one are still there."""
    with (folder / WORKERS).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _wait_for_workers(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    with (folder / WORKERS).open("a") as lock:
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    detail = "Workers of a run that was killed are still there; end them."
                    raise UnavailableError("conflict", detail, "--out") from None
                time.sleep(POLL)


def _segments(folder: Path) -> list[Path]:
    """In the order in which they count."""
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))


def _number(path: Path) -> int:
    return int(path.name.partition("-")[0])


def _item(product_id: str, pose: str) -> bytes:
    return hashlib.blake2b(f"{product_id}\0{pose}".encode(), digest_size=16).digest()


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(where it begins, line)."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)
