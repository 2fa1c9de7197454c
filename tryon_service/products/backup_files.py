"""Where a backup is written to and read from: a file of this machine, or behind an fsspec URL (s3://bucket/name)."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from tryon_service.errors import InputError, TryonError, UnavailableError

FIELD = "FILE"
"""What the command line calls it."""


class BackupFile(Protocol):
    """Every call belongs within `telling`, which turns an OSError into what the caller knows.

    An unfinished file has a name of its own until it is finished, and is gone if it never was.
    """

    def check_new(self) -> None:
        """Raises InputError("invalid_option") where there is a file already: a backup never takes another's place."""
        ...

    def check_room(self, needed: int) -> None:
        """Raises UnavailableError("storage_full") where that many bytes are known not to fit."""
        ...

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raises InputError("invalid_option"), or UnavailableError("storage_full"), naming the file."""
        ...

    @contextmanager
    def unfinished(self) -> Iterator[str]:
        """A name to write under."""
        ...

    def create(self, name: str) -> IO[bytes]: ...

    def open(self, name: str = "") -> IO[bytes]:
        """To be read, anywhere in it. name: of an unfinished one."""
        ...

    def finish(self, name: str) -> None:
        """Give it its name."""
        ...


def backup_file(where: str) -> BackupFile:
    """A path or a URL. Raises InputError("invalid_option") for a URL that can't be used."""
    return BucketFile(where) if "://" in where else LocalFile(Path(where))


class LocalFile:
    """For its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check_new(self) -> None:
        if self._path.exists():
            raise _there(str(self._path))
        if not self._path.parent.is_dir():
            raise InputError("invalid_option", f"There is no folder {str(self._path.parent)!r}.", FIELD)

    def check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._path.parent).free
        if free < needed:
            detail = f"The backup needs {needed / 1e6:.1f} MB; {free / 1e6:.1f} MB are free beside {self._path.name!r}."
            raise UnavailableError("storage_full", detail, FIELD)

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _told(error, str(self._path)) from error

    @contextmanager
    def unfinished(self) -> Iterator[str]:
        handle, name = tempfile.mkstemp(".unfinished", f".{self._path.name}.", self._path.parent)
        os.close(handle)
        try:
            yield name
        finally:
            Path(name).unlink(missing_ok=True)

    def create(self, name: str) -> IO[bytes]:
        return open(name, "wb")

    def open(self, name: str = "") -> IO[bytes]:
        return open(name or self._path, "rb")

    def finish(self, name: str) -> None:
        self.check_new()
        _sync(name)
        os.rename(name, self._path)
        _sync(self._path.parent)


class BucketFile:
    """One object. Nobody should see it half written: most stores show an object once it is whole."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self._files, self._path = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            detail = f"It can't be used ({type(error).__name__}); URLs need the scale extra."
            raise InputError("invalid_option", detail, FIELD) from None

    def check_new(self) -> None:
        if self._files.exists(self._path):
            raise _there(self._path)

    def check_room(self, needed: int) -> None:
        """Buckets have no end that they tell of."""

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except TryonError:
            raise
        except Exception as error:  # backends raise whatever their own libraries do
            raise _told(error, self._path) from error

    @contextmanager
    def unfinished(self) -> Iterator[str]:
        name = f"{self._path}.{secrets.token_hex(8)}.unfinished"
        try:
            yield name
        finally:
            if self._files.exists(name):
                self._files.rm_file(name)

    def create(self, name: str) -> IO[bytes]:
        stream: IO[bytes] = self._files.open(name, "wb")
        return stream

    def open(self, name: str = "") -> IO[bytes]:
        stream: IO[bytes] = self._files.open(name or self._path, "rb")
        return stream

    def finish(self, name: str) -> None:
        self.check_new()
        self._files.mv(name, self._path)


def _sync(path: str | Path) -> None:
    """Make it survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _there(name: str) -> InputError:
    return InputError("invalid_option", f"{name!r} is there already, and a backup never takes another's place.", FIELD)


def _told(error: Exception, name: str) -> TryonError:
    number: Any = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UnavailableError("storage_full", f"{name!r} doesn't fit; nothing is left of it.", FIELD)
    why = os.strerror(number) if number else type(error).__name__
    return InputError("invalid_option", f"{name!r} can't be read or written: {why}.", FIELD)
