"""A pose as a drawing: coloured bones on black, what the drawing's network draws from.

Cao et al., "OpenPose" (2019) draw poses so; each bone has a hue of its own, so that left and right never look alike.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.types import BoolArray, Float32Array, Size, UInt8Array

DRAWN: tuple[Bone, ...] = (
    *LIMBS.values(),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP),
    (Landmark.NOSE, Landmark.LEFT_SHOULDER),
    (Landmark.NOSE, Landmark.RIGHT_SHOULDER),
)
"""Bones between the landmarks of a pose vector, those drawn last on top."""
THICKNESS = 1 / 32
"""Of a line, as a share of the frame's shorter side; at least a pixel."""
_SHIFT = 4
"""Lines begin and end at sixteenths of a pixel."""
_FAR = 8.0
"""Sides of the frame beyond which a joint may lie anywhere; keeps cv2's whole numbers from overflowing."""


def draw_skeleton(xy: Float32Array, seen: BoolArray, size: Size) -> UInt8Array:
    """H x W x 3 uint8 RGB. Bones of which an end isn't seen are left out.

    xy: 33 x 2 landmarks in pixels of a frame of size (width, height); seen: 33 bool.
    """
    drawing = np.zeros((size[1], size[0], 3), np.uint8)
    thickness = max(1, round(THICKNESS * min(size)))
    limit = _FAR * max(size)
    points = np.rint(np.clip(xy, -limit, limit) * (1 << _SHIFT)).astype(int)
    for index, bone in enumerate(DRAWN):
        if seen[list(bone)].all():
            start, end = (tuple(map(int, points[landmark])) for landmark in bone)
            cv2.line(drawing, start, end, _hue(index), thickness, cv2.LINE_AA, _SHIFT)
    return drawing


def _hue(index: int) -> tuple[int, int, int]:
    """(r, g, b) of a bone."""
    red, green, blue = (round(255 * value) for value in colorsys.hsv_to_rgb(index / len(DRAWN), 1.0, 1.0))
    return red, green, blue
