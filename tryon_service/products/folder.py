"""Products in a folder of this machine: an SQLite index, and the photos as files named after their content.

    <folder>/index.db           records, and which product uses which photo
    <folder>/photos/ab/abcd...  each photo once, however many products and stores have it
    <folder>/lock               held while a process opens the folder
    <folder>/hold               held while a backup copies photos
    <folder>/reserve            room for deleting where there is none left

Whoever changes anything holds the index's write lock from the first file to the last, so that no photo goes while
another process is about to use it. A photo's file is there before a record tells of it and goes after the last one
went. A crash in between leaves files that nothing tells of, and the next opening removes them. While a backup is being
taken no photo goes at all: what is given up meanwhile is removed at its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products import base
from tryon_service.products.base import Change, Page, Photos, Snapshot
from tryon_service.products.database import Database, database_error
from tryon_service.products.hold import Hold
from tryon_service.products.photo_files import PhotoFiles
from tryon_service.products.records import ProductRecord, check_product_id, check_store
from tryon_service.products.reserve import Reserve
from tryon_service.products.versions import NewerVersionError

logger = logging.getLogger(__name__)

STEPS = (
    """
    CREATE TABLE products (store TEXT, id TEXT, record TEXT, PRIMARY KEY (store, id)) WITHOUT ROWID;
    CREATE TABLE uses (sha256 TEXT, store TEXT, id TEXT, PRIMARY KEY (sha256, store, id)) WITHOUT ROWID
    """,
)
"""The index's tables, from version to version; a release that changes them adds what turns the last ones into its own.
"""
_AFTER_DIGITS = "g"
"""Sorts behind every hexadecimal digit."""


class FolderStore:
    """A ProductStore in a folder, which is made for its owner only.

    A folder that can't be opened now is tried again at every call. One that was open and vanished is missed, and
    not made again: it comes back when its disk does. clock: seconds since 1970 UTC.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._database = Database(path / "index.db", STEPS)
        self._files = PhotoFiles(path / "photos")
        self._reserve = Reserve(path / "reserve")
        self._hold = Hold(path / "hold")
        self._opening = threading.Lock()
        self._open = False
        try:
            self._open_once()
        except NewerVersionError as error:
            raise InputError("invalid_option", str(error), "TRYON_DATA") from None
        except (sqlite3.Error, OSError) as error:
            logger.warning("the product store can't be opened yet: %s", error)

    def put(self, store: str, record: ProductRecord, photos: Sequence[bytes]) -> Change:
        return self._put(store, record, photos, lambda before: base.dated(record, before, self._clock()))

    def adopt(self, store: str, record: ProductRecord, photos: Sequence[bytes], *, replace: bool = False) -> Change:
        return self._put(store, record, photos, lambda before: before if before and not replace else record)

    def _put(self, store: str, record: ProductRecord, photos: Sequence[bytes], decide: base.Decision) -> Change:
        check_store(store)
        base.check_photos(record, photos)
        files = {photo.sha256: content for photo, content in zip(record.photos, photos, strict=True)}
        written: Iterable[str] = ()
        with self._working():
            try:
                with self._database.writing() as index:
                    before = _find(index, store, record.id)
                    after = decide(before)
                    written = files if after.photos == record.photos else ()
                    for sha256 in written:
                        self._files.write(sha256, files[sha256])
                    unused = _change(index, store, before, after) if after != before else ()
            except BaseException:
                self._remove_unused(written)
                raise
            self._remove_unused(unused)
        return Change(after, before is None, unused)

    def get(self, store: str, product_id: str) -> ProductRecord:
        check_store(store)
        check_product_id(product_id)
        with self._working(), self._database.reading() as index:
            record = _find(index, store, product_id)
        if record is None:
            raise base.unknown(product_id)
        return record

    def photos(self, record: ProductRecord) -> Photos:
        return [self.photo(record, index) for index in range(len(record.photos))]

    def photo(self, record: ProductRecord, index: int) -> bytes:
        with self._working():
            return self._photo(record, record.photos[index].sha256)

    def list(self, store: str, page_size: int = 0, page_token: str = "") -> Page:
        check_store(store)
        size = base.checked_page_size(page_size)
        last = base.last_product_id(store, page_token)
        query = "SELECT record FROM products WHERE store = ? AND id > ? ORDER BY id LIMIT ?"
        with self._working(), self._database.reading() as index:
            rows = index.execute(query, (store, last, size + 1)).fetchall()
        records = [base.read_record(text) for (text,) in rows]
        return records[:size], base.next_page_token(store, [record.id for record in records], size)

    def delete(self, store: str, product_id: str) -> Change:
        check_store(store)
        check_product_id(product_id)
        try:
            return self._delete(store, product_id)
        except UnavailableError as error:
            if error.code != "storage_full" or not self._reserve.give_up():
                raise
        try:
            return self._delete(store, product_id)
        finally:
            self._reserve.keep()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        query = "SELECT store, record FROM products ORDER BY store, id"
        with contextlib.ExitStack() as hold:
            with self._working():
                hold.enter_context(self._hold.copying())
                with self._database.reading() as index:
                    rows = index.execute(query).fetchall()
            yield Snapshot([(store, base.read_record(text)) for store, text in rows], self._read)
        with self._working():
            self._sweep()

    def close(self) -> None:
        self._database.close()

    def _read(self, sha256: str) -> bytes | None:
        with self._working():
            return self._files.read(sha256)

    def _delete(self, store: str, product_id: str) -> Change:
        with self._working():
            with self._database.writing() as index:
                before = _find(index, store, product_id)
                unused = () if before is None else _change(index, store, before, None)
            self._remove_unused(unused)
        if before is None:
            raise base.unknown(product_id)
        return Change(before, unused=unused)

    def _photo(self, record: ProductRecord, sha256: str) -> bytes:
        content = self._files.read(sha256)
        if content is None:
            with self._database.reading() as index:
                if not _used(index, sha256):
                    raise base.changed_meanwhile(record.id)
            # It may have been given up and put again between the two.
            content = self._files.read(sha256)
        if content is None:
            raise base.damaged(sha256)
        return content

    def _remove_unused(self, digests: Iterable[str]) -> None:
        """Remove the files of those that no product uses. The rest goes at a backup's end, or at an opening."""
        if not digests:
            return
        try:
            with self._database.writing() as index, self._hold.removing() as may:
                for sha256 in digests:
                    if may and not _used(index, sha256):
                        self._files.remove(sha256)
        except (sqlite3.Error, OSError) as error:
            logger.warning("photos that no product uses are still there: %s", error)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Opens the folder if need be, and turns every failure into one that the caller knows."""
        try:
            self._open_once()
            yield
        except NewerVersionError as error:
            logger.warning("the product store can't be used: %s", error)
            raise UnavailableError("storage_unavailable", str(error)) from error
        except sqlite3.Error as error:
            logger.warning("the product store's index fails: %s", error)
            raise database_error(error) from error
        except OSError as error:
            logger.warning("the product store's folder fails: %s", error)
            raise base.storage_error(error) from error

    def _open_once(self) -> None:
        with self._opening:
            if self._open:
                return
            for folder in (self._path.parent, self._path):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner()
            with _locked(self._path / "lock"):
                self._database.create()
                self._files.create()
                self._sweep()
                self._reserve.keep()
            self._open = True

    def _check_owner(self) -> None:
        """Raises PermissionError for a folder into which others could put their files."""
        state = self._path.stat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o022:
            raise PermissionError(f"{self._path} belongs to somebody else or can be written by others")

    def _sweep(self) -> None:
        """Remove what crashes left behind."""
        query = "SELECT DISTINCT sha256 FROM uses WHERE sha256 BETWEEN ? AND ?"
        with self._database.writing() as index, self._hold.removing() as may:
            self._files.sweep()
            for digits, names in self._files.shards() if may else ():
                used = {sha256 for (sha256,) in index.execute(query, (digits, digits + _AFTER_DIGITS))}
                for name in names - used:
                    self._files.remove(name)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with a process that dies."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _find(index: sqlite3.Connection, store: str, product_id: str) -> ProductRecord | None:
    query = "SELECT record FROM products WHERE store = ? AND id = ?"
    row = index.execute(query, (store, product_id)).fetchone()
    return None if row is None else base.read_record(row[0])


def _used(index: sqlite3.Connection, sha256: str) -> bool:
    return index.execute("SELECT 1 FROM uses WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone() is not None


def _change(
    index: sqlite3.Connection, store: str, before: ProductRecord | None, after: ProductRecord | None
) -> tuple[str, ...]:
    """Put the one record in the other's place; sha256 of the photos that nothing uses from now on."""
    given_up: frozenset[str] = frozenset()
    if before is not None:
        given_up = before.photo_digests
        index.execute("DELETE FROM products WHERE store = ? AND id = ?", (store, before.id))
        rows = [(sha256, store, before.id) for sha256 in given_up]
        index.executemany("DELETE FROM uses WHERE sha256 = ? AND store = ? AND id = ?", rows)
    if after is not None:
        index.execute("INSERT INTO products VALUES (?, ?, ?)", (store, after.id, after.to_json()))
        index.executemany("INSERT INTO uses VALUES (?, ?, ?)", [(one, store, after.id) for one in after.photo_digests])
    return tuple(sorted(sha256 for sha256 in given_up if not _used(index, sha256)))
