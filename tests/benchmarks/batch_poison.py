"""A large catalogue over few photos, with lines in it that are wrong in every way there is."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tryon_service.batch.catalogue import Catalogue
from tryon_service.imaging.encode import encode
from tryon_service.types import UInt8Array

UNICODE = "größe-日本-é"
BEFORE = ""
"""In place of a file: that of the last good line."""


@dataclass(frozen=True)
class Poison:
    """product_id, file: of the line, with {n} for its number and {before} for that of the last good one.

    code: that its photo has to get in the results, empty for what is odd and yet good; data: the file's, None if there
    is none; made of a good photo.
    """

    code: str
    product_id: str = "p{n}"
    file: str = BEFORE
    data: Callable[[bytes], bytes] | None = None


def nobody() -> bytes:
    """A photo of a wall, at evening."""
    import numpy as np

    rows, columns = np.mgrid[0:800, 0:600]
    wall: UInt8Array = np.stack([rows / 8 + 90, columns / 10 + 100, rows / 16 + 110], axis=2).astype(np.uint8)
    return encode(wall, "jpeg")


def gif(photo: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(photo)).convert("P").save(file, "gif")
    return file.getvalue()


KINDS: Mapping[str, Poison] = {
    "missing file": Poison("not_found", file="there is none.jpg"),
    "corrupt": Poison("truncated_image", file="corrupt.jpg", data=lambda photo: photo[: len(photo) // 2]),
    "no person": Poison("no_model_in_product", file="nobody.jpg", data=lambda _: nobody()),
    "same photo again": Poison("invalid_option", product_id="p{before}"),
    "unicode names": Poison("", product_id=UNICODE + "-{n}", file=UNICODE + ".jpg", data=lambda photo: photo),
    "file that leads out": Poison("blocked_url", file="../../catalogue.csv"),
    "id that leads out": Poison("invalid_option", product_id="../p{n}"),
    "0 bytes": Poison("not_an_image", file="empty.jpg", data=lambda _: b""),
    "wrong extension": Poison("unsupported_format", file="really-a.gif.jpg", data=gif),
}
"""What is wrong with a line, and the code that its photo has to have."""


def shares(rows: int, poison: float) -> Iterator[str]:
    """For every line its kind, "" for a good one: spread evenly, all kinds in turn."""
    kinds, poisoned = list(KINDS), 0
    for number in range(rows):
        due = math.floor((number + 1) * poison + 1e-9)
        yield kinds[(due - 1) % len(kinds)] if due > poisoned else ""
        poisoned = due


def write_catalogue(folder: Path, photos: Iterable[Path], rows: int, poison: float) -> dict[int, str]:
    """folder/catalogue.csv with its photos in folder/photos; the kind of every poisoned line, by its number.

    Good lines take the photos in turn, each a product of its own.
    """
    good = _link(folder / "photos", photos)
    sample = (folder / "photos" / good[0]).read_bytes()
    for kind in KINDS.values():
        if kind.data is not None:
            (folder / "photos" / kind.file).write_bytes(kind.data(sample))
    poisoned: dict[int, str] = {}
    turns = itertools.cycle(good)
    before = 0, good[0]
    with (folder / "catalogue.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "view", "file"])
        for number, name in enumerate(shares(rows, poison)):
            if not name:
                before = number, next(turns)
                writer.writerow([f"p{number}", "", before[1]])
                continue
            kind, poisoned[number + 2] = KINDS[name], name
            taken = before[1] if kind.file == BEFORE else kind.file
            writer.writerow([kind.product_id.format(n=number, before=before[0]), "", taken])
    return poisoned


def _link(folder: Path, photos: Iterable[Path]) -> list[str]:
    folder.mkdir(parents=True)
    names = []
    for photo in photos:
        names.append(photo.name)
        try:
            os.link(photo, folder / photo.name)
        except OSError:  # of another file system
            shutil.copyfile(photo, folder / photo.name)
    return names


def photos_of(catalogue: Path) -> list[Path]:
    """Every file that a catalogue names, once."""
    files = (photo.file for card in Catalogue(catalogue, "benchmark") for photo in card.photos)
    return [catalogue.parent / file for file in dict.fromkeys(files)]


def wrong_codes(rows: Iterable[Mapping[str, Any]], poisoned: Mapping[int, str]) -> list[str]:
    """What is said of the poisoned lines that should not be, and poisoned lines of which nothing is said."""
    found: dict[int, str] = {}
    for row in rows:
        photos = json.loads(row["photos"])
        found |= {photo["line"]: photo["code"] for photo in photos if photo["line"] in poisoned}
    return [
        f"line {line} ({kind}): {found.get(line, 'no row')!r} instead of {KINDS[kind].code!r}"
        for line, kind in poisoned.items()
        if found.get(line) != KINDS[kind].code
    ]
