"""A row of the results: what became of one product in one pose. The same in the journal and in the table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

Status = Literal["rendered", "doubtful", "refused", "failed"]
"""Picture accepted; picture with doubts; no honest picture can be made; something else is wrong."""

CATALOGUE = "catalogue_"
"""What the names of the catalogue's own columns begin with."""
OF_THE_RUN = ("seconds", "worker")
"""Columns that may differ between two runs."""
_AS_TEXT = ("scores", "weights", "photos")
"""Fields that are one JSON text in a column."""


@dataclass(frozen=True)
class Row:
    """product_id, pose: which picture; pose is empty where a line of the catalogue can't be used at all.

    codes: of errors.CODES, why it isn't simply accepted, the weightiest first; detail: that in words.
    scores: the verdict's. photo_used: file as in the catalogue; view: which side it shows, as far as known.
    inputs_sha256: of photos, views and pose; key: of these and all else that decides the picture (keys.py).
    output: the picture's name below the output folder, empty if there is none; with its sha256, width and height.
    renderer, weights: what made it, with the sha256 of each network; version: of this package.
    seconds: it took, the first picture of a product with the product's analysis; worker: who made it.
    photos: all lines of the product, each with line, file, view, sha256 and code, empty where the photo can be used.
    catalogue: further columns of the line of the photo that was used, else of the first.
    """

    product_id: str
    pose: str
    status: Status
    codes: tuple[str, ...] = ()
    detail: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    photo_used: str = ""
    view: str = ""
    inputs_sha256: str = ""
    output: str = ""
    output_sha256: str = ""
    width: int = 0
    height: int = 0
    renderer: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    seconds: float = 0.0
    worker: str = ""
    key: str = ""
    rights_reference: str = ""
    rights_confirmed: bool = False
    photos: tuple[Mapping[str, Any], ...] = ()
    catalogue: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """Plain JSON values by column."""
        row = {name: getattr(self, name) for name in NAMES}
        row |= {name: json.dumps(row[name], ensure_ascii=False) for name in _AS_TEXT}
        row["codes"] = list(self.codes)
        return row | {CATALOGUE + name: value for name, value in self.catalogue.items()}

    @classmethod
    def from_columns(cls, row: Mapping[str, Any]) -> Self:
        """Raises ValueError for anything that columns didn't make."""
        try:
            values = {name: row[name] for name in NAMES}
            values |= {name: json.loads(row[name]) for name in _AS_TEXT}
            values |= {"codes": tuple(row["codes"]), "photos": tuple(values["photos"])}
            own = {name: value for name, value in row.items() if name.startswith(CATALOGUE)}
        except (LookupError, TypeError) as error:
            raise ValueError(f"not a row: {error}") from error
        return cls(**values, catalogue={name.removeprefix(CATALOGUE): value for name, value in own.items()})


NAMES = tuple(one.name for one in fields(Row) if one.name != "catalogue")
"""The table's columns, in their order; those of the catalogue follow."""
