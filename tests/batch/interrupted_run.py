"""Runs that are killed, as scripts of their own.

everywhere FOLDER STEP      in a fork, at every STEP-th line that the run executes; then goes on, and compares
workers SHOP OUT COUNT      a run by that many worker processes, to be killed from outside
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from small_catalogue import Shop, files, lasting, table

OURS = os.sep + os.path.join("tryon_service", "batch") + os.sep
PURE = ("catalogue.py", "tables.py", "keys.py", "rows.py", "sources.py", "progress.py", "poses.py")
"""Modules that change nothing outside: dying in one is dying in the line that called it."""


@contextmanager
def dying_at(line: int) -> Any:
    """Within, this process kills itself when it comes to its line-th line."""
    passed = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal passed
        name = frame.f_code.co_filename
        if OURS not in name or name.endswith(PURE):
            return None
        passed += event == "line"
        if passed == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    yield
    sys.settrace(None)


def everywhere(folder: Path, step: int) -> None:
    """Prints how many lines there are, and the most pictures that were ever rendered again."""
    shop = Shop(folder / "shop")
    for name, word in (("a", "good"), ("b", "refused"), ("c", "good")):
        shop.add(name, word)
    shop.run(folder / "whole")
    whole, rows = files(folder / "whole"), lasting(table(folder / "whole"))
    in_all, worst, line, died = len(shop.rendered()), 0, 1, True
    while died:
        shutil.rmtree(folder / "out", ignore_errors=True)
        child = os.fork()
        if child == 0:
            with dying_at(line):
                shop.run(folder / "out")
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        shop.run(folder / "out")
        assert files(folder / "out") == whole, line
        assert lasting(table(folder / "out")) == rows, line
        assert not list((folder / "out" / ".run" / "unfinished").iterdir()), line
        worst = max(worst, len(shop.rendered()) - in_all)
        line += step
    sys.stdout.write(f"{line} {worst}\n")


def workers(shop: Path, out: Path, count: int) -> None:
    from test_batch_local import run

    run(Shop.again(shop), out, workers=count)


if __name__ == "__main__":
    if sys.argv[1] == "everywhere":
        everywhere(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        workers(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
