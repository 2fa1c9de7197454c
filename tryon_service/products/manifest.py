"""The first page of a backup: which products of which stores are in it, with everything that is known of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from tryon_service import __version__
from tryon_service.errors import InputError
from tryon_service.products.records import ProductRecord, check_store

FORMAT, VERSION = "tryon products", 1
"""What the manifest says that it is, and of which version: raised when an earlier release couldn't read it."""


@dataclass(frozen=True)
class Manifest:
    """products: (store, record), in the order of stores and ids; taken_at: seconds since 1970 UTC, the moment that they
    are of; release: of the service that wrote it."""

    products: tuple[tuple[str, ProductRecord], ...]
    taken_at: int
    release: str = __version__

    @cached_property
    def photos(self) -> dict[str, int]:
        """Bytes of every photo by its sha256, each once, in the order of the products."""
        return {photo.sha256: photo.bytes for _, record in self.products for photo in record.photos}

    @property
    def size(self) -> int:
        """Bytes of all photos."""
        return sum(self.photos.values())

    @property
    def stores(self) -> frozenset[str]:
        return frozenset(store for store, _ in self.products)

    def to_json(self) -> str:
        records = [
            {"store": store, "digest": record.digest, "record": json.loads(record.to_json())}
            for store, record in self.products
        ]
        content = {
            "format": FORMAT,
            "version": VERSION,
            "release": self.release,
            "taken_at": self.taken_at,
            "products": len(self.products),
            "photos": len(self.photos),
            "bytes": self.size,
            "records": records,
        }
        return json.dumps(content, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises ValueError, in words for people, for anything that to_json of this version didn't write."""
        try:
            content: Mapping[str, Any] = json.loads(text)
            kind, version = content["format"], int(content["version"])
        except (ValueError, LookupError, TypeError):
            raise ValueError("its manifest can't be read") from None
        if kind != FORMAT:
            raise ValueError(f"it is a {str(kind)[:40]!r}, not a backup of products")
        if version != VERSION:
            release = str(content.get("release", "unknown"))[:40]
            raise ValueError(f"it is of version {version}, by release {release}; this release reads version {VERSION}")
        try:
            products = tuple(_product(entry) for entry in content["records"])
            manifest = cls(products, int(content["taken_at"]), str(content["release"]))
            counts = [content[name] for name in ("products", "photos", "bytes")]
        except (ValueError, LookupError, TypeError, AttributeError, InputError) as error:
            raise ValueError(f"its manifest is damaged: {error}") from error
        if counts != [len(products), len(manifest.photos), manifest.size]:
            raise ValueError("its manifest is damaged: the counts are wrong")
        _check(products, manifest.photos)
        return manifest


def _product(entry: Mapping[str, Any]) -> tuple[str, ProductRecord]:
    check_store(entry["store"])
    record = ProductRecord.from_json(json.dumps(entry["record"]))
    if record.digest != entry["digest"]:
        raise ValueError(f"the digest of {record.id!r} is wrong")
    return entry["store"], record


def _check(products: Sequence[tuple[str, ProductRecord]], sizes: Mapping[str, int]) -> None:
    if len({(store, record.id) for store, record in products}) < len(products):
        raise ValueError("its manifest is damaged: a product is in it twice")
    for _, record in products:
        for photo in record.photos:
            if photo.bytes != sizes[photo.sha256]:
                raise ValueError(f"its manifest is damaged: two sizes of the photo {photo.sha256[:12]}")
