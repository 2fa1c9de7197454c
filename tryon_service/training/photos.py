"""The photos that pairs are made of, and which of them are held back to judge by."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

from tryon_service.errors import InputError
from tryon_service.training.dataset import SUFFIXES, split
from tryon_service.training.recipe import read_recipe
from tryon_service.training.shards import SourceName, Split

HELD = 100
"""Photos of ccp and store that are never trained on, about."""
SEED = 1
"""Which ones."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo to make pairs of. name: unique, "ccp/0025". split: the side that everything made of it is on. again:
    another photo of the same person in the same clothes."""

    name: str
    source: SourceName
    path: Path
    split: Split = "train"
    again: PhotoFile | None = None


def find_photos(data: Path) -> list[PhotoFile]:
    """All of ccp/, the front views of store/ and two_poses/, those of them that there are.

    Raises InputError("invalid_option") if there are none, or a catalogue that can't be read.
    """
    single = [*_street(data / "ccp"), *_fronts(data / "store")]
    pairs = [(f"ccp/{a}", f"ccp/{b}") for a, b in read_recipe(None).near_duplicates]
    held = set(split([photo.name for photo in single], HELD, pairs, SEED))
    sided = [replace(photo, split="held" if photo.name in held else "train") for photo in single]
    found = sided + _exercises(data / "two_poses")
    if not found:
        raise InputError("invalid_option", f"{str(data)!r} holds no photos in ccp/, store/ or two_poses/.", "--data")
    return found


def _street(folder: Path) -> list[PhotoFile]:
    return [
        PhotoFile(f"ccp/{path.stem}", "ccp", path)
        for path in _pictures(folder / "photos") + _pictures(folder / "unlabelled")
    ]


def _fronts(folder: Path) -> list[PhotoFile]:
    catalogue = folder / "catalogue.csv"
    if not catalogue.is_file():
        return []
    try:
        with catalogue.open(newline="") as file:
            files = [folder / row["file"] for row in csv.DictReader(file) if row["view"] == "front"]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError("invalid_option", f"{catalogue.name} can't be read: {error}.", "--data") from error
    return [PhotoFile(f"store/{path.stem}", "store", path) for path in files if path.is_file()]


def _exercises(folder: Path) -> list[PhotoFile]:
    """Both photos of each exercise, <exercise>_0 and _1; half of the exercises are held back."""
    names = sorted({path.stem[:-2] for path in _pictures(folder)})
    held = set(split(names, len(names) // 2, (), SEED))
    photos = {
        path.stem: PhotoFile(f"two_poses/{path.stem}", "two_poses", path, "held" if path.stem[:-2] in held else "train")
        for path in _pictures(folder)
    }
    return [
        replace(photo, again=photos.get(f"{name[:-2]}_1") if name.endswith("_0") else None)
        for name, photo in photos.items()
    ]


def _pictures(folder: Path) -> list[Path]:
    """By name."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
