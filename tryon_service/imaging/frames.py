"""Frames of reference: the one object that maps images, masks and points into another frame and back.

Convention: points are (x, y) pixels with the centre of the top-left pixel at (0, 0), so a change of size by s maps x to
(x + 0.5) * s - 0.5, which is what cv2.resize does to pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import Size

Region = tuple[int, int, int, int]
"""(x0, y0, width, height) in pixels; may reach beyond the picture."""

_Place = tuple[Size, Region]
"""A frame's size and a region in it."""

Array = NDArray[Any]
Points = NDArray[np.floating[Any]]


def fit_size(size: Size, box: Size) -> Size:
    """The largest size of the same aspect inside box, never larger than size, never below one pixel."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


@dataclass(frozen=True)
class Letterbox:
    """Fits a region of a source frame into a destination frame: keeps the aspect, centres, pads.

    source, destination: (width, height); region: the part of the source that is fitted, the whole of it by default.
    The fitted content has whole pixels, so its two scales differ from the common one by less than half a pixel over
    the content's length; points use the same two scales and so stay exact.
    """

    source: Size
    destination: Size
    region: Region | None = None

    def __post_init__(self) -> None:
        if min(*self.source, *self.destination, *self._region[2:]) < 1:
            raise ValueError(f"a frame without pixels: {self}")

    @property
    def _region(self) -> Region:
        return self.region or (0, 0, *self.source)

    @property
    def content(self) -> Region:
        """Where the region lies in the destination, (x0, y0, width, height)."""
        _, _, width, height = self._region
        scale = min(self.destination[0] / width, self.destination[1] / height)
        fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
        return (self.destination[0] - fitted[0]) // 2, (self.destination[1] - fitted[1]) // 2, *fitted

    @property
    def scale(self) -> tuple[float, float]:
        """Destination pixels per source pixel along x and y."""
        return self.content[2] / self._region[2], self.content[3] / self._region[3]

    def points(self, xy: Points) -> Points:
        """... x 2 points of the source to points of the destination; dtype kept."""
        return _moved(xy, self._region, self.content)

    def points_back(self, xy: Points) -> Points:
        """... x 2 points of the destination to points of the source; dtype kept."""
        return _moved(xy, self.content, self._region)

    def image(self, image: Array, fill: int = 0) -> Array:
        """H x W [x C] picture of the source frame to one of the destination frame, padded with fill."""
        return _carried(image, (self.source, self._region), (self.destination, self.content), _resized, fill)

    def image_back(self, image: Array, fill: int = 0) -> Array:
        """The opposite of image(); fill stands outside the region."""
        return _carried(image, (self.destination, self.content), (self.source, self._region), _resized, fill)

    def mask(self, mask: Array) -> Array:
        """H x W mask of the source frame to the destination frame, 0 outside.

        Float masks are shares of a pixel and are averaged; whole-number and bool masks are labels, and each pixel takes
        its nearest source pixel's, so no new label can appear.
        """
        return _carried(mask, (self.source, self._region), (self.destination, self.content), _resized_mask)

    def mask_back(self, mask: Array) -> Array:
        """The opposite of mask()."""
        return _carried(mask, (self.destination, self.content), (self.source, self._region), _resized_mask)


def _carried(
    image: Array, source: _Place, target: _Place, resize: Callable[[Array, Size], Array], fill: int = 0
) -> Array:
    """The source region of a picture, resized to the target region of a canvas that is fill elsewhere."""
    (size, region), (canvas, place) = source, target
    if image.shape[1::-1] != size:
        raise ValueError(f"a {image.shape[1]} x {image.shape[0]} picture in a frame of {size[0]} x {size[1]}")
    return _placed(resize(_cut(image, region, fill), place[2:]), place, canvas, fill)


def _moved(xy: Points, source: Region, target: Region) -> Points:
    """Affine map that takes one region's outer corners to another's; computed in float64, whatever comes in."""
    scale = np.array(target[2:], np.float64) / np.array(source[2:], np.float64)
    return ((xy + (0.5 - np.array(source[:2], np.float64))) * scale + target[:2] - 0.5).astype(xy.dtype)


def _cut(image: Array, region: Region, fill: int) -> Array:
    """The region of the picture as an array of its own size, fill where it reaches beyond the picture."""
    x, y, width, height = region
    if x >= 0 and y >= 0 and y + height <= image.shape[0] and x + width <= image.shape[1]:
        return image[y : y + height, x : x + width]
    return _placed(image, (-x, -y, image.shape[1], image.shape[0]), (width, height), fill)


def _placed(image: Array, place: Region, size: Size, fill: int) -> Array:
    """A canvas of the size, filled, with the picture at the place; what doesn't fit is cut off."""
    if place == (0, 0, *size):
        return image.copy()
    canvas = np.full((size[1], size[0], *image.shape[2:]), fill, image.dtype)
    x0, y0 = max(place[0], 0), max(place[1], 0)
    x1, y1 = min(place[0] + place[2], size[0]), min(place[1] + place[3], size[1])
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] = image[y0 - place[1] : y1 - place[1], x0 - place[0] : x1 - place[0]]
    return canvas


def _resized(image: Array, size: Size) -> Array:
    """Area average when shrinking, linear when growing: the two that neither alias nor ring."""
    if image.shape[1::-1] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized.reshape(size[1], size[0], *image.shape[2:])


def _resized_mask(mask: Array, size: Size) -> Array:
    if np.issubdtype(mask.dtype, np.floating):
        return _resized(mask, size)
    columns, rows = (
        np.minimum(((np.arange(new) + 0.5) * (old / new)).astype(np.intp), old - 1)
        for new, old in zip(size, mask.shape[1::-1], strict=True)
    )
    resized: Array = mask[rows[:, None], columns]
    return resized
