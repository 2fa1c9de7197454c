"""Products and photos that the tests put, small enough for a small disk."""

from __future__ import annotations

from pathlib import Path

from tryon_service.products.base import ProductStore
from tryon_service.products.records import ProductRecord, photo_record

FRONT, BACK, SIDE = b"front" * 1000, b"back" * 1000, b"side" * 1000


def record(product_id: str, *photos: bytes) -> ProductRecord:
    return ProductRecord(product_id, tuple(photo_record(photo) for photo in photos), "contract 17")


def put(products: ProductStore, product_id: str, *photos: bytes) -> None:
    """Into the store acme."""
    products.put("acme", record(product_id, *photos), photos)


def files(path: Path) -> set[str]:
    """sha256 of the photos in a FolderStore's folder, and whatever else lies about there."""
    return {file.name for file in (path / "photos").rglob("*") if file.is_file()}
