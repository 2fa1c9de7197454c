"""Small tools on masks: H x W bool in, H x W bool out."""

from __future__ import annotations

from collections.abc import Mapping

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
    if pixels > SMALL and mask.any():
        return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) <= pixels)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def closed(mask: BoolArray, disc: np.ndarray) -> BoolArray:
    """Gaps narrower than the disc filled."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0)


def without_specks(mask: BoolArray, smallest: float) -> BoolArray:
    """The mask's connected pieces of at least so many pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(mask & (stats[:, cv2.CC_STAT_AREA] >= smallest)[labels])


def between(visible: BoolArray, widest: float, highest: float) -> BoolArray:
    """Pixels with visible ones on both sides of them in their row or in their column, across a gap no longer than
    given."""
    h, w = visible.shape
    rows = np.broadcast_to(np.arange(h)[:, None], (h, w))
    columns = np.broadcast_to(np.arange(w), (h, w))
    return (_gap(visible, rows, 0) <= highest) | (_gap(visible, columns, 1) <= widest)


def _gap(visible: BoolArray, position: np.ndarray, axis: int) -> np.ndarray:
    """Length of the gap a pixel lies in, along the axis; huge where it is open on one side."""
    before = np.maximum.accumulate(np.where(visible, position, -(10**6)), axis=axis)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(visible, position, 10**6), axis), axis=axis), axis)
    return np.asarray(after - before)


def window(mask: BoolArray, border: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box, widened by border pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    top, left = max(0, int(rows[0]) - border), max(0, int(columns[0]) - border)
    return slice(top, int(rows[-1]) + border + 1), slice(left, int(columns[-1]) + border + 1)
