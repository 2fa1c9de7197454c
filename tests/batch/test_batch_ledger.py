"""The journal keeps what was written whole, in whatever way a run ended, and lets in one run at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_disks import fill, mounted

from tryon_service.batch import ledger as module
from tryon_service.batch.ledger import Segment, at_work, open_ledger
from tryon_service.batch.rows import Row
from tryon_service.errors import InputError, UnavailableError

ROW = Row(
    product_id="größe",
    pose="standing",
    status="doubtful",
    codes=("blurred",),
    scores={"coverage": 0.5},
    weights={"parser": "ab"},
    photos=({"line": 2, "file": "ä.jpg", "view": "", "sha256": "cd", "code": ""},),
    catalogue={"colour": "blue", "rights_reference": "not ours"},
    seconds=0.25,
)


def test_a_row_comes_back_as_it_was(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        Segment(ledger.segment_path("1")).add([ROW, replace(ROW, pose="walking")])
        assert ledger.find("größe", "standing") is None
        ledger.refresh()
        assert ledger.find("größe", "standing") == ROW
    with open_ledger(tmp_path) as ledger:
        assert ledger.find("größe", "walking") == replace(ROW, pose="walking")
        assert ledger.find("größe", "sitting") is None


def test_the_latest_row_counts(tmp_path: Path) -> None:
    for run in range(12):
        with open_ledger(tmp_path) as ledger:
            Segment(ledger.segment_path("1")).add([replace(ROW, seconds=float(run))])
    with open_ledger(tmp_path) as ledger:
        found = ledger.find("größe", "standing")
        assert found
        assert found.seconds == 11.0


def test_a_line_that_was_cut_off_or_damaged_doesnt_count(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        path = ledger.segment_path("1")
        Segment(path).add([ROW, replace(ROW, pose="walking"), replace(ROW, pose="legs_apart")])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xff" + lines[1][1:] + lines[2][:-1])
    with open_ledger(tmp_path) as ledger:
        assert ledger.find("größe", "standing") == ROW
        assert ledger.find("größe", "walking") is None
        assert ledger.find("größe", "legs_apart") is None


def test_a_row_of_another_version_is_none(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.segment_path("1").write_text('{"product_id": "a", "pose": "standing", "other": 1}\n')
        ledger.refresh()
        assert ledger.find("a", "standing") is None


def test_many_files_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 3)
    for run in range(9):
        with open_ledger(tmp_path) as ledger:
            assert len(list(tmp_path.glob("*.jsonl"))) <= 4
            rows = [replace(ROW, pose=f"p{run}"), replace(ROW, seconds=float(run))]
            Segment(ledger.segment_path("1")).add(rows)
    with open_ledger(tmp_path) as ledger:
        assert all(ledger.find("größe", f"p{run}") for run in range(9))
        found = ledger.find("größe", "standing")
        assert found
        assert found.seconds == 8.0


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with open_ledger(tmp_path / ".run"):
        with (
            pytest.raises(UnavailableError, match=f"Process {os.getpid()} on .* is at work") as caught,
            open_ledger(tmp_path / ".run"),
        ):
            pass
        assert caught.value.code == "conflict"
    with open_ledger(tmp_path / ".run"):
        pass


def test_a_run_waits_for_a_dead_runs_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    with open_ledger(tmp_path):
        pass
    with at_work(tmp_path), pytest.raises(UnavailableError, match="Workers of a run"), open_ledger(tmp_path):
        pass
    with open_ledger(tmp_path):
        pass


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tryon_service.batch.ledger import open_ledger\n"
        "with open_ledger(Path(sys.argv[1])): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 9
    with open_ledger(tmp_path):
        pass


def test_a_full_disk_is_said_and_leaves_whole_lines(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk, open_ledger(disk) as ledger:
        segment = Segment(ledger.segment_path("1"))
        segment.add([ROW])
        filler = fill(disk)
        many = [replace(ROW, pose=f"p{number}") for number in range(100)]
        with pytest.raises(UnavailableError) as caught:
            segment.add(many)
        assert caught.value.code == "storage_full"
        filler.unlink()
        segment.add(many)
        ledger.refresh()
        assert ledger.find("größe", "standing") == ROW
        assert all(ledger.find("größe", row.pose) == row for row in many)


def test_a_folder_that_cant_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError), open_ledger(tmp_path / "file"):
        pass
