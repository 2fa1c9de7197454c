"""How far a run is, for people and for machines: a bar, plain lines where there is no terminal, or lines of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import IO, Any, Self, get_args

from tqdm import tqdm

from tryon_service.batch.metrics_file import RunMetrics
from tryon_service.batch.rows import Status
from tryon_service.batch.worker import Done

EVERY = 10.0
"""Seconds between plain lines, and between lines of JSON."""


class Progress:
    """Counts, and says nothing: the base of those that do.

    total: items there are; done: of them; kept: of those, how many an earlier run has made; counts: rows by status;
    metrics: told whenever something has changed.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done, self.kept = total, 0, 0
        self.counts: Counter[Status] = Counter()
        self.metrics = RunMetrics()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, done: Done, items: int | None = None) -> None:
        """items: how many of the total are dealt with, as many as there are rows unless given."""
        self.done += len(done.statuses) if items is None else items
        self.kept += done.kept
        self.counts.update(done.statuses)
        self.metrics.note(self.total, self.done, self.kept, self.counts)
        self.show()

    def show(self) -> None:
        """Something has changed."""

    def close(self) -> None:
        """Nothing more will."""

    @property
    def rate(self) -> float:
        """Items a second that this run has made itself."""
        return (self.done - self.kept) / max(time.monotonic() - self._began, 1e-9)

    @property
    def remaining(self) -> float | None:
        """Seconds, None while nothing is known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None

    def summary(self) -> str:
        """ "570 rendered, 3 refused; 400 of them from before"."""
        counts = ", ".join(f"{self.counts[status]} {status}" for status in get_args(Status) if self.counts[status])
        return (counts or "nothing") + (f"; {self.kept} of them from before" if self.kept else "")


class Bar(Progress):
    """On a terminal."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._bar: Any = tqdm(total=total, unit="picture", file=sys.stderr, dynamic_ncols=True, smoothing=0.05)

    def show(self) -> None:
        self._bar.set_postfix_str(self.summary(), refresh=False)
        self._bar.update(self.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class Lines(Progress):
    """A line now and then, and one at the end. clock: seconds."""

    def __init__(self, total: int, file: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(total)
        self._file, self._clock, self._last = file, clock, clock()

    def show(self) -> None:
        if self._clock() - self._last >= EVERY:
            self._say()

    def close(self) -> None:
        self._say()

    def line(self) -> str:
        left = "" if self.remaining is None else f", {self.remaining:.0f} s left"
        return f"{self.done} of {self.total} pictures, {self.rate:.2f}/s{left}: {self.summary()}"

    def _say(self) -> None:
        self._last = self._clock()
        self._file.write(self.line() + "\n")
        self._file.flush()


class JsonLines(Lines):
    """For machines: done, total, kept, rate, remaining_s (null while unknown), statuses."""

    def line(self) -> str:
        left = None if self.remaining is None else round(self.remaining, 1)
        row = {"done": self.done, "total": self.total, "kept": self.kept, "rate": round(self.rate, 3)}
        return json.dumps({**row, "remaining_s": left, "statuses": dict(self.counts)})


def open_progress(total: int, *, as_json: bool) -> Progress:
    """A bar on a terminal, else lines; JSON on standard output."""
    if as_json:
        return JsonLines(total, sys.stdout)
    return Bar(total) if sys.stderr.isatty() else Lines(total, sys.stderr)
