"""Photos that must stay for a while, though no product uses them any more: somebody is copying them."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Hold:
    """A lock on a file: shared by those who copy, alone with who removes. It goes with a process that dies.

    Every call raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def copying(self) -> Iterator[None]:
        """Nothing is removed meanwhile. Waits for a removal that has begun."""
        with self._opened() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    @contextlib.contextmanager
    def removing(self) -> Iterator[bool]:
        """Whether one may; if so, nobody begins to copy meanwhile. Never waits."""
        with self._opened() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free = True
            except BlockingIOError:
                free = False
            yield free

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)
