"""Where a run's pictures and tables go: files by name, below a folder or an fsspec URL such as s3://bucket/cards.

A file is there whole or not at all, and is read again before it counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from tryon_service.batch.sources import local_folder, open_objects
from tryon_service.errors import InputError, UnavailableError
from tryon_service.products.base import storage_error

STATE = ".run"
"""Folder, below the output folder, of a run's own files."""
_UNFINISHED = "unfinished"
"""Folder of files that nobody has finished writing."""


class Outputs(Protocol):
    """Names are relative, with "/". Everything raises UnavailableError: "storage_full" or "storage_unavailable"."""

    def write(self, name: str, data: bytes) -> None: ...

    def publish(self, path: Path, name: str) -> None:
        """Bring a finished local file, which goes, to its place."""
        ...

    def remove(self, name: str) -> None:
        """What isn't there is no error."""
        ...

    def holds(self, name: str, sha256: str) -> bool:
        """Whether the file that was written is still there, and in a folder whether it is unchanged."""
        ...

    def clear(self) -> None:
        """Remove what an ended run has left unfinished; for the one run that holds the lock."""
        ...


def open_outputs(place: str) -> Outputs:
    """place: a folder, which is made, or an fsspec URL. Raises InputError for one that can't be written to."""
    folder = local_folder(place)
    return RemoteOutputs(place) if folder is None else FolderOutputs(folder)


class FolderOutputs:
    """Below this folder."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder, "--out")
        self._folder = folder
        self._unfinished = folder / STATE / _UNFINISHED
        make_folder(self._unfinished, "--out")

    def clear(self) -> None:
        with _storage(self._folder):
            shutil.rmtree(self._unfinished)
            self._unfinished.mkdir()

    def write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        with _storage(self._folder), self._temporary() as temporary:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if temporary.read_bytes() != data:
                raise OSError(f"{name} does not hold what was written to it")
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)

    def publish(self, path: Path, name: str) -> None:
        with _storage(self._folder):
            path.replace(self._folder / name)

    def remove(self, name: str) -> None:
        with _storage(self._folder):
            (self._folder / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are in it, or it isn't there
                (self._folder / name).parent.rmdir()

    def holds(self, name: str, sha256: str) -> bool:
        try:
            return hashlib.sha256((self._folder / name).read_bytes()).hexdigest() == sha256
        except OSError:
            return False

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[Path]:
        """A name of one's own; what still has it in the end goes."""
        path = self._unfinished / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


class RemoteOutputs:
    """Behind an fsspec URL, whose storage shows a file when it is whole, as object stores do."""

    def __init__(self, url: str) -> None:
        self._objects = open_objects(url, "--out")

    def clear(self) -> None:
        """Nothing is ever left."""

    def write(self, name: str, data: bytes) -> None:
        self._objects.write(name, data)
        if self._objects.size(name) != len(data):
            raise UnavailableError("storage_unavailable", f"{name} has not the length of what was written to it.")

    def publish(self, path: Path, name: str) -> None:
        self.write(name, path.read_bytes())
        path.unlink()

    def remove(self, name: str) -> None:
        self._objects.remove(name)

    def holds(self, name: str, sha256: str) -> bool:  # noqa: ARG002 - to read it again would cost as much as it saves
        return self._objects.size(name) is not None


def make_folder(folder: Path, field: str) -> None:
    """Raises InputError with field if there can't be such a folder, or nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if storage_error(error).code == "storage_full":
            raise _full(folder) from error
        detail = f"Nothing can be written into {str(folder)!r}: {error.strerror}."
        raise InputError("invalid_option", detail, field) from error


@contextlib.contextmanager
def _storage(folder: Path) -> Iterator[None]:
    """Turns trouble with files into an error that the caller knows, and that says where."""
    try:
        yield
    except OSError as error:
        raise file_error(error, folder) from error


def file_error(error: OSError, folder: Path) -> UnavailableError:
    """What the public learns of trouble with a file below this folder."""
    if storage_error(error).code == "storage_full":
        return _full(folder)
    return UnavailableError("storage_unavailable", f"{str(folder)!r}: {error.strerror or error}.", "--out")


def _full(folder: Path) -> UnavailableError:
    return UnavailableError("storage_full", f"{str(folder)!r} is full.", "--out")
