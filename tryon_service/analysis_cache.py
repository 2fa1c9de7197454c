"""Analysed products kept in memory and, if asked, in a folder that outlives the process and that others may share.

The folder holds one file per entry and never a shopper's photo: only product analyses are put here. A file is written
under another name, read again, and only then renamed; its sha256 is checked at every reading, and what is damaged
counts as absent. Trouble with the folder is a warning and never an error: everything can be computed again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np

from tryon_service.cache import ByteLru
from tryon_service.packing import PackingError, pack, unpack
from tryon_service.types import UInt8Array

logger = logging.getLogger(__name__)

FOLDER_BYTES = 2 << 30
FORMAT = 1
"""Raised when files are laid out in another way."""

_SUFFIX, _UNFINISHED = ".analysis", ".unfinished"
_LOCK = "lock"
_ABANDONED_S = 3600.0
"""Age at which a file that nobody finished writing is taken for left behind."""
_DIGEST_BYTES = 32

T = TypeVar("T")


class AnalysisCache(Generic[T]):
    """Memory first, then the folder. Safe between threads and, in the folder, between processes.

    memory_bytes, folder_bytes: room for each; folder: created, for its owner only, when first needed; None for none.
    """

    def __init__(self, memory_bytes: int, folder: Path | None = None, folder_bytes: int = FOLDER_BYTES) -> None:
        self._memory = ByteLru[T](memory_bytes)
        self._folder = Folder(folder, folder_bytes) if folder is not None else None

    def get(self, key: tuple[object, ...], made_by: Iterable[object], make: Callable[[], T]) -> T:
        """The entry, made and kept if there is none.

        key: what it is of; made_by: what else decides how it comes out, such as the networks' ids. Both must look the
        same in every process (repr). Raises what make raises.
        """
        found = self._memory.get(key)
        if found is None:
            found = make() if self._folder is None else self._from_folder(self._folder, file_key(key, made_by), make)
            self._memory.put(key, found)
        return found

    def forget(self, subject: object) -> None:
        """Remove every entry whose key begins with subject, from memory and from the folder."""
        self._memory.drop(lambda key: key[0] == subject)
        if self._folder is not None:
            self._folder.remove(_subject_key(subject))

    def _from_folder(self, folder: Folder, name: str, make: Callable[[], T]) -> T:
        data = folder.read(name)
        if data is not None:
            try:
                return cast(T, unpack(data))
            except PackingError as error:
                logger.warning("an entry of the cache can't be used: %s", error)
        made = make()
        try:
            folder.write(name, pack(made))
        except PackingError as error:
            logger.warning("an analysis is not kept in the cache's folder: %s", error)
        return made


def file_key(key: tuple[object, ...], made_by: Iterable[object]) -> str:
    """Hex sha256 of what the key begins with, then of the whole key, made_by, the format and this package's own code:
    an older version's entry is never found, but it can be removed."""
    whole = hashlib.sha256(repr((FORMAT, key, tuple(made_by), _code())).encode()).hexdigest()
    return f"{_subject_key(key[0])}-{whole}"


def _subject_key(subject: object) -> str:
    return hashlib.sha256(repr(subject).encode()).hexdigest()


@cache
def _code() -> str:
    """Hex sha256 of the package's source, and of the version of numpy that reads the arrays."""
    digest = hashlib.sha256(np.__version__.encode())
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class Folder:
    """Files by name, each with its sha256 at the end, the least recently read removed when there are too many bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        """limit: bytes of all entries together; a single larger one is not kept."""
        self._path, self._limit = path, limit

    def read(self, name: str) -> UInt8Array | None:
        """The bytes written under this name; None if there are none or they are damaged, and then the file goes."""
        path = self._path / (name + _SUFFIX)
        try:
            self._check_owner()
            data = np.fromfile(path, np.uint8)
            if _whole(data):
                os.utime(path)
                return data[:-_DIGEST_BYTES]
            logger.warning("%s is damaged and is removed", path.name)
            path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.warning("the cache's folder can't be read: %s", error)
        return None

    def write(self, name: str, pieces: Iterable[bytes | memoryview]) -> None:
        """Keep these bytes, after making room for them."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner()
            with self._unfinished() as path:
                size = _write_checked(path, pieces)
                if size > self._limit:
                    logger.info("an entry of %d bytes is larger than the whole cache of %d", size, self._limit)
                    return
                with self._locked():
                    self._make_room(self._limit - size)
                    path.rename(self._path / (name + _SUFFIX))
        except OSError as error:
            logger.warning("the cache's folder can't be written: %s", error)

    def remove(self, beginning: str) -> None:
        """Remove every entry whose name begins so."""
        try:
            for path, _ in _files(self._path, _SUFFIX):
                if path.name.startswith(beginning):
                    path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("the cache's folder can't be cleared: %s", error)

    def _check_owner(self) -> None:
        """Raises PermissionError for a folder into which others could put their files, FileNotFoundError for none."""
        state = self._path.stat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o022:
            raise PermissionError(f"{self._path} belongs to somebody else or can be written by others")

    @contextlib.contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """A name of one's own in the folder; what still has it in the end is removed."""
        handle, name = tempfile.mkstemp(_UNFINISHED, dir=self._path)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process, and one thread of it, at a time counts, removes and renames."""
        with (self._path / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_room(self, room: int) -> None:
        """Remove what was left behind, and the entries that weren't read for longest until the rest fits."""
        for path, state in _files(self._path, _UNFINISHED):
            if time.time() - state.st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
        entries = sorted(_files(self._path, _SUFFIX), key=lambda entry: (entry[1].st_mtime_ns, entry[0].name))
        used = sum(state.st_size for _, state in entries)
        for path, state in entries:
            if used <= room:
                return
            path.unlink(missing_ok=True)
            used -= state.st_size


def _files(folder: Path, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    """The folder's files of this kind; others may be removing some meanwhile."""
    for path in folder.glob("*" + suffix):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def _whole(data: UInt8Array) -> bool:
    """Whether bytes end with the sha256 of those before."""
    body: Any = data[:-_DIGEST_BYTES]
    return len(data) >= _DIGEST_BYTES and hashlib.sha256(body).digest() == data[-_DIGEST_BYTES:].tobytes()


def _write_checked(path: Path, pieces: Iterable[bytes | memoryview]) -> int:
    """Write pieces and their sha256, and read them again; the file's size. Raises OSError, also if they differ."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    data = np.fromfile(path, np.uint8)
    if not _whole(data) or data[-_DIGEST_BYTES:].tobytes() != digest.digest():
        raise OSError(f"{path.name} does not hold what was written to it")
    return len(data)
