"""The photos that a catalogue names: bytes by name, below a folder or an fsspec URL such as s3://bucket/photos."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol, TypeVar

from tryon_service.errors import InputError
from tryon_service.imaging.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from tryon_service.products.objects import Objects

T = TypeVar("T")


class Photos(Protocol):
    def read(self, name: str) -> bytes:
        """The photo's file. Raises InputError: "blocked_url" for a name that leads out, "not_found", "too_many_bytes";
        and UnavailableError for storage that fails."""
        ...


def local_folder(place: str) -> Path | None:
    """The folder that is meant; None for a URL of anything else."""
    path = place.removeprefix("file://")
    return None if "://" in path else Path(path)


def open_photos(place: str) -> Photos:
    """place: a folder or an fsspec URL. Raises InputError for a folder that isn't there and a URL of no known kind."""
    folder = local_folder(place)
    return RemotePhotos(place) if folder is None else FolderPhotos(folder)


def open_objects(url: str, field: str) -> Objects:
    """What is behind an fsspec URL. Raises InputError with field for one that can't be used."""
    try:
        from tryon_service.products.objects import Objects
    except ImportError as error:
        detail = "URLs need the scale extra: pip install 'tryon-service[scale]'."
        raise InputError("invalid_option", detail, field) from error
    return Objects(url, field)


class FolderPhotos:
    """Of this folder and those below it, and of nowhere else, wherever links lead."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError("invalid_option", f"There is no folder {str(folder)!r}.", "--photos")
        self._folder = folder.resolve()

    def read(self, name: str) -> bytes:
        check_name(name)
        try:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder):
                raise _outside(name)
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise InputError("not_found", f"{name[:200]!r} is no file.", "file")
            return _within_limit(status.st_size, path.read_bytes)
        except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
            reason = getattr(error, "strerror", None) or "it can't be followed"
            raise InputError("not_found", f"{name[:200]!r} can't be read: {reason}.", "file") from error


class RemotePhotos:
    """Behind an fsspec URL."""

    def __init__(self, url: str) -> None:
        self._objects = open_objects(url, "--photos")

    def read(self, name: str) -> bytes:
        check_name(name)
        size = self._objects.size(name)
        data = None if size is None else _within_limit(size, lambda: self._objects.read(name))
        if data is None:
            raise InputError("not_found", f"There is no photo {name[:200]!r}.", "file")
        return data


def check_name(name: str) -> None:
    """Raises InputError("blocked_url") unless the name leads down from where it begins."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name or "://" in name:
        raise _outside(name)


def _within_limit(size: int, read: Callable[[], T]) -> T:
    limit = DEFAULT_LIMITS.jpeg_bytes
    if size > limit:
        detail = f"It has {size / 1e6:.1f} MB; at most {limit / 1e6:.1f} MB are accepted."
        raise InputError("too_many_bytes", detail, "file")
    return read()


def _outside(name: str) -> InputError:
    return InputError("blocked_url", f"{name[:200]!r} leads out of the photos' folder.", "file")
