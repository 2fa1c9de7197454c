"""What every product store does, and what all of them share: times, pages, checks and the names of failures."""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import hmac
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.products.records import ProductRecord, sha256_of

PAGE_SIZE, MAX_PAGE_SIZE = 100, 1000
"""Products of a page where nothing is said, and at most."""

_CHECKSUM_BYTES = 8
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Photos = list[bytes]
"""Files of a product's photos, in the card's order."""
Page = tuple[list[ProductRecord], str]
"""Products in the order of their ids, and the token of the next page, empty at the end."""
Decision = Callable[[ProductRecord | None], ProductRecord]
"""Which record to keep, of the one that is there."""


@dataclass(frozen=True)
class Change:
    """What putting or deleting a product did.

    record: as it is kept now, with its times; after a deletion, as it was.
    created: there was no product of this id before.
    unused: sha256 of photos that were given up and that no product of any store has any more.
    """

    record: ProductRecord
    created: bool = False
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """Everything that is kept, as of one moment.

    products: (store, record), in the order of stores and ids; read: the file of a photo by its sha256, None where it is
    missing or damaged. Raises UnavailableError.
    """

    products: Sequence[tuple[str, ProductRecord]]
    read: Callable[[str], bytes | None]


class ProductStore(Protocol):
    """Keeps products by store (tenant) and id. Safe between threads and between processes.

    Every call raises InputError("invalid_option") for an impossible id of a store or product, and UnavailableError:
    "storage_full" where there is no room, "storage_unavailable" for any other trouble with what it keeps things in.
    """

    def put(self, store: str, record: ProductRecord, photos: Sequence[bytes]) -> Change:
        """Create or replace; all or nothing. photos: the files that record.photos tells of, in the same order.

        Putting again what is there already changes nothing, and mends photos that are missing or cut short.
        """
        ...

    def get(self, store: str, product_id: str) -> ProductRecord:
        """Raises InputError("unknown_product")."""
        ...

    def photos(self, record: ProductRecord) -> Photos:
        """The files, checked against their sha256; "storage_unavailable" where one is damaged.

        Raises UnavailableError("conflict") where the product was changed after record was read.
        """
        ...

    def photo(self, record: ProductRecord, index: int) -> bytes:
        """One of them, counted from 0, without reading the others; raises as photos does."""
        ...

    def list(self, store: str, page_size: int = 0, page_token: str = "") -> Page:
        """A page of 1 to 1000 products, 0 for 100. Raises InputError("invalid_option") for a wrong size or token."""
        ...

    def delete(self, store: str, product_id: str) -> Change:
        """Raises InputError("unknown_product")."""
        ...

    def adopt(self, store: str, record: ProductRecord, photos: Sequence[bytes], *, replace: bool = False) -> Change:
        """As put, but with the record's own times. One of this id that is there stays, unless it is to be replaced.

        The answer's record is the one that is there now.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """What all stores have now. Until it ends no photo of it goes; the service goes on meanwhile."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a later call opens them again."""
        ...


def unknown(product_id: str) -> InputError:
    return InputError("unknown_product", f"{product_id!r} was never put, or was deleted.", "product_id")


def check_photos(record: ProductRecord, photos: Sequence[bytes]) -> None:
    """Raises TryonError("internal") unless the record tells of exactly these files."""
    if [photo.sha256 for photo in record.photos] != [sha256_of(photo) for photo in photos]:
        raise TryonError("internal", "A product's record and its photos differ.")


def read_record(text: str) -> ProductRecord:
    """What an index keeps of a product. Raises UnavailableError("storage_unavailable") where that is damaged."""
    try:
        return ProductRecord.from_json(text)
    except ValueError as error:
        raise UnavailableError("storage_unavailable", "A product's record is damaged.") from error


def dated(record: ProductRecord, before: ProductRecord | None, now: float) -> ProductRecord:
    """The record with its times: the one before it where nothing else differs."""
    if before is None:
        return replace(record, created_at=int(now), updated_at=int(now))
    same = replace(record, created_at=before.created_at, updated_at=before.updated_at)
    return before if same == before else replace(same, updated_at=max(int(now), before.created_at))


def checked_page_size(page_size: int) -> int:
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        detail = f"{page_size} is not from 1 to {MAX_PAGE_SIZE}, or 0 for {PAGE_SIZE}."
        raise InputError("invalid_option", detail, "page_size")
    return page_size or PAGE_SIZE


def next_page_token(store: str, ids: Sequence[str], page_size: int) -> str:
    """ids: those of the page, and one more where there are any."""
    return page_token_after(store, ids[page_size - 1]) if len(ids) > page_size else ""


def page_token_after(store: str, product_id: str) -> str:
    return base64.urlsafe_b64encode(_checksum(store, product_id) + product_id.encode()).decode().rstrip("=")


def last_product_id(store: str, page_token: str) -> str:
    """The id after which the page begins, empty for the first page. Raises InputError for a token not of this store."""
    if not page_token:
        return ""
    try:
        content = base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True)
        product_id = content[_CHECKSUM_BYTES:].decode("ascii")
        # Spelt otherwise than we spell it, it is not ours either.
        if hmac.compare_digest(page_token_after(store, product_id).encode(), page_token.encode()):
            return product_id
    except (binascii.Error, ValueError):
        pass
    raise InputError("invalid_option", "It is not a token that a page of this store ended with.", "page_token")


def _checksum(store: str, product_id: str) -> bytes:
    """Tells a mistaken token from ours. No secret: who forges one only begins elsewhere among their own products."""
    return hashlib.sha256(f"page of {store} after {product_id}".encode()).digest()[:_CHECKSUM_BYTES]


def storage_error(error: Exception) -> UnavailableError:
    """What the public learns of trouble with files."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return UnavailableError("storage_full")
    return UnavailableError("storage_unavailable")


def damaged(sha256: str) -> UnavailableError:
    return UnavailableError("storage_unavailable", f"The photo {sha256[:12]} is missing or damaged; put it again.")


def changed_meanwhile(product_id: str) -> UnavailableError:
    return UnavailableError("conflict", f"The product {product_id!r} was changed meanwhile.", "product_id")
