"""A drawn head, chest and arms above a photo that cuts them off, for the pose network's eyes only.

BlazePose was trained on people with heads. Shown trousers from the waist down it folds a whole body into them; shown
the same photo with a plainly drawn upper body continuing it, it finds hips, knees and ankles where they are. Nothing
of the photo itself is drawn over, and nothing drawn ever reaches a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from tryon_service.types import BoolArray, UInt8Array

Facing = Literal["front", "back"]
"""Which side of the body the camera sees."""

Colour = tuple[int, int, int]

_HAIR: Colour = (62, 46, 38)
_SHIRT: Colour = (235, 235, 235)
_SKIN: Colour = (214, 170, 145)
_EYE: Colour = (40, 30, 30)
_EYE_WHITE: Colour = (250, 250, 250)
_LIPS: Colour = (150, 70, 70)
_SUBPIXEL = 4
"""Bits of a coordinate's fraction in OpenCV's drawing functions."""


@dataclass(frozen=True)
class Trunk:
    """Where the body is. hips: middle of the hips, (x, y) pixels; up: unit vector from there to the neck;
    scale: pixels per metre."""

    hips: tuple[float, float]
    up: tuple[float, float]
    scale: float


def continued(rgb: UInt8Array, body: BoolArray, trunk: Trunk, facing: Facing) -> tuple[UInt8Array, int]:
    """The photo with room above it in which the missing upper body is drawn, and that room's height in pixels.

    rgb: H x W x 3; body: H x W, the person's silhouette, whose colour at the photo's upper edge is taken for skin.
    """
    room = max(int(np.ceil(0.95 * trunk.scale - trunk.hips[1])), 0)
    edge = rgb[:3]
    bare, behind = edge[body[:3]], edge[~body[:3]]
    canvas = np.empty((rgb.shape[0] + room, *rgb.shape[1:]), np.uint8)
    canvas[:] = np.median(behind, axis=0) if len(behind) else 255
    skin = _colour(np.median(bare, axis=0)) if len(bare) else _SKIN
    _Pen(canvas, trunk, room).draw(facing, skin)
    canvas[room:] = rgb
    return canvas, room


def _colour(rgb: Sequence[float] | np.ndarray) -> Colour:
    return int(rgb[0]), int(rgb[1]), int(rgb[2])


class _Pen:
    """Draws in metres: x to the picture's right across the body, y up along the spine, the hips' middle at (0, 0)."""

    def __init__(self, canvas: UInt8Array, trunk: Trunk, room: int) -> None:
        self._canvas = canvas
        self._scale = trunk.scale
        ux, uy = trunk.up
        self._axes = np.array([[-uy, ux], [ux, uy]]) * trunk.scale
        self._origin = np.array([trunk.hips[0], trunk.hips[1] + room])
        self._tilt = float(np.degrees(np.arctan2(ux, -uy)))

    def draw(self, facing: Facing, skin: Colour) -> None:
        for side in (-1, 1):
            self._line((side * 0.18, 0.47), (side * 0.25, 0.20), 0.085, skin)
            self._line((side * 0.25, 0.20), (side * 0.27, -0.05), 0.07, skin)
            self._line((side * 0.18, 0.47), (side * 0.215, 0.36), 0.11, _SHIRT)
        self._polygon([(-0.05, 0.5), (-0.05, 0.65), (0.05, 0.65), (0.05, 0.5)], skin)
        right_half = [(0.06, 0.55), (0.19, 0.5), (0.16, 0.33), (0.14, 0.2), (0.165, 0.0)]
        self._polygon([*right_half, *((-x, y) for x, y in reversed(right_half))], _SHIRT)
        self._ellipse((0.0, 0.732), (0.085, 0.125), _HAIR)
        if facing == "front":
            self._draw_face(skin)

    def _draw_face(self, skin: Colour) -> None:
        self._ellipse((0.0, 0.71), (0.072, 0.1), skin)
        for side in (-1, 1):
            self._ellipse((side * 0.03, 0.735), (0.014, 0.007), _EYE_WHITE)
            self._ellipse((side * 0.03, 0.735), (0.007, 0.007), _EYE)
            self._line((side * 0.016, 0.757), (side * 0.045, 0.757), 0.006, _HAIR)
        self._line((0.0, 0.73), (0.006, 0.70), 0.008, _colour(0.8 * np.array(skin)))
        self._line((-0.02, 0.665), (0.02, 0.665), 0.01, _LIPS)
        self._polygon([(-0.06, 0.55), (0.0, 0.48), (0.06, 0.55)], skin)

    def _at(self, *points: tuple[float, float]) -> np.ndarray:
        """N x 2 int32 in fractions of a pixel, as OpenCV wants them."""
        pixels = np.array(points) @ self._axes + self._origin
        return np.asarray(np.clip(np.rint(pixels * (1 << _SUBPIXEL)), -1e8, 1e8), np.int32)

    def _polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        cv2.fillPoly(self._canvas, [self._at(*points)], colour, cv2.LINE_AA, _SUBPIXEL)

    def _line(self, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour) -> None:
        (a, b), thick = self._at(start, end).tolist(), max(1, round(width * self._scale))
        cv2.line(self._canvas, a, b, colour, thick, cv2.LINE_AA, _SUBPIXEL)

    def _ellipse(self, centre: tuple[float, float], half_axes: tuple[float, float], colour: Colour) -> None:
        axes = [max(1, round(half * self._scale * (1 << _SUBPIXEL))) for half in half_axes]
        at = self._at(centre)[0].tolist()
        cv2.ellipse(self._canvas, at, axes, self._tilt, 0, 360, colour, -1, cv2.LINE_AA, _SUBPIXEL)
