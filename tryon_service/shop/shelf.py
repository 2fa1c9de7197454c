"""Puts a catalogue on the shelf: its photos in the sizes that the pages show, and which of them can be tried on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from tryon_service.errors import TryonError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.imaging.frames import fit_size
from tryon_service.onboarding.catalogue import Card
from tryon_service.onboarding.sync import ReadPhoto, Synced
from tryon_service.shop.catalogue import Item, Picture

WIDTHS = (480, 960)
"""Pixels: of a card in the listing, and of a product's page or a sharp screen."""
TALLEST = 2000
"""Pixels of height."""
QUALITY = 85
"""Of the JPEGs, from 1 to 100."""


def fill_shelf(cards: Iterable[Card], synced: Iterable[Synced], read: ReadPhoto, folder: Path) -> Mapping[str, Item]:
    """The items by id, in the catalogue's order. synced: what the service made of the cards; folder: for pictures."""
    taken = {one.id for one in synced if one.error is None}
    return {card.id: Item(card, _pictures(card, read, folder), card.id in taken) for card in cards}


def _pictures(card: Card, read: ReadPhoto, folder: Path) -> tuple[Picture, ...]:
    """Of those photos that can be read; what is wrong with the others the service has said."""
    pictures = []
    for index, place in enumerate(card.photos):
        try:
            pictures.append(_picture(read(place, "photos"), f"{card.id}-{index}", folder))
        except TryonError:
            continue
    return tuple(pictures)


def _picture(data: bytes, stem: str, folder: Path) -> Picture:
    photo = decode(data, max_side=TALLEST)
    height, width = photo.rgb.shape[:2]
    sizes = dict.fromkeys(fit_size((width, height), (wanted, TALLEST)) for wanted in WIDTHS)
    files = {}
    for size in sizes:
        small = np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        files[size[0]] = f"{stem}-{size[0]}.jpg"
        (folder / files[size[0]]).write_bytes(encode(small, "jpeg", credit=photo.credit, quality=QUALITY))
    return Picture(files, max(tall for _, tall in sizes))
