"""How much memory there is for this process: the machine's, or less where a container or a service has a limit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

_CONTROLLED = ("memory.max", "memory.limit_in_bytes")
"""Where the kernel shows a group's limit in bytes: version 2 of control groups, where "max" is none, and version 1."""


def memory_limit(root: Path = Path("/")) -> int:
    """Bytes that this process and its children may have together; 0 where nobody says.

    Of control groups those count that this process is in and all above them, as far as they can be seen from here: a
    container sees its own as the topmost. root: where /proc and /sys are, for tests.
    """
    limits = [*_control_groups(root), *_physical(root)]
    return min(limits, default=0)


def _physical(root: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):
        if found := re.search(r"^MemTotal:\s+(\d+) kB", (root / "proc/meminfo").read_text(), re.MULTILINE):
            yield int(found[1]) * 1024


def _control_groups(root: Path) -> Iterator[int]:
    try:
        rows = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for row in rows:
        number, controllers, path = row.split(":", 2)
        if number == "0":
            tops = ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
        elif "memory" in controllers.split(","):
            tops = ["sys/fs/cgroup/memory"]
        else:
            continue
        group = Path(path.lstrip("/"))
        for top in tops:
            for place in (group, *group.parents):
                yield from _limit_of(root / top / place)


def _limit_of(group: Path) -> Iterator[int]:
    for name in _CONTROLLED:
        with contextlib.suppress(OSError, ValueError):
            yield int((group / name).read_text())
