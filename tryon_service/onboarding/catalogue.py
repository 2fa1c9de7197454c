"""A shop's catalogue.csv: one card a line, in the columns id, photos, views (which may be left out), rights_reference.

    id,photos,views,rights_reference
    shirt-1,photos/shirt-1.jpg|photos/shirt-1-back.jpg,front|back,contract 2026-07

photos: paths, from the catalogue's folder, or URLs, one to eight, separated by "|"; views: as many names, "unknown" or
nothing for those not known. Commas, semicolons or tabs between the columns; UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from tryon_service.errors import InputError, TryonError
from tryon_service.products.records import MAX_PHOTOS, MAX_REFERENCE, check_product_id
from tryon_service.types import ViewName

COLUMNS = ("id", "photos", "views", "rights_reference")
OPTIONAL = frozenset({"views"})
DELIMITERS = ",;\t"
"""As spreadsheets write them, depending on the country."""
BETWEEN = "|"
UNKNOWN = ("", "unknown")


@dataclass(frozen=True)
class Card:
    """line: of the file, counted from 1; photos: paths or URLs; views: as many, None where unknown; more: fields of
    the columns that the reader asked for beside ours, by column."""

    line: int
    id: str
    photos: tuple[str, ...]
    views: tuple[ViewName | None, ...]
    rights_reference: str
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """A line, or the card on it, that nothing can be done with. id: as far as it is known."""

    line: int
    id: str
    error: TryonError


@dataclass(frozen=True)
class Catalogue:
    """cards: those that can be read, in the file's order; troubles: the lines that can't."""

    cards: tuple[Card, ...]
    troubles: tuple[Trouble, ...]

    def __len__(self) -> int:
        """Lines, of both kinds."""
        return len(self.cards) + len(self.troubles)


def parse_catalogue(data: bytes, name: str, more: Sequence[str] = ()) -> Catalogue:
    """data: the file's bytes; name: of the file, for errors; more: columns that may be there beside ours.

    Raises InputError("invalid_option" or "missing_field") naming file and line for what isn't such a file at all.
    """
    rows = read_rows(data, name)
    _, header = next(rows, (1, []))
    columns = _columns(header, name, more)
    cards: list[Card] = []
    troubles: list[Trouble] = []
    lines: dict[str, int] = {}
    for line, row in rows:
        fields = {column: row[place].strip() for column, place in columns.items() if place < len(row)}
        try:
            if len(row) != len(header):
                raise InputError("invalid_option", f"It has {len(row)} columns, the first line has {len(header)}.")
            card = card_of(line, fields, more)
            first = lines.setdefault(card.id, line)
            if first != line:
                raise InputError("invalid_option", f"Line {first} has the same id.", "id")
            cards.append(card)
        except InputError as error:
            troubles.append(Trouble(line, fields.get("id", ""), error))
    return Catalogue(tuple(cards), tuple(troubles))


def read_rows(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, fields) of every row of a CSV file that isn't blank, its header first.

    Raises InputError("invalid_option") naming file and line for what is no such file.
    """
    return _rows(_decoded(data, name), name)


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        detail = "It is not UTF-8; in a spreadsheet, save it as 'CSV UTF-8'."
        raise InputError("invalid_option", detail, f"{name} line {line}") from None
    if "\0" in text:
        raise InputError("invalid_option", "It is no text; save it as 'CSV UTF-8'.", name)
    return text


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        detail = f"It can't be read as CSV: {error}."
        raise InputError("invalid_option", detail, f"{name} line {line}") from None


def _delimiter(text: str) -> str:
    """That which parts the first line into the most columns."""
    first = text.lstrip().partition("\n")[0]
    return max(DELIMITERS, key=first.count)


def _columns(header: Sequence[str], name: str, more: Sequence[str]) -> Mapping[str, int]:
    """Where each column is."""
    names = [field.strip().lower() for field in header]
    where, known = f"{name} line 1", ", ".join((*COLUMNS, *more))
    for column in COLUMNS:
        if column not in names and column not in OPTIONAL:
            raise InputError("missing_field", f"There is no column {column!r}; the columns are {known}.", where)
    for column in names:
        if column not in COLUMNS and column not in more:
            raise InputError("invalid_option", f"The column {column!r} is none of {known}.", where)
        if names.count(column) > 1:
            raise InputError("invalid_option", f"There are two columns {column!r}.", where)
    return {column: names.index(column) for column in names}


def card_of(line: int, fields: Mapping[str, str], more: Sequence[str]) -> Card:
    """The card of a line's fields by column. more: columns that are kept as they are. Raises InputError naming the
    column."""
    if not fields["id"]:
        raise InputError("missing_field", "A card needs an id.", "id")
    if fields["id"] in (".", ".."):
        raise InputError("invalid_option", f"{fields['id']!r} can't be an id.", "id")
    check_product_id(fields["id"])
    photos = tuple(photo.strip() for photo in fields["photos"].split(BETWEEN) if photo.strip())
    if not photos:
        raise InputError("missing_field", "A card needs at least one photo.", "photos")
    if len(photos) > MAX_PHOTOS:
        raise InputError("invalid_option", f"There are {len(photos)} photos; at most {MAX_PHOTOS} are kept.", "photos")
    reference = fields["rights_reference"]
    if not reference:
        detail = "Say where it is written that the model agreed to be re-posed."
        raise InputError("missing_field", detail, "rights_reference")
    if len(reference) > MAX_REFERENCE:
        detail = f"It has {len(reference)} characters; at most {MAX_REFERENCE} are kept."
        raise InputError("invalid_option", detail, "rights_reference")
    views = _views(fields.get("views", ""), len(photos))
    return Card(line, fields["id"], photos, views, reference, {name: fields.get(name, "") for name in more})


def _views(text: str, count: int) -> tuple[ViewName | None, ...]:
    if not text:
        return (None,) * count
    names = [name.strip().lower() for name in text.split(BETWEEN)]
    if len(names) != count:
        raise InputError("invalid_option", f"There are {len(names)} views of {count} photos.", "views")
    for name in names:
        if name not in (*UNKNOWN, *get_args(ViewName)):
            known = ", ".join((*get_args(ViewName), "unknown"))
            raise InputError("invalid_option", f"{name!r} is none of {known}.", "views")
    return tuple(None if name in UNKNOWN else cast(Any, name) for name in names)
