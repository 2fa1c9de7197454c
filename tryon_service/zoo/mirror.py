"""A copy of the networks' files elsewhere: in a folder, or in a bucket behind an fsspec URL (s3://bucket/zoo).

A file's name there tells its contents, so those of any number of releases lie side by side. A file is copied under
another name, read again, and only then renamed; what is there already and whole is not copied again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo.manifest import Network, networks_of
from tryon_service.zoo.own import FILE, from_json, to_json

logger = logging.getLogger(__name__)

VARIABLE = "TRYON_ZOO_MIRROR"
UNFINISHED = ".part"


class Files(Protocol):
    """Files by name. All raise whatever the storage does, open FileNotFoundError for a name that isn't there."""

    def open(self, name: str) -> IO[bytes]: ...
    def write(self, name: str, source: IO[bytes]) -> None: ...
    def rename(self, name: str, to: str) -> None: ...
    def remove(self, name: str) -> None: ...


class Folder:
    """Files in a folder of this machine, made when first written to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")

    def write(self, name: str, source: IO[bytes]) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        with (self._path / name).open("wb") as out:
            shutil.copyfileobj(source, out)

    def rename(self, name: str, to: str) -> None:
        (self._path / name).replace(self._path / to)

    def remove(self, name: str) -> None:
        (self._path / name).unlink()


class Bucket:
    """Files below an fsspec URL."""

    def __init__(self, url: str, field: str) -> None:
        """field: which input the URL is, for errors. Raises InputError("invalid_option")."""
        try:
            import fsspec
        except ImportError:
            raise InputError("invalid_option", "A URL needs the extra scale; or name a folder.", field) from None
        try:
            # A listing kept in memory would hide what other machines do.
            self._files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            detail = f"It can't be used ({type(error).__name__}); s3:// needs the extra scale."
            raise InputError("invalid_option", detail, field) from None
        self._root = root.rstrip("/")

    def open(self, name: str) -> IO[bytes]:
        return cast("IO[bytes]", self._files.open(self._path(name), "rb"))

    def write(self, name: str, source: IO[bytes]) -> None:
        with self._files.open(self._path(name), "wb") as out:
            shutil.copyfileobj(source, out)

    def rename(self, name: str, to: str) -> None:
        self._files.mv(self._path(name), self._path(to))

    def remove(self, name: str) -> None:
        self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


class Mirror:
    """Raises ZooError("storage_unavailable") where the storage fails, and at first InputError("invalid_option")."""

    def __init__(self, where: str, field: str = VARIABLE) -> None:
        """where: a folder, or an fsspec URL; field: which input that is, for errors."""
        self.where = where
        self._files: Files = Bucket(where, field) if "://" in where else Folder(Path(where))

    @contextlib.contextmanager
    def open(self, network: Network) -> Iterator[IO[bytes]]:
        """Its file, under its own name or under the plain one that a person gave it; its bytes are for the caller to
        check. Raises ZooError("network_missing")."""
        with self._trouble(), contextlib.ExitStack() as closing:
            for name in (network.stored_file, network.file):
                with contextlib.suppress(FileNotFoundError):
                    stream = closing.enter_context(self._files.open(name))
                    break
            else:
                detail = f"{network.stored_file} is not in the mirror {self.where}; 'tryon zoo mirror {self.where}' on"
                raise ZooError("network_missing", f"{detail} a machine that has it puts it there.")
            yield stream

    def put(self, network: Network, path: Path) -> bool:
        """Copy a file whose bytes have been checked; whether that was needed."""
        with self._trouble():
            if self._holds(network.stored_file, network.bytes, network.sha256):
                return False
            with path.open("rb") as source:
                self._put(network.stored_file, source, network.bytes, network.sha256)
            return True

    def own(self) -> dict[str, Network]:
        """Networks of the operator's own that lie here, by name. Raises ZooError("internal") for a damaged list."""
        with self._trouble():
            try:
                with self._files.open(FILE) as stream:
                    document = from_json(stream.read(), f"{self.where}/{FILE}")
            except FileNotFoundError:
                return {}
            return networks_of(document, f"{self.where}/{FILE}")

    def add_own(self, networks: dict[str, Network]) -> None:
        """Note them in the list, after their files."""
        content = to_json({**self.own(), **networks}).encode()
        with self._trouble():
            self._put(FILE, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())

    def _holds(self, name: str, size: int, sha256: str) -> bool:
        try:
            with self._files.open(name) as stream:
                return (_size(stream), hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()) == (size, sha256)
        except FileNotFoundError:
            return False

    def _put(self, name: str, source: IO[bytes], size: int, sha256: str) -> None:
        part = f".{name}-{secrets.token_hex(4)}{UNFINISHED}"
        try:
            self._files.write(part, source)
            if not self._holds(part, size, sha256):
                raise ZooError("storage_unavailable", f"{self.where} does not hold what was written there.")
            self._files.rename(part, name)
        except BaseException:
            with contextlib.suppress(Exception):
                self._files.remove(part)
            raise

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        """Turns every failure of the storage into one that the caller knows."""
        try:
            yield
        except (ZooError, InputError):
            raise
        except Exception as error:  # backends raise whatever their own libraries do
            logger.info("the mirror fails: %s: %s", type(error).__name__, error)
            what = getattr(error, "strerror", None) or type(error).__name__
            detail = f"Copying from or to the mirror {self.where} fails: {what}."
            raise ZooError("storage_unavailable", detail) from error


def _size(stream: IO[bytes]) -> int:
    """Of the whole; the stream is at its beginning afterwards."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size
