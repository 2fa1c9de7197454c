"""Small pictures of rows: of what was made or, where nothing was, of the product's photo."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from tryon_service.batch.rows import Row
from tryon_service.batch.sources import Photos, local_folder, open_photos
from tryon_service.batch.worker import Plan
from tryon_service.errors import TryonError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import DEFAULT_LIMITS
from tryon_service.types import Size

BOX = (160, 240)
"""(width, height) in pixels that a thumbnail fits into."""
QUALITY = 80
LIMITS = replace(DEFAULT_LIMITS, smallest_side=1)
"""Pictures may have been asked for in any size."""


@dataclass(frozen=True)
class Thumbnail:
    """image: a data URI, empty where there is no picture or it can't be decoded; size: (width, height) in pixels;
    link: to the large picture, relative to the report, empty where it can't be reached from there."""

    image: str = ""
    size: Size = BOX
    link: str = ""


class Thumbnails:
    """Raises InputError for photos and outputs that can't be opened."""

    def __init__(self, plan: Plan) -> None:
        self._photos, self._outputs = open_photos(plan.photos), open_photos(plan.out)
        self._way = _way(plan.out, plan.photos)

    def of(self, row: Row) -> Thumbnail:
        if row.output:
            return self.of_output(row.output)
        file = _photo(row)
        link = f"{self._way}/{quote(file)}" if self._way else ""
        return _thumbnail(self._photos, file, BOX, link) if file else Thumbnail()

    def of_output(self, name: str, box: Size = BOX) -> Thumbnail:
        """name: below the output folder."""
        return _thumbnail(self._outputs, name, box, quote(name))


def _photo(row: Row) -> str:
    """The file of the photo that the row is about, "" if none could be read."""
    found = [str(photo["file"]) for photo in row.photos if photo["sha256"]]
    return row.photo_used or next(iter(found), "")


def _way(out: str, photos: str) -> str:
    """From a report in the one to files in the other, "" where no relative link leads."""
    here, there = local_folder(out), local_folder(photos)
    if here is None or there is None:
        return ""
    return quote(Path(os.path.relpath(there.resolve(), here.resolve())).as_posix())


def _thumbnail(files: Photos, name: str, box: Size, link: str) -> Thumbnail:
    try:
        data = files.read(name)
    except TryonError:  # gone meanwhile; the report is about more than this one
        return Thumbnail()
    try:
        picture = decode(data, max_side=max(box), limits=LIMITS).rgb
    except TryonError:
        return Thumbnail(link=link)
    size = fit_size((picture.shape[1], picture.shape[0]), box)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Thumbnail(f"data:image/jpeg;base64,{b64encode(encode(small, 'jpeg', quality=QUALITY)).decode()}", size, link)
