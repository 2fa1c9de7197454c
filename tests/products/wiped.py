"""Stores that lose everything, for what brings it back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tryon_service.products.base import ProductStore
from tryon_service.products.folder import FolderStore
from tryon_service.products.remote import RemoteStore

MADE = 1_000_000
"""When everything was put, in seconds since 1970."""


class Home:
    """Where a store is, opened as often as one likes. redis_url: empty for a folder."""

    def __init__(self, path: Path, redis_url: str) -> None:
        self.path, self.redis_url = path, redis_url

    @contextmanager
    def store(self, now: float = MADE) -> Iterator[ProductStore]:
        def clock() -> float:
            return now

        store: ProductStore
        if self.redis_url:
            self.path.mkdir(parents=True, exist_ok=True)
            store = RemoteStore(f"file://{self.path}", self.redis_url, clock)
        else:
            store = FolderStore(self.path, clock)
        try:
            yield store
        finally:
            store.close()

    def wipe(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self.redis_url:
            with redis.Redis.from_url(self.redis_url) as client:
                client.flushall()

    def photo(self, sha256: str) -> Path:
        """Its file, whatever it is called."""
        (found,) = self.path.rglob(f"{sha256}*")
        return found

    def photos(self) -> set[str]:
        """sha256 of all files of photos."""
        return {path.name[:64] for path in self.path.rglob("*") if path.is_file() and len(path.name) >= 64}
