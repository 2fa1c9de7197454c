"""What was done with each API key, counted by day, route and outcome. Nothing of a shopper is in it.

Counts gather in memory and are written every few seconds and at exit, so a crash loses at most that much.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tryon_service.access.database import Database
from tryon_service.errors import UnavailableError

FLUSH_EVERY = 5.0
"""Seconds between two writes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UsageRow:
    """day: UTC, "2026-05-01"; key: its id; outcome: a verdict, "ok" or "error"."""

    day: str
    store: str
    key: str
    name: str
    route: str
    outcome: str
    count: int


class Usage:
    """Counts calls per key. Safe between threads and processes; each process writes what it counted itself."""

    def __init__(self, path: Path, *, flush_every: float = FLUSH_EVERY, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path)
        self._flush_every = flush_every
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._writer_pid: int | None = None
        self._closed = threading.Event()

    def count(self, key_id: str, route: str, outcome: str) -> None:
        """One call. route: a name from a small set, such as an endpoint; never a path."""
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        with self._lock:
            if self._writer_pid != os.getpid():
                self._start_writer()
            self._counts[day, key_id, route, outcome] += 1

    def flush(self) -> None:
        """Write what has gathered; on failure it stays for the next time. Raises UnavailableError."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._database.connect() as connection:
                connection.executemany(
                    "INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
                    [(*which, number) for which, number in counts.items()],
                )
        except UnavailableError:
            with self._lock:
                self._counts.update(counts)
            raise

    def close(self) -> None:
        """Write the rest and stop. May be called twice."""
        self._closed.set()
        atexit.unregister(self.close)
        self._try_flush()

    def rows(self, *, store: str | None = None, since: str | None = None, until: str | None = None) -> list[UsageRow]:
        """What is written, by day. store: None for all; since, until: days like "2026-05-01", both included."""
        with self._database.connect() as connection:
            rows = connection.execute(
                "SELECT day, store, key, name, route, outcome, count FROM usage JOIN keys ON keys.id = usage.key "
                "WHERE (?1 IS NULL OR store = ?1) AND (?2 IS NULL OR day >= ?2) AND (?3 IS NULL OR day <= ?3) "
                "ORDER BY day, store, key, route, outcome",
                (store, since, until),
            ).fetchall()
        return [UsageRow(*row) for row in rows]

    def _start_writer(self) -> None:
        """Once in every process that counts: threads don't survive a fork, and what was counted before it is the
        parent's to write."""
        self._counts.clear()
        self._writer_pid = os.getpid()
        threading.Thread(target=self._write_on, name="usage", daemon=True).start()
        atexit.register(self.close)

    def _write_on(self) -> None:
        while not self._closed.wait(self._flush_every):
            self._try_flush()

    def _try_flush(self) -> None:
        try:
            self.flush()
        except UnavailableError:
            logger.warning("usage counts can't be written now and are kept in memory", exc_info=True)
