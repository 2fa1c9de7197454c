"""Small tools on masks: H x W bool in, H x W bool out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import cv2
import numpy as np

from tryon_service.types import BoolArray

SMALL = 4
"""Pixels up to which dilating is quicker than a distance transform."""


def union(masks: Mapping[str, BoolArray], shape: tuple[int, ...]) -> BoolArray:
    out = np.zeros(shape, bool)
    for mask in masks.values():
        out |= mask
    return out


def widened(mask: BoolArray, pixels: int) -> BoolArray:
    """Every pixel within so many pixels of the mask."""
    out, part = np.zeros(mask.shape, bool), window(mask, pixels + 1)
    near = mask[part]
    if not near.size:
        return out
    if pixels > SMALL:
        out[part] = cv2.distanceTransform((~near).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) <= pixels
    else:
        out[part] = cv2.dilate(near.view(np.uint8), _disc(pixels)).view(bool)
    return out


def disc(radius: float) -> np.ndarray:
    """The structuring element of a radius in pixels, at least 1."""
    return _disc(max(1, round(radius)))


@cache
def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)


def opened(mask: BoolArray, disc: np.ndarray) -> BoolArray:
    """What is narrower than the disc removed."""
    return _morphed(mask, disc, cv2.MORPH_OPEN, 1)


def closed(mask: BoolArray, disc: np.ndarray) -> BoolArray:
    """Gaps narrower than the disc filled."""
    return _morphed(mask, disc, cv2.MORPH_CLOSE, disc.shape[0] // 2 + 1)


def _morphed(mask: BoolArray, disc: np.ndarray, operation: int, border: int) -> BoolArray:
    """border: so far around the mask the operation must see that nothing is there."""
    out, part = np.zeros(mask.shape, bool), window(mask, border)
    if mask[part].size:
        out[part] = cv2.morphologyEx(mask[part].view(np.uint8), operation, disc).view(bool)
    return out


def smoothed(mask: BoolArray, sigma: float) -> BoolArray:
    """The mask with its outline rounded: where it covers more than half of a Gaussian's weight. sigma: in pixels."""
    out, part = np.zeros(mask.shape, bool), window(mask, round(4 * sigma) + 2)
    if mask[part].size:
        out[part] = cv2.GaussianBlur(mask[part].astype(np.float32), (0, 0), sigma) > 0.5
    return out


def without_specks(mask: BoolArray, smallest: float) -> BoolArray:
    """The mask's connected pieces of at least so many pixels."""
    out, part = np.zeros(mask.shape, bool), window(mask, 0)
    if mask[part].size:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask[part].view(np.uint8), connectivity=8)
        kept = stats[:, cv2.CC_STAT_AREA] >= smallest
        kept[0] = False
        out[part] = kept[labels]
    return out


def between(visible: BoolArray, widest: float, highest: float) -> BoolArray:
    """Pixels with visible ones on both sides of them in their row or in their column, across a gap no longer than
    given."""
    out, part = np.zeros(visible.shape, bool), window(visible, 0)
    inside = visible[part]
    h, w = inside.shape
    rows = np.broadcast_to(np.arange(h, dtype=np.int32)[:, None], (h, w))
    columns = np.broadcast_to(np.arange(w, dtype=np.int32), (h, w))
    out[part] = (_gap(inside, rows, 0) <= highest) | (_gap(inside, columns, 1) <= widest)
    return out


def _gap(visible: BoolArray, position: np.ndarray, axis: int) -> np.ndarray:
    """Length of the gap a pixel lies in, along the axis; huge where it is open on one side."""
    far = np.int32(10**6)
    before = np.maximum.accumulate(np.where(visible, position, -far), axis=axis)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(visible, position, far), axis), axis=axis), axis)
    return np.asarray(after - before)


def window(mask: BoolArray, border: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box, widened by border pixels; empty for an empty mask."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        return slice(0, 0), slice(0, 0)
    rows = slice(max(0, top - border), min(top + height + border, mask.shape[0]))
    return rows, slice(max(0, left - border), min(left + width + border, mask.shape[1]))
