"""What the human parser sees: a crop round the person, colours and mask, and maps of joints and bones at a quarter.

Training and running share this file, so both feed the network alike. The network's classes and its maps know no left
or right: a mirrored photo is then nothing new to it, and the pose tells the sides apart afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import BoolArray, Float32Array, Part, Size, UInt8Array

CLASSES: Mapping[str, Part] = MappingProxyType(
    {
        "background": Part.BACKGROUND,
        "hair": Part.HAIR,
        "face": Part.FACE,
        "upper": Part.UPPER,
        "outerwear": Part.OUTERWEAR,
        "dress": Part.DRESS,
        "skirt": Part.SKIRT,
        "trousers": Part.TROUSERS,
        "arm": Part.LEFT_ARM,
        "leg": Part.LEFT_LEG,
        "shoes": Part.SHOES,
        "accessories": Part.ACCESSORIES,
        "torso_skin": Part.TORSO_SKIN,
    }
)
"""The network's classes in the order of its channels, and the part of each; arms and legs still want a side."""

POINTS: tuple[tuple[int, ...], ...] = (
    (0,),
    (7, 8),
    (9, 10),
    (11, 12),
    (13, 14),
    (15, 16),
    (19, 20),
    (23, 24),
    (25, 26),
    (27, 28),
    (31, 32),
)
"""Landmark rows of each joint map: nose, ears, mouth, shoulders, elbows, wrists, index fingers, hips, knees, ankles,
toes."""
BONES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((11, 13), (12, 14)),
    ((13, 15), (14, 16)),
    ((23, 25), (24, 26)),
    ((25, 27), (26, 28)),
    ((11, 23), (12, 24)),
)
"""Landmark rows of each bone map: upper arms, forearms, thighs, shins, flanks."""

IMAGE_CHANNELS = 4
POSE_CHANNELS = len(POINTS) + len(BONES)
POSE_STRIDE = 4
MEAN, SCALE = 127.5, 64.0
"""Colours go in as (value - MEAN) / SCALE, the mask as 2 m - 1."""
MARGIN = 0.08
"""Share of the person's box added on each side before the crop."""
MIN_VISIBILITY = 0.3
"""Joints the pose network itself doubts more are not shown to the parser."""
_SIGMA = 0.022
"""Width of the maps' Gaussians, as a share of the crop's height."""

P = TypeVar("P", np.uint8, np.float32)

Box = tuple[float, float, float, float]
"""left, top, right, bottom in pixels; right and bottom exclusive."""


def crop_matrix(box: Box, size: Size, margin: float = MARGIN) -> Float32Array:
    """2 x 3 matrix from photo pixels to those of a size (width, height) crop with the box, widened, in its middle."""
    left, top, right, bottom = box
    width, height = max(right - left, 1.0) * (1 + 2 * margin), max(bottom - top, 1.0) * (1 + 2 * margin)
    scale = min(size[0] / width, size[1] / height)
    # Pixel centres: the box's middle (left + right) / 2 - 0.5 goes to the crop's middle.
    x = (size[0] - 1) / 2 - scale * ((left + right) / 2 - 0.5)
    y = (size[1] - 1) / 2 - scale * ((top + bottom) / 2 - 0.5)
    return np.array([[scale, 0, x], [0, scale, y]], np.float32)


def transformed(xy: Float32Array, matrix: Float32Array) -> Float32Array:
    """N x 2 points moved by a 2 x 3 matrix."""
    return np.asarray(xy @ matrix[:, :2].T + matrix[:, 2], np.float32)


def image_tensor(rgb: UInt8Array, mask: Float32Array) -> Float32Array:
    """4 x H x W float32 from an H x W x 3 crop and its H x W mask in [0, 1]."""
    out = np.empty((IMAGE_CHANNELS, *rgb.shape[:2]), np.float32)
    out[:3] = rgb.transpose(2, 0, 1)
    out[:3] -= MEAN
    out[:3] /= SCALE
    out[3] = mask * 2 - 1
    return out


def pose_tensor(xy: Float32Array, present: BoolArray, size: Size) -> Float32Array:
    """POSE_CHANNELS x H/4 x W/4 float32 in [0, 1] for a crop of size (width, height).

    xy: 33 x 2 crop pixels; present: 33 bool. A map is the largest of its Gaussians; absent joints and their bones are
    left out.
    """
    columns, rows = -(-size[0] // POSE_STRIDE), -(-size[1] // POSE_STRIDE)
    at = (xy + 0.5) / POSE_STRIDE - 0.5
    sharpness = 0.5 / (_SIGMA * size[1] / POSE_STRIDE) ** 2
    xs, ys = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)
    across = np.exp(-sharpness * (xs - at[:, :1]) ** 2)
    down = np.exp(-sharpness * (ys - at[:, 1:]) ** 2) * present[:, None]
    out = np.zeros((POSE_CHANNELS, rows, columns), np.float32)
    for channel, joints in enumerate(POINTS):
        for joint in joints:
            np.maximum(out[channel], down[joint, :, None] * across[joint], out=out[channel])
    for channel, pairs in enumerate(BONES, start=len(POINTS)):
        for near, far in pairs:
            if present[near] and present[far]:
                squared = _squared_distance(xs, ys, at[near], at[far])
                np.maximum(out[channel], np.exp(-sharpness * squared), out=out[channel])
    return out


def _squared_distance(xs: Float32Array, ys: Float32Array, start: Float32Array, end: Float32Array) -> Float32Array:
    """rows x columns of the grid's squared distance to a segment."""
    along = end - start
    dx, dy = xs[None] - start[0], ys[:, None] - start[1]
    t = np.clip((dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-6), 0, 1)
    return np.asarray((dx - t * along[0]) ** 2 + (dy - t * along[1]) ** 2, np.float32)


def cropped(picture: NDArray[P], matrix: Float32Array, size: Size) -> NDArray[P]:
    """A photo or mask in the crop, averaged down first where it is much larger; black outside the photo."""
    scale = float(np.hypot(*matrix[:, 0]))
    if scale < 0.5:
        reduction = scale / 0.7
        width, height = (max(round(side * reduction), 1) for side in picture.shape[1::-1])
        sx, sy = picture.shape[1] / width, picture.shape[0] / height
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), picture.dtype)
        back = np.array([[sx, 0, sx / 2 - 0.5], [0, sy, sy / 2 - 0.5], [0, 0, 1]], np.float32)
        matrix = matrix @ back
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR), picture.dtype)


def shown_joints(xy: Float32Array, visibility: Float32Array, shape: Sequence[int]) -> BoolArray:
    """Which of 33 landmarks the parser is shown: those in the frame that the pose network doesn't doubt."""
    inside = np.all((xy >= 0) & (xy <= (shape[1] - 1, shape[0] - 1)), axis=1)
    return np.asarray(inside & (visibility >= MIN_VISIBILITY), np.bool_)
