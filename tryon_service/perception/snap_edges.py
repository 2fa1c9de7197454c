"""Edges of a parsing moved to the edges that the photo shows.

A parser's edges are as coarse as its logits, several pixels of a large photo: a strip of the shirt's hem counts as
trousers, and stays behind when the shirt moves. Within that reach the photo's own edges say better where one part ends:
each part floods outwards from its sure inside until it meets its neighbour, as in Meyer's watershed (1992).
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import Int32Array, UInt8Array

REACH = 0.0065
"""How far an edge may move, as a share of the person's height."""
SMOOTH = 5
"""Side in pixels of the median that takes the teeth out of edges where the photo shows none."""


def snap_edges(rgb: UInt8Array, parts: UInt8Array) -> UInt8Array:
    """The parts with their inner edges on the photo's; what is background stays so, and so do parts too thin to have
    an inside.

    rgb: H x W x 3; parts: H x W of Part ids.
    """
    person = parts > 0
    rows, columns = (np.flatnonzero(person.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return parts
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside = parts[window]
    reach = max(1, round(REACH * inside.shape[0]))
    markers = _markers(inside, reach)
    cv2.watershed(np.ascontiguousarray(cv2.GaussianBlur(rgb[window], (3, 3), 0)), markers)
    flooded = cv2.medianBlur(np.where(markers > 0, markers - 1, inside).astype(np.uint8), SMOOTH)
    out = parts.copy()
    out[window] = np.where((inside > 0) & (flooded > 0), flooded, inside)
    return out


def _markers(parts: UInt8Array, reach: int) -> Int32Array:
    """H x W int32: part id + 1 where it is sure, 0 within reach of another part. Background counts as sure: the matte
    has said so."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    known = np.where(parts > 0, parts, np.uint8(255))
    edge = cv2.dilate(np.where(parts > 0, parts, np.uint8(0)), disc) != cv2.erode(known, disc)
    markers = np.where((parts > 0) & edge, 0, parts.astype(np.int32) + 1)
    for part in np.unique(parts[parts > 0]):
        own = (parts == part).view(np.uint8)
        left, top, width, height = cv2.boundingRect(own)
        at = np.s_[top : top + height, left : left + width]
        count, pieces = cv2.connectedComponents(own[at], connectivity=8)
        sure = np.zeros(count, np.bool_)
        sure[pieces[markers[at] > 0]] = True
        sure[0] = True
        if not sure.all():
            markers[at][~sure[pieces]] = int(part) + 1
    return markers.astype(np.int32)
