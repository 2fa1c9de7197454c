"""A backup of all stores' products: one file, taken while the service runs, proved whole before it gets its name.

It is a ZIP file without compression, since photos are compressed already, that any tool can look into:

    photos/ab/abcd...   each photo once, named after its sha256
    manifest.json       see manifest.py; it is written last

Nothing of shoppers is in it, and no secret: keys and signing secrets are a file of their own (secrets_backup.py).
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, Protocol

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products import base
from tryon_service.products.backup_files import FIELD, BackupFile
from tryon_service.products.base import ProductStore, Snapshot
from tryon_service.products.manifest import Manifest
from tryon_service.products.records import ProductRecord, sha256_of

MANIFEST = "manifest.json"
_MEMBER_BYTES = 256
"""What each photo takes beside its own bytes, at most."""


class Progress(Protocol):
    """Shows how far a step is."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[int], object]]:
        """what: the step; total: its bytes. Gives what is to be called with the bytes done since the last time."""
        ...


def silent(_what: str, _total: int) -> AbstractContextManager[Callable[[int], object]]:
    return nullcontext(lambda _done: None)


@dataclass(frozen=True)
class Backup:
    """An opened backup. Raises InputError("invalid_option") for what isn't whole."""

    manifest: Manifest
    _archive: zipfile.ZipFile

    def photos(self, record: ProductRecord) -> list[bytes]:
        return [self.photo(photo.sha256) for photo in record.photos]

    def photo(self, sha256: str) -> bytes:
        try:
            info = self._archive.getinfo(_member(sha256))
            # Both before anything is read: what is not as we write it could be of any size.
            if info.file_size != self.manifest.photos[sha256] or info.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile
            content = self._archive.read(info)
        except (KeyError, zipfile.BadZipFile, EOFError):
            content = b""
        if sha256_of(content) != sha256:
            raise _not_whole(f"the photo {sha256[:12]} is missing or damaged")
        return content

    def check(self, progress: Progress = silent) -> None:
        """Read all of it. Raises InputError unless every photo is what the manifest says, and there is nothing else."""
        names = self._archive.namelist()
        expected = {MANIFEST, *map(_member, self.manifest.photos)}
        if len(names) != len(expected) or set(names) != expected:
            raise _not_whole("what is in it is not what its manifest lists")
        with progress("checking", self.manifest.size) as done:
            for sha256, size in self.manifest.photos.items():
                self.photo(sha256)
                done(size)


@contextmanager
def opened(file: BackupFile) -> Iterator[Backup]:
    """A backup to read from. Raises InputError("invalid_option") for what isn't one or can't be read."""
    with file.telling(), file.open() as stream:
        yield _open(stream)


def back_up(
    store: ProductStore, file: BackupFile, progress: Progress = silent, clock: Callable[[], float] = time.time
) -> Manifest:
    """Write all stores' products as of now; nothing is at the file's name until it has been read back and is whole.

    Raises InputError("invalid_option") where there is nothing to back up, or the file can't be written or is there
    already, and UnavailableError: "storage_full" without room for it, "conflict" where an engine of another release
    removed a photo meanwhile, "storage_unavailable" for damaged photos and whatever else the store has.
    """
    with file.telling():
        file.check_new()
    with store.snapshot() as snapshot:
        manifest = Manifest(tuple(snapshot.products), int(clock()))
        if not manifest.products:
            raise InputError("invalid_option", "There is no product in it, and so nothing to back up.", "TRYON_DATA")
        file.check_room(manifest.size + len(manifest.photos) * _MEMBER_BYTES)
        with file.telling(), file.unfinished() as name:
            with file.create(name) as stream:
                _write(stream, store, snapshot, manifest, progress)
            with file.open(name) as stream:
                backup = _open(stream)
                if backup.manifest != manifest:
                    raise _not_whole("it was read back differently")
                backup.check(progress)
            file.finish(name)
    return manifest


def _write(stream: IO[bytes], store: ProductStore, snapshot: Snapshot, manifest: Manifest, progress: Progress) -> None:
    written: set[str] = set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive, progress("writing", manifest.size) as done:
        for name, record in manifest.products:
            for sha256 in sorted(record.photo_digests - written):
                content = snapshot.read(sha256)
                if content is None:
                    raise _lost(store, name, record, sha256)
                archive.writestr(_info(_member(sha256)), content)
                done(len(content))
            written |= record.photo_digests
        archive.writestr(_info(MANIFEST), manifest.to_json())


def _lost(store: ProductStore, name: str, record: ProductRecord, sha256: str) -> UnavailableError:
    """Why a photo can't be read: the product was changed by whom no snapshot holds up, or the photo is damaged."""
    try:
        if store.get(name, record.id) == record:
            detail = f"{base.damaged(sha256).detail} It is of the product {record.id!r} of the store {name!r}."
            return UnavailableError("storage_unavailable", detail)
    except InputError:
        pass  # it was deleted
    return base.changed_meanwhile(record.id)


def _open(stream: IO[bytes]) -> Backup:
    try:
        archive = zipfile.ZipFile(stream)
        info = archive.getinfo(MANIFEST)
        if info.compress_type != zipfile.ZIP_STORED:
            raise zipfile.BadZipFile
        return Backup(Manifest.from_json(archive.read(info)), archive)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError):
        raise _not_whole("it is cut short, or no backup at all") from None
    except ValueError as error:
        raise _not_whole(str(error)) from None


def _info(name: str) -> zipfile.ZipInfo:
    """Without a time, so that the same products make the same file but for the moment in the manifest."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o600 << 16
    return info


def _member(sha256: str) -> str:
    return f"photos/{sha256[:2]}/{sha256}"


def _not_whole(why: str) -> InputError:
    return InputError("invalid_option", f"This backup can't be used: {why}.", FIELD)
