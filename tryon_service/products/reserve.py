"""Room that is kept on the disk, so that a full one can still be emptied: deleting, too, writes to an index first."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

RESERVE_BYTES = 256 << 10
"""Enough for the index to note a deletion."""

_BLOCK = 4096


class Reserve:
    """A file of nothing. Never raises: without it only the deletions on a full disk fail."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make it, unless it is there or there is no room."""
        with contextlib.suppress(OSError):
            handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, RESERVE_BYTES)
            finally:
                os.close(handle)

    def give_up(self) -> bool:
        """Whether there is more room now."""
        with contextlib.suppress(OSError):
            had = self._path.stat().st_blocks * 512 >= _BLOCK
            self._path.unlink()
            return had
        return False
