"""What a suite of measurements is. A suite is one file and one line in suites.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tryon_service.errors import InputError
from tryon_service.pipeline import Pipeline
from tryon_service.registry import Registry
from tryon_service.types import UInt8Array

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SHOPPERS = 40


@dataclass(frozen=True)
class Picture:
    """One picture of the page, H x W x 3 uint8 RGB, with a caption."""

    rgb: UInt8Array
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a suite found out.

    figures: JSON values. note: how it was measured, for the page. pictures: for the page. files: further pictures by
    file name (PNG or JPEG), written beside the page at full size.
    """

    figures: Mapping[str, Any]
    note: str
    pictures: tuple[Picture, ...] = ()
    files: Mapping[str, UInt8Array] = field(default_factory=dict)


class Suite(Protocol):
    def run(self, pipeline: Pipeline, data: Path, limit: int | None) -> Findings:
        """Measure on the photos below data; limit: only so many of each kind. Raises InputError if there are none."""
        ...


SUITES: Registry[Suite] = Registry("suite")


def model_photos(data: Path, limit: int | None = None) -> list[Path]:
    """The product photos: every picture in models/, by name."""
    return _pictures(data / "models")[:limit]


def shopper_photos(data: Path, limit: int | None = None) -> list[Path]:
    """Forty shopper photos, evenly spaced over ccp/unlabelled by name (all of them if there are fewer)."""
    found = _pictures(data / "ccp" / "unlabelled")
    return found[:: max(1, len(found) // SHOPPERS)][:SHOPPERS][:limit]


def spread(paths: list[Path], count: int) -> list[Path]:
    """So many of them, evenly spaced."""
    if count >= len(paths):
        return paths
    return [paths[index * len(paths) // count] for index in range(count)]


def _pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError("invalid_option", f"There are no photos in {str(folder)!r}.", "--data")
    return found
