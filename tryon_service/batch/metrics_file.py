"""How far a run is, as a file for Prometheus: the node exporter's textfile collector reads it, since a run that ends
can't be asked.

    with open_metrics(Path("/var/lib/node_exporter/cards.prom")) as metrics:
        progress.metrics = metrics
        ...
        metrics.complete()

The file's name is the run's: two files beside each other are two runs. A run that is killed leaves its file as it was,
"running" with an old time of progress.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from tryon_service.batch.rows import Status
from tryon_service.errors import InputError

EVERY = 10.0
"""Seconds between two writings of the file."""
FIELD = "--metrics-file"
NAME = re.compile(r"([A-Za-z0-9_-]{1,64})\.prom")
"""The collector reads no others. What is before the dot is the label `run`."""

State = Literal["running", "complete", "stopped", "failed"]
"""complete: every item is dealt with and the report is written; stopped: by Ctrl-C or SIGTERM, to go on later."""

logger = logging.getLogger(__name__)


class RunMetrics:
    """Says nothing: the base of those that do. For the length of its block the run goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has ended."""

    def note(self, total: int, done: int, kept: int, rows: Mapping[Status, int]) -> None:
        """total, done, kept: items, as in Progress; rows: by status."""

    def complete(self) -> None:
        """All is done that was to be done."""


class MetricsFile(RunMetrics):
    """file: replaced as a whole, every EVERY seconds at most; clock: seconds since 1970 UTC.

    Raises InputError("invalid_option") for a name that isn't one, and where nothing can be written; a file that can't
    be written later is a warning.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        name = NAME.fullmatch(file.name)
        if name is None:
            detail = f"{file.name!r} is not up to 64 letters, digits, - and _ before .prom."
            raise InputError("invalid_option", detail, FIELD)
        self._file, self._clock, self._run = file, clock, name[1]
        self._state: State = "stopped"
        self._written = 0.0
        self._registry = CollectorRegistry()
        self._items = self._gauge("items", "Pictures asked for.")
        self._done = self._gauge("items_done", "Of those, dealt with by this run or an earlier one.")
        self._kept = self._gauge("items_kept", "Of those, dealt with by an earlier run.")
        self._rows = self._gauge("rows", "Rows of the table.", "status")
        self._started = self._gauge("start_timestamp_seconds", "When this run began.")
        self._progressed = self._gauge("progress_timestamp_seconds", "When the last item was dealt with.")
        self._states = self._gauge("state", "1 for the state that the run is in, 0 for the others.", "state")

    def __enter__(self) -> Self:
        now = self._clock()
        self._started.labels(self._run).set(now)
        self._progressed.labels(self._run).set(now)
        self._show("running")
        try:
            self._write(now)
        except OSError as error:
            detail = f"{self._file} can't be written: {error.strerror}."
            raise InputError("invalid_option", detail, FIELD) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = kind is not None and not issubclass(kind, KeyboardInterrupt)
        self._show("failed" if failed else self._state)
        self._try_to_write()

    def note(self, total: int, done: int, kept: int, rows: Mapping[Status, int]) -> None:
        for gauge, number in ((self._items, total), (self._done, done), (self._kept, kept)):
            gauge.labels(self._run).set(number)
        for status in get_args(Status):
            self._rows.labels(self._run, status).set(rows.get(status, 0))
        now = self._clock()
        self._progressed.labels(self._run).set(now)
        if not 0 <= now - self._written < EVERY:  # a clock may also be set back
            self._try_to_write()

    def complete(self) -> None:
        self._state = "complete"

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"tryon_batch_{name}", about, ["run", *labels], registry=self._registry)

    def _show(self, state: State) -> None:
        for one in get_args(State):
            self._states.labels(self._run, one).set(one == state)

    def _try_to_write(self) -> None:
        try:
            self._write(self._clock())
        except OSError as error:
            logger.warning("%s can't be written: %s", self._file, error.strerror)

    def _write(self, now: float) -> None:
        self._written = now
        write_to_textfile(str(self._file), self._registry)


def open_metrics(file: Path | None) -> RunMetrics:
    """None: for those who don't want it."""
    return RunMetrics() if file is None else MetricsFile(file)
