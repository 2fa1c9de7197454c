"""Brings the service's products in line with a catalogue. A card is sent only where the service has another or none,
so that a second run does nothing, and one that broke off goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tryon_service.client import Client, Product
from tryon_service.errors import AccessError, TryonError, UnavailableError
from tryon_service.onboarding.catalogue import Card, Catalogue
from tryon_service.products.records import ProductRecord, photo_record
from tryon_service.types import Reason

GIVE_UP = 3
"""Cards in a row that the service was not able to take, after which it is taken to be down."""

What = Literal["created", "replaced", "unchanged", "deleted", "failed"]
ReadPhoto = Callable[[str, str], bytes]
"""(path or URL, name of the field) -> the file's bytes. Raises TryonError with the field."""


@dataclass(frozen=True)
class Synced:
    """What became of a card. line: 0 where it is none of the catalogue's; error: why it failed; unusable: photos, by
    their place on the card, that are kept though no picture can be made of them, and why."""

    line: int
    id: str
    what: What
    error: TryonError | None = None
    unusable: Mapping[int, tuple[Reason, ...]] | None = None


def missing_from(catalogue: Catalogue, known: Mapping[str, Product]) -> list[str]:
    """Ids of the service's products that the catalogue lacks. A line that can't be read may be any of them, so with
    troubles none is missing for sure."""
    if catalogue.troubles:
        return []
    return sorted(known.keys() - {card.id for card in catalogue.cards})


def sync(client: Client, catalogue: Catalogue, known: Mapping[str, Product], read: ReadPhoto) -> Iterator[Synced]:
    """What becomes of each line, as it happens, troubles first. known: the service's products by id.

    Raises AccessError, and UnavailableError when GIVE_UP cards in a row met a service that can't answer.
    """
    yield from (Synced(one.line, one.id, "failed", one.error) for one in catalogue.troubles)
    failures = 0
    for card in catalogue.cards:
        try:
            done = _bring(client, card, known.get(card.id), read)
            failures = 0
        except AccessError:
            raise
        except TryonError as error:
            failures = failures + 1 if isinstance(error, UnavailableError) and error.code != "fetch_failed" else 0
            if failures >= GIVE_UP:
                raise
            done = Synced(card.line, card.id, "failed", error)
        yield done


def delete(client: Client, ids: list[str]) -> Iterator[Synced]:
    """Remove products; one that is gone already counts as deleted. Raises TryonError."""
    for product_id in ids:
        try:
            client.delete_product(product_id)
        except TryonError as error:
            if error.code != "unknown_product":
                raise
        yield Synced(0, product_id, "deleted")


def _bring(client: Client, card: Card, known: Product | None, read: ReadPhoto) -> Synced:
    photos = [read(place, f"photos[{index}]") for index, place in enumerate(card.photos)]
    if known is not None and _same(card, photos, known):
        return Synced(card.line, card.id, "unchanged", unusable=_unusable(known))
    kept = client.put_product(
        card.id,
        photos,
        rights_reference=card.rights_reference,
        views=[view or "unknown" for view in card.views] if any(card.views) else None,
    )
    return Synced(card.line, card.id, "created" if known is None else "replaced", unusable=_unusable(kept))


def _same(card: Card, photos: list[bytes], known: Product) -> bool:
    records = tuple(photo_record(photo, view) for photo, view in zip(photos, card.views, strict=True))
    wanted = ProductRecord(card.id, records, card.rights_reference)
    return wanted.digest == known.digest and wanted.rights_reference == known.rights_reference


def _unusable(product: Product) -> Mapping[int, tuple[Reason, ...]]:
    return {index: photo.reasons for index, photo in enumerate(product.photos) if not photo.usable}
