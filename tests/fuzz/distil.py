"""Of many inputs the few that reach something in our code that the others don't, the shortest first."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import tryon_service
from tests.fuzz.registry import Target, load

OURS = str(Path(tryon_service.__file__).parent)
LONGEST = 4096
"""Bytes of an input that is worth a place in the corpus for what it reaches alone."""
MOST = 40
"""Inputs that one run may add."""

Step = tuple[str, int, int]
"""File, and from which line to which."""


def distil(name: str, known: Sequence[bytes], found: Iterable[bytes]) -> list[bytes]:
    """known: inputs that are there already; found: those to choose from."""
    target = load(name)
    reached: set[Step] = set()
    for data in known:
        reached |= steps(target, data)
    chosen: list[bytes] = []
    for data in sorted((one for one in found if len(one) <= LONGEST), key=lambda one: (len(one), one)):
        new = steps(target, data) - reached
        if new and len(chosen) < MOST:
            chosen.append(data)
            reached |= new
    return chosen


def steps(target: Target, data: bytes) -> set[Step]:
    """The steps from line to line that our code takes over this input."""
    taken: set[Step] = set()

    def called(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        file, last = frame.f_code.co_filename, frame.f_lineno

        def stepped(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                taken.add((file, last, frame.f_lineno))
                last = frame.f_lineno
            return stepped

        return stepped

    before = sys.gettrace()
    sys.settrace(called)
    try:
        with contextlib.suppress(Exception):  # tracing takes time, and so may cost more than is right
            target.check(data)
    finally:
        sys.settrace(before)
    return taken
