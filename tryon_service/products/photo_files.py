"""Files named after their sha256 in a folder of 256 folders: written whole or not at all, checked at every reading."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tryon_service.products.records import sha256_of

_UNFINISHED = ".unfinished"
_SHARD_DIGITS = 2
"""Leading digits that name the folder a file lies in."""


class PhotoFiles:
    """Reading needs no lock. Those who write, remove or sweep must hold one that all processes share.

    root: the folder, made with its parent's consent only: the parent must exist. Every call raises OSError.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self) -> None:
        _make_folder(self._root)

    def read(self, sha256: str) -> bytes | None:
        """None where the file is missing or damaged."""
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        return content if sha256_of(content) == sha256 else None

    def write(self, sha256: str, content: bytes) -> None:
        """Once this returns the file survives a power cut. A damaged one is replaced, a whole one left alone."""
        if self.read(sha256) is not None:
            return
        path = self._path(sha256)
        _make_folder(path.parent)
        handle, name = tempfile.mkstemp(_UNFINISHED, dir=self._root)
        unfinished = Path(name)
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if sha256_of(unfinished.read_bytes()) != sha256:
                raise OSError(f"{path.name} does not hold what was written to it")
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(path.parent)

    def remove(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what was never finished: whoever holds the lock knows that nobody is writing now."""
        for path in self._root.glob("*" + _UNFINISHED):
            path.unlink(missing_ok=True)

    def shards(self) -> Iterator[tuple[str, set[str]]]:
        """The leading digits and the names of every folder's files."""
        for folder in sorted(self._root.iterdir()):
            if folder.is_dir():
                yield folder.name, {path.name for path in folder.iterdir()}

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:_SHARD_DIGITS] / sha256


def _make_folder(path: Path) -> None:
    """For its owner only, and there after a power cut."""
    if not path.is_dir():
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Make the names in it survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
