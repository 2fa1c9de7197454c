"""What is kept of a product card, checked when built, and the text that an index keeps of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, get_args

from tryon_service.errors import InputError
from tryon_service.pb import limits
from tryon_service.types import Reason, Size, ViewName

MAX_PHOTOS = limits.MAX_PHOTOS
"""Photos of one product."""
MAX_REFERENCE = 200
"""Characters of a rights reference."""

_STORE = re.compile(r"[a-z0-9_-]{1,64}")
_PRODUCT = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PhotoRecord:
    """One photo of a product: what was given, and what was found when it was analysed.

    sha256: of the file, lower-case hex; bytes: its length; view: as given, None where nothing was said.
    seen_view: as found, None where no person was; width, height: pixels of the upright photo, 0 where unknown.
    reasons: empty where the photo can be used, else why not.
    """

    sha256: str
    bytes: int
    view: ViewName | None = None
    seen_view: ViewName | None = None
    width: int = 0
    height: int = 0
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise InputError("invalid_option", "A sha256 is 64 lower-case hexadecimal digits.", "sha256")
        for name in ("view", "seen_view"):
            value = getattr(self, name)
            if value is not None and value not in get_args(ViewName):
                raise InputError("invalid_option", f"{value!r} is not one of {', '.join(get_args(ViewName))}.", name)


@dataclass(frozen=True)
class ProductRecord:
    """One product card. Raises InputError naming the field and its limit when built from nonsense.

    id: the store's own, 1 to 128 of [A-Za-z0-9._~-]; photos: 1 to 8, in the card's order.
    rights_reference: where it is written that the model agreed to be re-posed, at most 200 characters.
    created_at, updated_at: seconds since 1970 UTC; set by the store that keeps the record.
    """

    id: str
    photos: tuple[PhotoRecord, ...]
    rights_reference: str
    created_at: int = 0
    updated_at: int = 0

    def __post_init__(self) -> None:
        check_product_id(self.id)
        if not self.photos:
            raise InputError("missing_field", "A product needs at least one photo.", "photos")
        if len(self.photos) > MAX_PHOTOS:
            detail = f"{len(self.photos)} photos were given; at most {MAX_PHOTOS} are kept."
            raise InputError("invalid_option", detail, "photos")
        if not self.rights_reference.strip():
            detail = "Say where it is written that the model agreed to be re-posed."
            raise InputError("missing_field", detail, "rights_reference")
        if len(self.rights_reference) > MAX_REFERENCE:
            detail = f"It has {len(self.rights_reference)} characters; at most {MAX_REFERENCE} are kept."
            raise InputError("invalid_option", detail, "rights_reference")

    @property
    def digest(self) -> str:
        """Hex sha256 over the photos and their given views, in the card's order; what was found in them is left out."""
        content = [[photo.sha256, photo.view] for photo in self.photos]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def photo_digests(self) -> frozenset[str]:
        """sha256 of its photos, each once."""
        return frozenset(photo.sha256 for photo in self.photos)

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError for anything that to_json didn't write."""
        try:
            content: Mapping[str, Any] = json.loads(text)
            photos = tuple(_photo(photo) for photo in content["photos"])
            return cls(**{**content, "photos": photos})
        except (InputError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"not a product's record: {error}") from error


def photo_record(
    image: bytes,
    view: ViewName | None = None,
    seen_view: ViewName | None = None,
    size: Size = (0, 0),
    reasons: Sequence[Reason] = (),
) -> PhotoRecord:
    """The record of a photo's file. view: as given; the rest as found."""
    return PhotoRecord(sha256_of(image), len(image), view, seen_view, *size, tuple(reasons))


def sha256_of(image: bytes) -> str:
    """Lower-case hex."""
    return hashlib.sha256(image).hexdigest()


def _photo(content: Mapping[str, Any]) -> PhotoRecord:
    reasons = tuple(Reason(**reason) for reason in content["reasons"])
    return PhotoRecord(**{**content, "reasons": reasons})


def check_store(store: str) -> None:
    """Raises InputError("invalid_option") unless this may be the id of a store (a tenant)."""
    if not _STORE.fullmatch(store):
        raise InputError("invalid_option", "A store's id is 1 to 64 of a-z, 0-9, '_' and '-'.", "store")


def check_product_id(product_id: str) -> None:
    """Raises InputError("invalid_option") unless this may be the id of a product."""
    if not _PRODUCT.fullmatch(product_id):
        detail = "A product's id is 1 to 128 of letters, digits, '.', '_', '~' and '-'."
        raise InputError("invalid_option", detail, "product_id")
