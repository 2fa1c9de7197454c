"""Telling pixels by their colour."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, UInt8Array

LIKE_DISTANCE = 3.0
"""In CIELAB a, b, in standard deviations of the samples."""
LIKE_LIGHTNESS = 90
"""In lightness, 0 to 255: a limb has a lit and a shaded side."""
FEWEST = 30


def alike(rgb: UInt8Array, samples: BoolArray, distance: float = LIKE_DISTANCE) -> BoolArray:
    """Pixels (H x W bool) of the samples' own colour in an H x W x 3 picture; none if there are hardly any samples.

    distance: how far from the samples' middle a colour may lie and still count, in their standard deviations.
    """
    if np.count_nonzero(samples) < FEWEST:
        return np.zeros(samples.shape, bool)
    chosen = cv2.cvtColor(rgb[samples].reshape(-1, 1, 3), cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1.5), cv2.COLOR_RGB2LAB).astype(np.float32)
    centre = np.median(chosen, axis=0)
    near = chosen[np.abs(chosen[:, 0] - centre[0]) < 40]
    spread = np.maximum(np.std(near[:, 1:], axis=0), 2.5)
    apart = np.hypot(*np.moveaxis((lab[..., 1:] - centre[1:]) / spread, -1, 0))
    return np.asarray((apart < distance) & (np.abs(lab[..., 0] - centre[0]) < LIKE_LIGHTNESS), np.bool_)
