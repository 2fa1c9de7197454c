"""A catalogue's cards: its lines put together by product, in the order in which the products first appear.

    product_id,view,file,price                id,photos,views,rights_reference
    mh01,front,photos/mh01_front.jpg,49   or  mh01,photos/mh01_front.jpg|photos/mh01_back.jpg,front|back,contract 7
    mh01,back,photos/mh01_back.jpg,49

One line a photo, or one a card. Views may be left out; further columns are kept for the results. A line that nothing
can be made of stays in its place with what is wrong with it: no line is lost. Lines may stand in any order and there
may be millions: they wait in a temporary SQLite file, not in memory.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from pathlib import Path
from typing import cast, get_args
from urllib.parse import quote

from tryon_service.batch.tables import Line, read_lines
from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.onboarding.catalogue import BETWEEN, UNKNOWN
from tryon_service.products.records import MAX_PHOTOS, MAX_REFERENCE
from tryon_service.types import ViewName

RIGHTS = "rights_reference"


@dataclass(frozen=True)
class Form:
    """Which columns say what. many: whether a line has all photos of a card, and not one."""

    id: str
    files: str
    views: str
    many: bool = False

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self.id, self.files, self.views, RIGHTS})


FORMS = (Form("product_id", "file", "view"), Form("id", "photos", "views", many=True))
"""A line for each photo; a line for each card, as `tryon products sync` reads it."""
MAX_ID = 128
"""Characters of a product's id."""
MAX_NAME = 200
"""Bytes of the folder that is named after it; file systems take 255."""
RESERVED = frozenset({"poses.png", "report.html", "results.parquet", "results.jsonl"})
"""Names in the output folder that aren't products."""

_SCHEMA = """
CREATE TABLE cards (number INTEGER PRIMARY KEY, id TEXT UNIQUE);
CREATE TABLE lines (card INTEGER, line INTEGER, content TEXT, PRIMARY KEY (card, line)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class CardPhoto:
    """One photo of a card. line: of the catalogue, counted from 1; file: as it stands there; columns: the line's other
    fields; error: why it can't be used, as far as the catalogue shows it."""

    line: int
    file: str
    view: ViewName | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    error: InputError | None = None


@dataclass(frozen=True)
class Card:
    """number: its place in the catalogue, from 1. error: why nothing can be made of it, such as that it has no id."""

    number: int
    product_id: str
    photos: tuple[CardPhoto, ...]
    rights_reference: str = ""
    error: InputError | None = None


class Catalogue:
    """Cards to iterate over, as often as one likes. Not shared between threads.

    products, lines: how many; columns: names of further columns, sorted; referenced: whether any line says where the
    rights are written.
    """

    def __init__(self, path: Path, rights_reference: str = "", limit: int | None = None) -> None:
        """Reads the whole file. rights_reference: for lines without one; limit: only so many products.

        Raises InputError for a file that can't be read, one without the columns it needs, and one without lines, and
        UnavailableError("storage_full") if there is no room to sort it.
        """
        self.rights_reference, self._limit = rights_reference, limit
        self._form = FORMS[0]
        self._database = sqlite3.connect("", isolation_level=None)  # a file of its own, which is gone when closed
        self._database.executescript(_SCHEMA)
        try:
            columns, self.referenced = self._fill(read_lines(path), path.name)
        except sqlite3.OperationalError as error:
            raise UnavailableError("storage_full", f"The catalogue can't be sorted: {error}.", "--catalogue") from error
        self.columns = tuple(sorted(columns - self._form.columns))
        self.lines = self._count("SELECT COUNT(*) FROM lines WHERE card <= ?")
        self.products = self._count("SELECT COUNT(*) FROM cards WHERE number <= ?")
        if not self.lines:
            raise InputError("missing_field", f"{path.name!r} has no lines.", "--catalogue")

    def __iter__(self) -> Iterator[Card]:
        query = "SELECT card, content FROM lines WHERE card <= ? ORDER BY card, line"
        rows = self._database.execute(query, (self._last,))
        for number, group in groupby(rows, key=lambda row: row[0]):
            yield _card(number, [json.loads(content) for _, content in group], self._form, self.rights_reference)

    @property
    def _last(self) -> int:
        return self._limit if self._limit is not None else (1 << 62)

    def _count(self, query: str) -> int:
        return int(self._database.execute(query, (self._last,)).fetchone()[0])

    def _fill(self, lines: Iterable[Line], file: str) -> tuple[set[str], bool]:
        """All columns that occur, and whether one of them says where rights are written."""
        database, columns, referenced = self._database, set[str](), False
        database.execute("BEGIN")
        for line, found in lines:
            key = f"\0{line}"  # nothing binds together lines that name no product
            if isinstance(found, TryonError):
                content: dict[str, object] = {"line": line, "detail": found.detail}
            else:
                self._form = self._form if columns else _form_of(found, file)
                columns |= found.keys()
                referenced = referenced or bool(found.get(RIGHTS))
                key, content = found.get(self._form.id) or key, {"line": line, "fields": found}
            database.execute("INSERT OR IGNORE INTO cards (id) VALUES (?)", (key,))
            query = "INSERT INTO lines SELECT number, ?, ? FROM cards WHERE id = ?"
            database.execute(query, (line, json.dumps(content), key))
        database.execute("COMMIT")
        return columns, referenced


