"""Is the person on a picture still one whole person? Measures of one result, for the suite and for the verdict.

Loose pieces, small holes and slivers come from the matte alone and take milliseconds; attribute agreement compares
two parsings, such as the one carried along by the renderer and the one a parser finds on the finished picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.appearance.agreement import confusion, iou
from tryon_service.types import BoolArray, Float32Array, Part, UInt8Array

SOLID = 0.5
THIN = 1 / 150
"""Width of a sliver, as a share of the person's height: 6 pixels of 900."""
SMALL_HOLE = 0.002
"""Of the person's area; larger holes are gaps between an arm and the waist."""
PRESENT = 0.005
"""Smallest share of the person's area at which an attribute counts."""


def loose_pieces(alpha: Float32Array) -> Float32Array:
    """Areas of the pieces not connected to the largest one, largest first, as shares of the person's area.

    alpha: H x W float32 in [0, 1]; a pixel belongs to the person above one half, neighbours touch by sides or corners.
    """
    solid = _solid(alpha)
    if not solid.size:  # OpenCV crashes on it
        return np.zeros(0, np.float32)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    return np.asarray(areas[1:] / max(int(areas.sum()), 1), np.float32)


def loose_share(alpha: Float32Array) -> float:
    """Share of the person's area that isn't connected to its largest piece."""
    return float(loose_pieces(alpha).sum())


def slivers(alpha: Float32Array) -> float:
    """Thin pieces, thin gaps and small holes, as a share of the person's area.

    Thin is what a disc of THIN times the person's height doesn't fit into (morphological opening of the person and of
    the ground); fingers, hair and corners are thin too, so only the difference between two pictures says something.
    """
    solid = _solid(alpha)
    if not solid.size:
        return 0.0
    area = int(np.count_nonzero(solid))
    side = 2 * max(1, round(solid.shape[0] * THIN / 2)) + 1
    solid = np.pad(solid, side)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    thin = np.count_nonzero(solid != cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc))
    gaps = np.count_nonzero(solid != cv2.morphologyEx(solid, cv2.MORPH_CLOSE, disc))
    return float((thin + gaps + _small_holes(solid, area, side * side)) / area)


def new_slivers(alpha: Float32Array, source: Float32Array) -> float:
    """How much more of the result than of its source photo is slivers and small holes, as shares of the person's area;
    0 where it is less. The two mattes may be of different sizes."""
    return max(0.0, slivers(alpha) - slivers(source))


def attribute_agreement(reference: UInt8Array, parsing: UInt8Array, where: BoolArray | None = None) -> float:
    """Mean IoU of two parsings (H x W Part ids, or ids of groups of them) over the attributes present.

    where: the pixels that count, default all. 1 if the reference shows nobody.
    """
    ious = attribute_ious(reference, parsing, where)
    return float(np.mean(list(ious.values()))) if ious else 1.0


def attribute_ious(reference: UInt8Array, parsing: UInt8Array, where: BoolArray | None = None) -> dict[int, float]:
    """IoU by id, of the attributes that fill at least PRESENT of the reference's person."""
    if where is not None:
        reference, parsing = reference[where], parsing[where]
    counts = confusion(reference, parsing, len(Part))
    area = counts.sum(axis=1)[1:]
    present = np.flatnonzero(area >= max(PRESENT * area.sum(), 1)) + 1
    return {int(index): float(value) for index, value in zip(present, iou(counts)[present], strict=True)}


def _solid(alpha: Float32Array) -> UInt8Array:
    """1 where the person is, cut to the person's box; 0 x 0 if there is nobody."""
    solid = (alpha > SOLID).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(solid)
    return np.asarray(solid[top : top + height, left : left + width], np.uint8)


def _small_holes(solid: UInt8Array, area: int, thin: int) -> int:
    """Pixels of the ground's enclosed pieces that are small, but not so small that they were counted as thin gaps."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    sizes = stats[1:, cv2.CC_STAT_AREA].copy()
    sizes[labels[0, 0] - 1] = 0
    return int(sizes[(sizes > thin) & (sizes < SMALL_HOLE * area)].sum())
