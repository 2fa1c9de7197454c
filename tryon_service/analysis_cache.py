"""Analysed products kept in memory and, if asked, in a folder that outlives the process and that others may share.

The folder holds one file per entry and never a shopper's photo: only product analyses are put here. A file is written
under another name, read again, and only then renamed; a sha256 of its name and contents is checked at every reading,
and what is damaged is removed, counted and computed again. Files of other versions of this package are never read, and
removed once nobody has used them for a day: during an upgrade both versions have theirs. Trouble with the folder is a
warning and never an error: everything can be computed again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import tempfile
import threading
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
FORMAT = 2
"""Raised when files are laid out in another way."""

_SUFFIX, _UNFINISHED = ".analysis", ".unfinished"
_LOCK = "lock"
_ABANDONED_S = 3600.0
"""Age at which a file that nobody finished writing is taken for left behind."""
_OUTDATED_S = 86400.0
"""Age at which a file of another version, counted from when it was last read, is removed."""
_DIGEST_BYTES = 32

T = TypeVar("T")


class AnalysisCache(Generic[T]):
    """Memory first, then the folder. Safe between threads and, in the folder, between processes.

    memory_bytes, folder_bytes: room for each; folder: created, for its owner only, when first needed; None for none.
    """

    def __init__(self, memory_bytes: int, folder: Path | None = None, folder_bytes: int = FOLDER_BYTES) -> None:
        self._memory = ByteLru[T](memory_bytes)
        self._folder = Folder(folder, folder_bytes, _version()) if folder is not None else None

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

    @property
    def damaged(self) -> int:
        """Entries that couldn't be used and were removed, so far."""
        return 0 if self._folder is None else self._folder.damaged

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
                folder.discard(name)
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


def _version() -> str:
    """Part of the names of this version's files."""
    return f"{FORMAT}-{_code()[:8]}"


class Folder:
    """Files by name, each with a sha256 at its end, the least recently read removed when there are too many bytes.

    damaged: files that couldn't be used and were removed, so far.
    """

    def __init__(self, path: Path, limit: int, version: str = "") -> None:
        """limit: bytes of all entries together; a single larger one is not kept. version: of what writes the files."""
        self._path, self._limit = path, limit
        self._suffix = f".{version}{_SUFFIX}" if version else _SUFFIX
        self._counting = threading.Lock()
        self.damaged = 0

    def read(self, name: str) -> UInt8Array | None:
        """The bytes written under this name; None if there are none or they are damaged, and then the file goes."""
        path = self._path / (name + self._suffix)
        try:
            self._check_owner()
            data = np.fromfile(path, np.uint8)
            if _whole(data, name):
                os.utime(path)
                return data[:-_DIGEST_BYTES]
            logger.warning("%s is damaged and is removed", path.name)
            self.discard(name)
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
                size = _write_checked(path, name, pieces)
                if size > self._limit:
                    logger.info("an entry of %d bytes is larger than the whole cache of %d", size, self._limit)
                    return
                with self._locked():
                    self._make_room(self._limit - size)
                    path.rename(self._path / (name + self._suffix))
        except OSError as error:
            logger.warning("the cache's folder can't be written: %s", error)

    def discard(self, name: str) -> None:
        """Remove a file that can't be used, and count it."""
        with self._counting:
            self.damaged += 1
        with contextlib.suppress(OSError):
            (self._path / (name + self._suffix)).unlink()

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
        for path, state in _files(self._path, _SUFFIX):
            if not path.name.endswith(self._suffix) and time.time() - state.st_mtime > _OUTDATED_S:
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


def _whole(data: UInt8Array, name: str) -> bool:
    """Whether bytes end with the sha256 of the name and of those before: another entry's file is none of this name."""
    digest, body = hashlib.sha256(name.encode()), cast(Any, data[:-_DIGEST_BYTES])
    digest.update(body)
    return len(data) >= _DIGEST_BYTES and digest.digest() == data[-_DIGEST_BYTES:].tobytes()


def _write_checked(path: Path, name: str, pieces: Iterable[bytes | memoryview]) -> int:
    """Write pieces and the sha256 of name and pieces, and read them again; the file's size. Raises OSError, also if
    they differ."""
    digest = hashlib.sha256(name.encode())
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    data = np.fromfile(path, np.uint8)
    if not _whole(data, name) or data[-_DIGEST_BYTES:].tobytes() != digest.digest():
        raise OSError(f"{path.name} does not hold what was written to it")
    return len(data)
