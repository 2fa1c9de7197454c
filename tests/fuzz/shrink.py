"""A finding made small: python -m tests.fuzz.shrink TARGET FILE takes away from the file whatever isn't needed for the
same failure. A process of its own, since what was found may end it."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.registry import load

SECONDS = 60.0
"""After which what is left is small enough."""

Fault = tuple[str, str, int]
"""Kind of the exception, and where it was raised: function and line."""


def smaller(check: Callable[[bytes], None], data: bytes, seconds: float = SECONDS) -> bytes:
    """The shortest input found that fails as data does; data itself where that fails in no way that Python can tell.

    Pieces are left out, first halves, then ever smaller ones (Zeller's delta debugging, without its complements).
    """
    fault, until = fault_of(check, data), time.monotonic() + seconds
    size = len(data) // 2 if fault is not None else 0
    while size:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + size :]
            if fault_of(check, shorter) == fault:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def fault_of(check: Callable[[bytes], None], data: bytes) -> Fault | None:
    try:
        check(data)
    except Exception as error:  # noqa: BLE001 - whatever a target raises is its finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, last.name, last.lineno or 0
    return None


if __name__ == "__main__":
    logging.disable()
    file = Path(sys.argv[2])
    file.write_bytes(smaller(load(sys.argv[1]).check, file.read_bytes()))
