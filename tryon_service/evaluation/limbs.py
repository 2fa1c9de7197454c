"""Limbs as directions in the picture: upper arms, forearms, thighs and shins."""

from __future__ import annotations

import numpy as np

from tryon_service.perception.skeletons import LIMBS
from tryon_service.types import BoolArray, Keypoints, Size

MOVED, CLOSE = 20.0, 15.0
"""Degrees: a limb asked to move at least so far is in question; it has landed within the second of where it should."""
VISIBLE = 0.5

NAMES = tuple(LIMBS)
ENDS = np.array([[int(near), int(far)] for near, far in LIMBS.values()])


def directions(keypoints: Keypoints) -> np.ndarray:
    """Degrees of each limb in the picture, from its near end to its far end, in the order of NAMES."""
    along = keypoints.xy[ENDS[:, 1]] - keypoints.xy[ENDS[:, 0]]
    return np.asarray(np.degrees(np.arctan2(along[:, 1], along[:, 0])))


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs((a - b + 180.0) % 360.0 - 180.0))


def in_photo(keypoints: Keypoints, size: Size) -> BoolArray:
    """Which limbs lie in the photo with both ends, and are of visibility VISIBLE or more."""
    inside = ((keypoints.xy >= 0) & (keypoints.xy <= np.array(size) - 1)).all(axis=1)
    return np.asarray((inside & (keypoints.visibility >= VISIBLE))[ENDS].all(axis=1))
