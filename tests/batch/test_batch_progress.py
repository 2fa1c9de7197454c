"""Counts, rate and remaining time, for people and for machines."""

from __future__ import annotations

import io
import json

import pytest

from tryon_service.batch.progress import EVERY, Bar, JsonLines, Lines, Progress, open_progress
from tryon_service.batch.worker import Done


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_kept_is_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tryon_service.batch.progress.time.monotonic", clock)
    progress = Progress(100)
    assert progress.remaining is None
    progress.add(Done("a", ("rendered",) * 40, kept=40))
    assert (progress.done, progress.rate, progress.remaining) == (40, 0.0, None)
    clock.now = 10.0
    progress.add(Done("b", ("rendered", "refused", "failed", "doubtful")))
    progress.add(Done("c", ("failed",)), items=6)
    assert (progress.rate, progress.remaining) == (1.0, 50.0)
    assert progress.summary() == "41 rendered, 1 doubtful, 1 refused, 2 failed; 40 of them from before"


def test_lines_come_now_and_then_and_at_the_end() -> None:
    clock, file = Clock(), io.StringIO()
    with Lines(3, file, clock) as progress:
        progress.add(Done("a", ("rendered",)))
        assert file.getvalue() == ""
        clock.now = EVERY
        progress.add(Done("b", ("rendered",)))
        progress.add(Done("c", ("refused",)))
    lines = file.getvalue().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["2 of 3 pictures", "3 of 3 pictures"]
    assert lines[-1].endswith("2 rendered, 1 refused")


def test_machines_read_json() -> None:
    file = io.StringIO()
    with JsonLines(2, file) as progress:
        progress.add(Done("a", ("rendered", "failed"), kept=1))
    row = json.loads(file.getvalue())
    assert row.keys() == {"done", "total", "kept", "rate", "remaining_s", "statuses"}
    assert (row["done"], row["total"], row["kept"], row["statuses"]) == (2, 2, 1, {"rendered": 1, "failed": 1})


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with open_progress(4, as_json=False) as progress:
        assert isinstance(progress, Bar)
        progress.add(Done("a", ("rendered", "refused")))
    shown = capsys.readouterr().err
    assert "2/4" in shown
    assert "1 rendered, 1 refused" in shown
    assert isinstance(open_progress(4, as_json=True), JsonLines)
