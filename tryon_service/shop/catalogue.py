"""A shop's catalogue: what the service reads of it, and beside that what the shop's pages say.

    id,photos,views,rights_reference,title,price,sizes,description
    star-tee,photos/star-tee.jpg,front,contract 7,Star tee,29 €,S|M|L,"Heavy cotton, printed by hand."

The shop's own columns may be left out; title_ru and description_ru are the Russian words. A plain list of photos, one a
line in the columns product_id, file and, if known, view, will do as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tryon_service.errors import InputError
from tryon_service.onboarding.catalogue import (
    BETWEEN,
    UNKNOWN,
    Card,
    Catalogue,
    Trouble,
    card_of,
    parse_catalogue,
    read_rows,
)

COLUMNS = ("title", "title_ru", "price", "sizes", "description", "description_ru")
PLAIN = ("product_id", "file")
"""Columns by which a list of photos is known."""
PLAIN_REFERENCE = "for a demo on this machine only"
"""Of the rights, where a list of photos names none."""

Row = tuple[int, Mapping[str, str]]
"""Line and fields by column."""


@dataclass(frozen=True)
class Picture:
    """A product's photo as the pages show it. files: names by width in pixels; height: of the widest."""

    files: Mapping[int, str]
    height: int

    @property
    def width(self) -> int:
        return max(self.files)


@dataclass(frozen=True)
class Item:
    """A product on the shelf. pictures: none where no photo can be read; try_on: whether the service took it."""

    card: Card
    pictures: tuple[Picture, ...]
    try_on: bool

    @property
    def id(self) -> str:
        return self.card.id

    @property
    def price(self) -> str:
        return self.card.more.get("price", "")

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(size.strip() for size in self.card.more.get("sizes", "").split(BETWEEN) if size.strip())

    def title(self, language: str) -> str:
        return self._words("title", language) or self.id

    def description(self, language: str) -> str:
        return self._words("description", language)

    def _words(self, column: str, language: str) -> str:
        """In this language if the catalogue has it, else in its own."""
        return self.card.more.get(f"{column}_{language}") or self.card.more.get(column, "")


def parse_shop_catalogue(data: bytes, name: str) -> Catalogue:
    """As parse_catalogue, with the shop's columns, and of lists of photos too."""
    rows = read_rows(data, name)
    header = [column.strip().lower() for column in next(rows, (1, []))[1]]
    if not {*PLAIN} <= {*header}:
        return parse_catalogue(data, name, COLUMNS)
    photos = [(line, dict(zip(header, map(str.strip, row), strict=False))) for line, row in rows]
    return _gathered(photos)


def _gathered(photos: Sequence[Row]) -> Catalogue:
    """A card of all the photos with one id, on the line of the first."""
    cards: list[Card] = []
    troubles: list[Trouble] = []
    for line, product_id, fields in _by_product(photos):
        try:
            cards.append(card_of(line, fields, COLUMNS))
        except InputError as error:
            troubles.append(Trouble(line, product_id, error))
    return Catalogue(tuple(cards), tuple(troubles))


def _by_product(photos: Sequence[Row]) -> Iterator[tuple[int, str, Mapping[str, str]]]:
    """(line, id, fields as a catalogue has them) of each product."""
    grouped: dict[str, list[Row]] = {}
    for line, row in photos:
        grouped.setdefault(row.get("product_id", ""), []).append((line, row))
    for product_id, rows in grouped.items():
        line, first = rows[0]
        yield (
            line,
            product_id,
            {
                "rights_reference": PLAIN_REFERENCE,
                **first,
                "id": product_id,
                "photos": BETWEEN.join(row.get("file", "") for _, row in rows),
                "views": BETWEEN.join(row.get("view") or UNKNOWN[1] for _, row in rows),
            },
        )
