"""Time taken, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(timings_ms: dict[str, float], name: str) -> Iterator[None]:
    """Writes the milliseconds that the block took under its name, also when it raises."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings_ms[name] = 1000.0 * (time.perf_counter() - start)
