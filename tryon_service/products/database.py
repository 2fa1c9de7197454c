"""An SQLite file that threads and processes share: WAL, one writer at a time, and nothing half-written."""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tryon_service.errors import UnavailableError
from tryon_service.products.versions import NewerVersionError

BUSY_S = 15.0
"""How long a writer waits for another; photos are written meanwhile, and a disk may be slow."""


class Database:
    """Connections to one file, as many as threads use at the same time. Not to be carried over a fork.

    Every call raises sqlite3.Error or OSError; database_error says what the public learns of them.
    steps: statements; the first make the tables of version 1, and each that follow turn a version into the next.
    """

    def __init__(self, path: Path, steps: Sequence[str]) -> None:
        self._path = path
        self._steps = tuple(steps)
        self._idle: queue.LifoQueue[tuple[tuple[int, int], sqlite3.Connection]] = queue.LifoQueue()

    def create(self) -> None:
        """Make the file and its tables where they are missing, and bring those of an earlier version up to date.

        Before tables are changed the file is copied to <name>.v<version>. Raises NewerVersionError for those of a later
        release. One process at a time: the caller sees to that. Turning an SQLite file to WAL while others use it fails
        at once, however long they are ready to wait.
        """
        # SQLite gives its other files the rights of this one.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with contextlib.closing(self._connect()) as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            newest = len(self._steps)
            if found > newest:
                raise NewerVersionError(f"The file {self._path.name}", found, newest)
            connection.execute("PRAGMA journal_mode=WAL")
            if 0 < found < newest:
                copy_database(connection, self._path.with_name(f"{self._path.name}.v{found}"))
            if found < newest:
                steps = ";".join(self._steps[found:])
                connection.executescript(f"BEGIN IMMEDIATE; {steps}; PRAGMA user_version = {newest}; COMMIT;")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread; one that failed is not used again."""
        identity = self._identity()
        connection = self._take(identity)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put((identity, connection))

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer shares: committed to disk at the end, or undone by what is raised."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections that nobody uses at the moment."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait()[1].close()

    def _take(self, identity: tuple[int, int]) -> sqlite3.Connection:
        with contextlib.suppress(queue.Empty):
            while True:
                known, connection = self._idle.get_nowait()
                if known == identity:
                    return connection
                connection.close()
        return self._connect()

    def _identity(self) -> tuple[int, int]:
        """Tells this file from another of its name: SQLite would go on writing to a removed one, all of it lost."""
        state = self._path.stat()
        return state.st_dev, state.st_ino

    def _connect(self) -> sqlite3.Connection:
        """Never makes the file: a folder that vanished must not come back empty."""
        uri = f"file:{quote(str(self._path))}?mode=rw"
        connection = sqlite3.connect(uri, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True)
        try:
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        return connection


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """All that is committed, as of one moment, into a file for its owner only: whole and on the disk, or not there.

    Raises sqlite3.Error or OSError.
    """
    handle, name = tempfile.mkstemp(".unfinished", f".{path.name}.", path.parent)
    unfinished = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            connection.backup(copy)
            (found,) = copy.execute("PRAGMA integrity_check").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(f"the copy of {path.name} is damaged: {found}")
        os.fsync(handle)
        unfinished.rename(path)
    finally:
        os.close(handle)
        for rest in ("", "-wal", "-shm", "-journal"):
            Path(f"{name}{rest}").unlink(missing_ok=True)


def database_error(error: sqlite3.Error) -> UnavailableError:
    """What the public learns of trouble with the file."""
    # The lowest byte is the kind; what is above says more.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return UnavailableError("storage_full")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnavailableError("storage_unavailable", f"Others kept it busy for {BUSY_S:g} s.")
    return UnavailableError("storage_unavailable")
