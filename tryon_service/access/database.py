"""The file data/keys.db: API keys and what was done with them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tryon_service.errors import UnavailableError

WAIT = 5.0
"""Seconds to wait for another process that is writing."""
VERSION = 1
"""Of the tables, kept as SQLite's user_version; files from before it was kept have 0 and the same tables."""

TABLES = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    store TEXT NOT NULL,
    scopes TEXT NOT NULL,
    name TEXT NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    revoked REAL
) STRICT;
CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL,
    key TEXT NOT NULL,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, key, route, outcome)
) STRICT, WITHOUT ROWID;
"""


class Database:
    """A connection of its own for every call: nothing to share between threads, and nothing to carry over a fork.

    Every call sees what other processes have committed. Raises UnavailableError("storage_full" or
    "storage_unavailable").
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDONLY, 0o600))
        except OSError as error:
            raise UnavailableError("storage_unavailable", f"The keys can't be kept: {error.strerror}.") from None
        with self.connect() as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found > VERSION:
                detail = (
                    f"TRYON_DATA: {path.name} was written by a later release: it is of version {found}, this release "
                    f"reads up to {VERSION}. Install that release, or go back to a copy from before the upgrade."
                )
                raise UnavailableError("storage_unavailable", detail)
            connection.executescript(f"{TABLES} PRAGMA user_version = {VERSION};")

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, undone by an exception."""
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection:
                connection.row_factory = sqlite3.Row
                with connection:
                    yield connection
        except sqlite3.Error as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            code = "storage_full" if full else "storage_unavailable"
            raise UnavailableError(code, "It is about the file of keys.") from error
