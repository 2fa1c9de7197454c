"""Backups that the tests make, and how they look whether one is whole."""

from __future__ import annotations

from pathlib import Path

from cards import BACK, FRONT, SIDE, put
from wiped import Home

from tryon_service.products.backup import back_up, opened
from tryon_service.products.backup_files import backup_file
from tryon_service.products.base import ProductStore
from tryon_service.products.manifest import Manifest
from tryon_service.products.records import ProductRecord, photo_record


def fill_store(store: ProductStore) -> None:
    """Two shops, photos that several products have, one product changed later."""
    put(store, "shirt", FRONT, BACK)
    put(store, "coat", BACK)
    view = ProductRecord("shirt", (photo_record(SIDE, "side", "side", (30, 40)),), "their own, § 4")
    store.put("other", view, [SIDE])


def checked(path: Path | str) -> Manifest:
    with opened(backup_file(str(path))) as backup:
        backup.check()
        return backup.manifest


def made(path: Path) -> Path:
    with Home(path / "home", "").store() as store:
        fill_store(store)
        back_up(store, backup_file(str(path / "backup.zip")))
    return path / "backup.zip"
