"""Memory of a process, as the kernel counts it."""

from __future__ import annotations

import os
from typing import NamedTuple


class Memory(NamedTuple):
    """Bytes. resident: held in RAM; address_space: reserved, which is what RLIMIT_AS bounds."""

    resident: int
    address_space: int


def memory_of(process: int | None = None) -> Memory:
    """process: its id, default this one. Zeros if it is gone."""
    try:
        with open(f"/proc/{process or os.getpid()}/statm", encoding="ascii") as stream:
            space, resident = (int(pages) for pages in stream.read().split()[:2])
    except (OSError, ValueError):
        return Memory(0, 0)
    page = os.sysconf("SC_PAGE_SIZE")
    return Memory(resident * page, space * page)
