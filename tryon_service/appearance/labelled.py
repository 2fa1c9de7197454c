"""A folder of photos and label pictures in CCP's form, checked whole before anything is done with it.

The folder holds photos/NAME.jpg, labels/NAME.png (palette pictures of the photo's size) and labels.txt with a line
"id name" for each class; without labels.txt the ids are CCP's own.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from tryon_service.appearance.labels import CCP, CCP_NAMES, SKIN, lookup, nearest_side, split_skin
from tryon_service.errors import InputError
from tryon_service.types import Float32Array, Part, UInt8Array

MAX_NAMED = 12
"""Files at fault that are named one by one."""


@dataclass(frozen=True)
class Entry:
    """A photo and its label picture, both readable and of one size; label is None for a photo without labels."""

    name: str
    photo: Path
    label: Path | None


def check_folder(data: Path) -> tuple[list[Entry], UInt8Array]:
    """All entries by name, and the 256-entry table from the folder's ids to parts (SKIN for undivided skin).

    Raises InputError("invalid_option") naming each file at fault and why, before anything else is done.
    """
    names = read_names(data / "labels.txt") if (data / "labels.txt").exists() else list(CCP_NAMES)
    table = lookup(CCP, names)
    photos = {path.stem: path for path in sorted((data / "photos").glob("*")) if not path.name.startswith(".")}
    labels = {path.stem: path for path in sorted((data / "labels").glob("*.png"))}
    faults = [f"labels/{name}.png: there is no photo for it" for name in sorted(labels.keys() - photos.keys())]
    entries = []
    for name, photo in tqdm(photos.items(), desc="checking", unit="photo", leave=False, disable=None):
        if name not in labels:
            faults.append(f"photos/{photo.name}: there is no labels/{name}.png")
        elif fault := _fault(photo, labels[name], len(names)):
            faults.append(fault)
        else:
            entries.append(Entry(name, photo, labels[name]))
    if not photos:
        faults.append("photos: no pictures there")
    if faults:
        more = f"; and {len(faults) - MAX_NAMED} more" if len(faults) > MAX_NAMED else ""
        raise InputError("invalid_option", "; ".join(faults[:MAX_NAMED]) + more + ".", "data")
    return entries, table


def read_names(path: Path) -> list[str]:
    """Class names in id order. Raises InputError("invalid_option") for a file not of lines "id name" from 0 on."""
    try:
        rows = [line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip()]
        names = [row[1].strip() for row in rows]
        if [int(row[0]) for row in rows] != list(range(len(rows))):
            raise ValueError("the ids must run from 0 without a gap")
        if unknown := sorted(set(names) - set(CCP)):
            raise ValueError(f"unknown classes: {', '.join(unknown)}")
    except (OSError, ValueError, IndexError) as error:
        raise InputError("invalid_option", f"{path.name}: {error}.", "data") from error
    return names


def _fault(photo: Path, label: Path, classes: int) -> str:
    """What is wrong with a pair of files, or nothing."""
    try:
        size = read_rgb(photo).shape[:2]
    except (OSError, SyntaxError, ValueError) as error:
        return f"photos/{photo.name}: can't be read ({error})"
    try:
        ids = read_ids(label)
    except (OSError, SyntaxError, ValueError) as error:
        return f"labels/{label.name}: can't be read ({error})"
    if ids.shape != size:
        return f"labels/{label.name}: {ids.shape[1]}x{ids.shape[0]}, but the photo is {size[1]}x{size[0]}"
    if ids.max() >= classes:
        return f"labels/{label.name}: id {ids.max()}, but labels.txt ends at {classes - 1}"
    return ""


def read_rgb(path: Path) -> UInt8Array:
    """H x W x 3. Raises OSError, SyntaxError or ValueError as Pillow does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with Image.open(path, formats=("JPEG", "PNG")) as picture:
                return np.array(picture.convert("RGB"))
        except (UserWarning, Image.DecompressionBombError) as error:
            raise ValueError(str(error)) from error


def read_ids(path: Path) -> UInt8Array:
    """H x W ids of a palette or greyscale picture. Raises OSError or ValueError."""
    with Image.open(path, formats=("PNG",)) as picture:
        if picture.mode not in ("P", "L"):
            raise ValueError(f"mode {picture.mode}; a palette picture is needed")
        return np.array(picture)


def to_parts(ids: UInt8Array, table: UInt8Array, xy: Float32Array) -> UInt8Array:
    """H x W ids of the folder to parts; skin and legs told apart by the landmarks (33 x 2, NaN where unknown)."""
    mapped = table[ids]
    parts = np.where(mapped == SKIN, np.uint8(0), mapped)
    parts += split_skin(mapped == SKIN, xy)
    hosiery = mapped == Part.LEFT_LEG
    parts[hosiery] = nearest_side(hosiery, xy, Part.LEFT_LEG, Part.RIGHT_LEG)[hosiery]
    return parts
