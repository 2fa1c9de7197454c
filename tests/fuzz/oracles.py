"""What the targets have in common: which errors are right, edits of true inputs, and what a call may cost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tryon_service.errors import CODES, TryonError

T = TypeVar("T")

LONGEST_TEXT = 2000
"""Characters of an error's public text: it says what is wrong and doesn't send everything back."""
GROUP = 4
"""Bytes of one edit."""


def outcome(call: Callable[[], T], *codes: str) -> T | None:
    """What the call gives; None where it is refused with one of these codes. Everything else is a finding."""
    try:
        return call()
    except TryonError as error:
        refusal = error
    assert refusal.code in CODES
    assert refusal.code in codes, f"refused with {refusal.code}, expected is one of {codes}"
    assert len(refusal.public_text) <= LONGEST_TEXT, f"a text of {len(refusal.public_text)} characters"
    return None


def edited(original: bytes, data: bytes) -> bytes:
    """The original after the edits in data, four bytes each: what to do, where (two bytes), with which byte."""
    text = bytearray(original)
    for start in range(0, len(data) - GROUP + 1, GROUP):
        action, high, low, value = data[start : start + GROUP]
        at = (high << 8 | low) % (len(text) + 1)
        match action % 5:
            case 0:
                text[at : at + 1] = bytes([value])
            case 1:
                text.insert(at, value)
            case 2:
                del text[at : at + 1 + value % 4]
            case 3:
                del text[at:]
            case _:
                text[at:at] = text[: 1 + value]
    return bytes(text)


@contextmanager
def affordable(seconds: float, megabytes: float) -> Iterator[None]:
    """The block takes no more CPU time, and raises the process's peak memory by no more. Memory is left out where the
    system keeps no count of it."""
    memory = _Memory()
    began = time.process_time()
    yield
    taken, grown = time.process_time() - began, memory.growth()
    assert taken <= seconds, f"it took {taken:.1f} s of CPU, at most {seconds} s are right"
    assert grown <= megabytes, f"it took {grown:.0f} MB, at most {megabytes} MB are right"


class _Memory:
    """Resident memory of this process from now on, C libraries included."""

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            self._before: float | None = self._megabytes("VmRSS")
        except OSError:
            self._before = None

    def growth(self) -> float:
        """MB at the highest, above what was there at the beginning."""
        return 0.0 if self._before is None else self._megabytes("VmHWM") - self._before

    def _megabytes(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
