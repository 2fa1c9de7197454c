"""Counts per key: gathered, written, added up over processes, and kept when the disk says no."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hand_clock import Clock

from tryon_service.access.keys import KeyStore
from tryon_service.access.usage import Usage, UsageRow
from tryon_service.errors import UnavailableError


def test_counts_by_day_route_and_outcome(keys: KeyStore, clock: Clock, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"], name="web")
    usage = Usage(tmp_path / "keys.db", clock=clock, flush_every=3600)
    for outcome in ("accepted", "accepted", "refused"):
        usage.count(key.id, "renders.create", outcome)
    clock.now += 86400
    usage.count(key.id, "renders.create", "accepted")
    assert usage.rows() == []
    usage.flush()
    first, second = "2023-11-14", "2023-11-15"
    expected = [
        UsageRow(first, "shop", key.id, "web", "renders.create", "accepted", 2),
        UsageRow(first, "shop", key.id, "web", "renders.create", "refused", 1),
        UsageRow(second, "shop", key.id, "web", "renders.create", "accepted", 1),
    ]
    assert usage.rows() == expected
    assert usage.rows(since=second) == expected[2:]
    assert usage.rows(until=first) == expected[:2]
    assert usage.rows(store="other") == []
    usage.count(key.id, "renders.create", "accepted")
    usage.close()
    usage.close()
    assert usage.rows(since=second)[0].count == 2


def test_written_by_itself_after_a_while(keys: KeyStore, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"])
    usage = Usage(tmp_path / "keys.db", flush_every=0.05)
    usage.count(key.id, "a", "ok")
    deadline = time.monotonic() + 10
    while not usage.rows():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    usage.close()


COUNTING = """
import sys
from pathlib import Path
from tryon_service.access.usage import Usage
usage = Usage(Path(sys.argv[1]), flush_every=3600)
for _ in range(500):
    usage.count(sys.argv[2], "a", "ok")
if sys.argv[3] == "crash":
    usage.flush()
    usage.count(sys.argv[2], "a", "ok")
    print("counted", flush=True)
    sys.stdin.read()
"""


def test_processes_add_up_at_their_exit(keys: KeyStore, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"])
    command = [sys.executable, "-c", COUNTING, str(tmp_path / "keys.db"), key.id, "exit"]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(60) == 0
    (row,) = Usage(tmp_path / "keys.db").rows()
    assert row.count == 1500


def test_a_crash_loses_only_what_was_not_written(keys: KeyStore, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"])
    command = [sys.executable, "-c", COUNTING, str(tmp_path / "keys.db"), key.id, "crash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        process.send_signal(signal.SIGKILL)
    (row,) = Usage(tmp_path / "keys.db").rows()
    assert row.count == 500


def test_nothing_is_lost_while_the_file_is_away(keys: KeyStore, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"])
    file, away = tmp_path / "keys.db", tmp_path / "away.db"
    usage = Usage(file, flush_every=3600)
    usage.count(key.id, "a", "ok")
    file.rename(away)
    file.mkdir()
    with pytest.raises(UnavailableError):
        usage.flush()
    usage.count(key.id, "a", "ok")
    file.rmdir()
    away.rename(file)
    usage.close()
    assert usage.rows()[0].count == 2


def test_a_fork_does_not_write_its_parents_counts(keys: KeyStore, tmp_path: Path) -> None:
    key, _ = keys.create("shop", ["render"])
    code = """
import os, sys
from pathlib import Path
from tryon_service.access.usage import Usage
usage = Usage(Path(sys.argv[1]), flush_every=3600)
usage.count(sys.argv[2], "parent", "ok")
if os.fork() == 0:
    usage.count(sys.argv[2], "child", "ok")
    usage.flush()
    os._exit(0)
assert os.wait()[1] == 0
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "keys.db"), key.id], check=True)
    assert [(row.route, row.count) for row in Usage(tmp_path / "keys.db").rows()] == [("child", 1), ("parent", 1)]
    assert os.listdir(tmp_path) == ["keys.db"]
