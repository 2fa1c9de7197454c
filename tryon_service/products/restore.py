"""Products of a backup come back as they were: ids, photos, views, rights references and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

from tryon_service.errors import InputError
from tryon_service.products.backup import Backup, Progress, silent
from tryon_service.products.base import ProductStore
from tryon_service.products.records import ProductRecord

Merge = Literal["keep", "replace"]
"""What happens to a product that is there and differs from the backup's."""
What = Literal["restored", "replaced", "kept", "unchanged"]
"""What became of a product: it is there now; it took another's place; another stayed; it was there already."""
WHATS: tuple[What, ...] = get_args(What)
NAMED = 5
"""Products that are named where a store isn't empty."""

Kept = Mapping[tuple[str, str], ProductRecord]


def restore(
    backup: Backup, store: ProductStore, merge: Merge | None, done: Counter[What], progress: Progress = silent
) -> None:
    """Put the backup's products into a store, each whole or not at all, after all of the backup has been checked.

    merge: None only goes into a store without products of its own: what an interrupted restore left is none of those,
    so the same call goes on with it. Products that the backup lacks always stay. Photos that are missing or damaged
    are mended. done: counts what has been done, also where it breaks off.

    Raises InputError("invalid_option") for a damaged backup, or where a merge must be said; nothing is written then.
    Raises UnavailableError from the store; what is done then stays done, and the same call goes on.
    """
    backup.check(progress)
    with store.snapshot() as snapshot:
        there = {(name, record.id): record for name, record in snapshot.products}
    wanted = {(name, record.id): record for name, record in backup.manifest.products}
    if merge is None:
        _refuse_others(there, wanted)
    with progress("restoring", sum(photo.bytes for record in wanted.values() for photo in record.photos)) as count:
        for (name, product_id), record in wanted.items():
            change = store.adopt(name, record, backup.photos(record), replace=merge == "replace")
            done[_what(there.get((name, product_id)), record, change.record)] += 1
            count(sum(photo.bytes for photo in record.photos))


def _refuse_others(there: Kept, wanted: Kept) -> None:
    others = [
        f"{name}/{product_id}" for (name, product_id), one in there.items() if wanted.get((name, product_id)) != one
    ]
    if others:
        named = ", ".join(others[:NAMED]) + (f" and {len(others) - NAMED} more" if len(others) > NAMED else "")
        detail = (
            f"Nothing was written: there are products that the backup lacks or has otherwise ({named}). "
            "Say whose are to stay: 'keep' these, or 'replace' them by the backup's of the same id."
        )
        raise InputError("invalid_option", detail, "--merge")


def _what(before: ProductRecord | None, wanted: ProductRecord, now: ProductRecord) -> What:
    if now != wanted:
        return "kept"
    if before is None:
        return "restored"
    return "unchanged" if before == wanted else "replaced"
