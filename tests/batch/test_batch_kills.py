"""kill -9 at any moment: the next run ends with the same files and rows, and repeats a batch at most."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_catalogue import Shop, files, lasting, table

SCRIPT = Path(__file__).parent / "interrupted_run.py"
FOLDERS = os.pathsep.join([str(SCRIPT.parent), str(SCRIPT.parents[2])])
BATCH = 2
"""Poses of a product."""


def script(*arguments: object) -> list[str]:
    return [sys.executable, str(SCRIPT), *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([FOLDERS, str(SCRIPT.parents[1])])}


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.soak)])
def test_a_run_killed_at_any_line_goes_on(tmp_path: Path, step: int) -> None:
    done = subprocess.run(
        script("everywhere", tmp_path, step), env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines, worst = (int(word) for word in done.stdout.split())
    assert lines > 200
    assert worst <= BATCH


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_workers_killed_with_their_run_repeat_a_batch_at_most(tmp_path: Path, times: int) -> None:
    shop = Shop(tmp_path / "shop")
    for number in range(40):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    items = len(shop.rendered())
    moments = random.Random(8)
    for _ in range(times):
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        _kill_amid(shop, out, moments.randrange(1, items))
        begun = len(shop.rendered())
        again = subprocess.run(
            script("workers", shop.folder, out, 2), env=environment(), capture_output=True, text=True, check=False
        )
        assert again.returncode == 0, again.stderr
        assert begun + len(shop.rendered()) <= items + 2 * BATCH
        assert files(out) == files(tmp_path / "whole")
        assert lasting(table(out)) == lasting(table(tmp_path / "whole"))


def _kill_amid(shop: Shop, out: Path, pictures: int) -> None:
    """Kill a run once so many pictures have been begun."""
    log, deadline = shop.photos / "log", time.monotonic() + 60
    with subprocess.Popen(script("workers", shop.folder, out, 2), env=environment()) as run:
        while (not log.exists() or log.read_text().count("\n") < pictures) and run.poll() is None:
            assert time.monotonic() < deadline, "it never got that far"
            time.sleep(0.001)
        os.kill(run.pid, signal.SIGKILL)