def folder_name(product_id: str) -> str:
    """A folder's name for a product: its id, percent-encoded where it isn't plain; never hidden or one of our own
    files, which have a dot, and never longer than MAX_NAME bytes if check_id took the id."""
    name = quote(product_id, safe="")
    return name.replace(".", "%2E") if name.startswith(".") or name in RESERVED else name


def check_id(product_id: str) -> None:
    """Raises InputError unless it can be the id of a product here: letters and digits of any script, '.', '_', '~' and
    '-'."""
    if not product_id:
        raise InputError("missing_field", "It names no product.", "product_id")
    good = all(letter in "._~-" or unicodedata.category(letter)[0] in "LMN" for letter in product_id)
    good = good and product_id not in (".", "..")
    if not good or len(product_id) > MAX_ID or len(folder_name(product_id)) > MAX_NAME:
        detail = f"A product's id is 1 to {MAX_ID} of letters, digits, '.', '_', '~' and '-'."
        raise InputError("invalid_option", detail, "product_id")


def _form_of(fields: Mapping[str, str], file: str) -> Form:
    """Raises InputError for columns of no form."""
    for form in FORMS:
        if {form.id, form.files} <= fields.keys():
            return form
    needed = ", or ".join(f"{form.id!r} and {form.files!r}" for form in FORMS)
    detail = f"It needs the columns {needed}; it has {', '.join(fields) or 'none'}."
    raise InputError("missing_field", detail, file)


def _card(number: int, rows: Sequence[Mapping[str, object]], form: Form, rights_reference: str) -> Card:
    photos: list[CardPhoto] = []
    product_id, reference, error = "", "", None
    for row in rows:
        line, fields = cast(int, row["line"]), cast("Mapping[str, str] | None", row.get("fields"))
        if fields is None:
            error = InputError("invalid_option", str(row["detail"]), f"line {line}")
            photos.append(CardPhoto(line, "", error=error))
            continue
        product_id = fields.get(form.id, "")
        reference = reference or fields.get(RIGHTS, "")
        photos.extend(_photos(line, fields, form))
    reference = reference or rights_reference
    if error is None:
        error = _error(product_id, reference)
    return Card(number, product_id, tuple(_checked(photos)), reference, error)


def _error(product_id: str, reference: str) -> InputError | None:
    """Why nothing can be made of a card."""
    try:
        check_id(product_id)
        check_rights(reference)
    except InputError as error:
        return error
    return None


def check_rights(reference: str) -> None:
    """Raises InputError unless it says where it is written that the model agreed to be re-posed."""
    if not reference.strip():
        raise InputError("missing_field", "Say where it is written that the model agreed to be re-posed.", RIGHTS)
    if len(reference) > MAX_REFERENCE:
        detail = f"It has {len(reference)} characters; at most {MAX_REFERENCE} are kept."
        raise InputError("invalid_option", detail, RIGHTS)


def _photos(line: int, fields: Mapping[str, str], form: Form) -> Iterator[CardPhoto]:
    """A line's one photo, or those of its card."""
    columns = {name: value for name, value in fields.items() if name not in form.columns}
    between = BETWEEN if form.many else None
    files, views = _split(fields.get(form.files, ""), between), _split(fields.get(form.views, ""), between)
    if views == [""]:
        views *= len(files)
    for file, view in zip_longest(files, views[: len(files)], fillvalue=""):
        error = None
        if len(views) != len(files):
            error = InputError("invalid_option", f"There are {len(views)} views of {len(files)} photos.", form.views)
        elif view.lower() not in (*UNKNOWN, *get_args(ViewName)):
            detail = f"{view[:40]!r} is none of {', '.join((*get_args(ViewName), 'unknown'))}."
            error = InputError("invalid_option", detail, form.views)
        known = error is None and view.lower() not in UNKNOWN
        yield CardPhoto(line, file, cast(ViewName, view.lower()) if known else None, columns, error)


def _split(text: str, between: str | None) -> list[str]:
    return [part.strip() for part in text.split(between)] if between else [text]


def _checked(photos: Iterable[CardPhoto]) -> Iterator[CardPhoto]:
    """With what is only seen when they stand together."""
    lines: dict[str, int] = {}
    for photo in photos:
        error = photo.error
        if error is None and not photo.file:
            error = InputError("missing_field", "It names no photo.", "file")
        elif error is None and photo.file in lines:
            detail = f"Line {lines[photo.file]} has the same photo of this product."
            error = InputError("invalid_option", detail, "file")
        elif error is None and len(lines) == MAX_PHOTOS:
            error = InputError("invalid_option", f"A product has at most {MAX_PHOTOS} photos.", "file")
        elif error is None:
            lines[photo.file] = photo.line
        yield replace(photo, error=error)
