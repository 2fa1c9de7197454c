from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from corpus.hostile_more import costly

MOST_GROWTH = 200.0
"""MB by which one photo may raise the peak memory of a process."""


@pytest.mark.load
def test_the_largest_that_are_let_in_need_little_memory(tmp_path: Path) -> None:
    """Every kind at its largest, one after another in a fresh process.

    /proc's high-water mark, not getrusage's, which a child starts with its parent's.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    for name, data in costly().items():
        (tmp_path / name).write_bytes(data)
    script = (
        "import pathlib, re, sys\n"
        "from tryon_service.imaging.decode import decode\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
        "before = peak()\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    assert max(decode(path.read_bytes(), max_side=2048).rgb.shape) == 2048\n"
        "    print(path.name, (peak() - before) / 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    growth = {line.split()[0]: float(line.split()[1]) for line in run.stdout.splitlines()}
    assert len(growth) == len(costly())
    assert max(growth.values()) < MOST_GROWTH, growth
