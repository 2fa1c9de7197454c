"""Counts that are forgotten at a given time, in memory: use counts of tokens, and the store of the rate limits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PRUNE_EVERY = 10.0
"""Seconds between two sweeps of what is over."""


@dataclass
class ExpiringCounts:
    """Safe between threads. clock: seconds, since whenever `until` is meant. Memory is that of the counts which are not
    over yet."""

    clock: Callable[[], float] = time.time
    _counts: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pruned: float = -math.inf

    def add(self, name: str, amount: int, *, until: float, limit: int | None = None) -> int | None:
        """Add and return the new count; None, with nothing added, where it would be more than limit.

        until: when a count that begins now is to be forgotten; one that goes on keeps its own end.
        """
        with self._lock:
            now = self.clock()
            self._prune(now)
            count, end = self._counts.get(name, (0, until))
            if end <= now:
                count, end = 0, until
            if limit is not None and count + amount > limit:
                return None
            self._counts[name] = (max(0, count + amount), end)
            return self._counts[name][0]

    def get(self, name: str) -> tuple[int, float]:
        """(count, when it is forgotten); (0, now) where there is none."""
        with self._lock:
            now = self.clock()
            count, end = self._counts.get(name, (0, now))
            return (count, end) if end > now else (0, now)

    def remove(self, name: str) -> None:
        with self._lock:
            self._counts.pop(name, None)

    def clear(self) -> int:
        """Forget all; how many there were."""
        with self._lock:
            number = len(self._counts)
            self._counts.clear()
            return number

    def __len__(self) -> int:
        return len(self._counts)

    def _prune(self, now: float) -> None:
        if abs(now - self._pruned) < PRUNE_EVERY:  # a clock may also be set back
            return
        self._pruned = now
        self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now}
