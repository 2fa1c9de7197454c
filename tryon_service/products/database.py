"""An SQLite file that threads and processes share: WAL, one writer at a time, and nothing half-written."""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tryon_service.errors import UnavailableError

BUSY_S = 15.0
"""How long a writer waits for another; photos are written meanwhile, and a disk may be slow."""


class Database:
    """Connections to one file, as many as threads use at the same time. Not to be carried over a fork.

    Every call raises sqlite3.Error or OSError; database_error says what the public learns of them.
    schema: statements that make the tables; version: raised with every change of them.
    """

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._path = path
        self._schema = schema
        self._version = version
        self._idle: queue.LifoQueue[tuple[tuple[int, int], sqlite3.Connection]] = queue.LifoQueue()

    def create(self) -> None:
        """Make the file and its tables where they are missing. One process at a time: the caller sees to that.

        Turning an SQLite file to WAL while others use it fails at once, however long they are ready to wait.
        """
        # SQLite gives its other files the rights of this one.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, self._version):
                raise sqlite3.DatabaseError(f"tables of version {version} can't be read by version {self._version}")
            connection.executescript(f"BEGIN IMMEDIATE; {self._schema}; PRAGMA user_version = {self._version}; COMMIT;")

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


def database_error(error: sqlite3.Error) -> UnavailableError:
    """What the public learns of trouble with the file."""
    # The lowest byte is the kind; what is above says more.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return UnavailableError("storage_full")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnavailableError("storage_unavailable", f"Others kept it busy for {BUSY_S:g} s.")
    return UnavailableError("storage_unavailable")
