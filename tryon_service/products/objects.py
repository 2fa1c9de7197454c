"""The photos' storage of many machines: bytes by name behind an fsspec URL."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import fsspec

from tryon_service.errors import InputError
from tryon_service.products import base

logger = logging.getLogger(__name__)


class Objects:
    """Bytes by name below an fsspec URL. Raises UnavailableError, and at first InputError("invalid_option")."""

    def __init__(self, url: str, field: str = "TRYON_STORE_URL") -> None:
        """field: which input the URL is, for errors."""
        try:
            # A listing kept in memory would hide what other machines do.
            self._files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            detail = f"It can't be used ({type(error).__name__}); s3:// needs the scale extra."
            raise InputError("invalid_option", detail, field) from None
        self._root = root.rstrip("/")

    def size(self, name: str) -> int | None:
        """None where there is none."""
        with _storage():
            try:
                return int(self._files.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def read(self, name: str) -> bytes | None:
        """None where there is none."""
        with _storage():
            try:
                return bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        with _storage():
            self._files.pipe_file(self._path(name), content)

    def remove(self, name: str) -> None:
        with _storage(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


@contextlib.contextmanager
def _storage() -> Iterator[None]:
    """Turns every failure of the photos' storage into one that the caller knows."""
    try:
        yield
    except Exception as error:  # backends raise whatever their own libraries do
        logger.warning("the product photos' storage fails: %s: %s", type(error).__name__, error)
        raise base.storage_error(error) from error
