"""What a suite of measurements is. A suite is one file and one line in suites.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tryon_service.errors import InputError
from tryon_service.pipeline import Pipeline
from tryon_service.registry import Registry
from tryon_service.types import UInt8Array

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SHOPPERS = 40

Row = Mapping[str, str | float | int | None]
"""A row of a table, by column; all rows of a table have the same columns."""

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How much to measure, and where a long run keeps what it has measured.

    out: folder for the page; records.jsonl and strips/ in it let an interrupted run go on.
    limit: only so many photos of each kind. shoppers: how many of them, where a suite pairs models with shoppers.
    baseline: records.jsonl of another version's run, to be compared pair by pair.
    """

    out: Path
    limit: int | None = None
    shoppers: int = SHOPPERS
    baseline: Path | None = None


@dataclass(frozen=True)
class Picture:
    """One picture of the page, H x W x 3 uint8 RGB, with a caption."""

    rgb: UInt8Array
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a suite found out.

    figures: JSON values. note: how it was measured, for the page. pictures: for the page. files: further pictures by
    file name (PNG or JPEG), written beside the page at full size. table: figures that are to be read as one.
    """

    figures: Mapping[str, Any]
    note: str
    pictures: tuple[Picture, ...] = ()
    files: Mapping[str, UInt8Array] = field(default_factory=dict)
    table: Sequence[Row] = ()


class Suite(Protocol):
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        """Measure on the photos below data. Raises InputError if there are none."""
        ...


SUITES: Registry[Suite] = Registry("suite")


def model_photos(data: Path, limit: int | None = None) -> list[Path]:
    """The product photos: every picture in models/, by name."""
    return photos_in(data / "models")[:limit]


def shopper_photos(data: Path, limit: int | None = None, count: int = SHOPPERS) -> list[Path]:
    """So many shopper photos, at most limit, evenly spaced over ccp/unlabelled by name (all if there are fewer)."""
    return spread(photos_in(data / "ccp" / "unlabelled"), min(count, limit or count))


def spread(items: Sequence[T], count: int) -> list[T]:
    """So many of them, evenly spaced."""
    if count >= len(items):
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def photos_in(folder: Path) -> list[Path]:
    """The folder's pictures by name. Raises InputError if there are none."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError("invalid_option", f"There are no photos in {str(folder)!r}.", "--data")
    return found
