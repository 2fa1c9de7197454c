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
GRAIN = 1.5
"""Sigma of the blur under which colours are compared, pixels."""


def smooth_lab(rgb: UInt8Array) -> UInt8Array:
    """H x W x 3 uint8 CIELAB of a picture without its grain."""
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), GRAIN), cv2.COLOR_RGB2LAB), np.uint8)


def alike(
    rgb: UInt8Array, samples: BoolArray, distance: float = LIKE_DISTANCE, lab: UInt8Array | None = None
) -> BoolArray:
    """Pixels (H x W bool) of the samples' own colour in an H x W x 3 picture; none if there are hardly any samples.

    distance: how far from the samples' middle a colour may lie and still count, in their standard deviations; lab: the
    picture's smooth_lab, if known.
    """
    if np.count_nonzero(samples) < FEWEST:
        return np.zeros(samples.shape, bool)
    chosen = cv2.cvtColor(rgb[samples].reshape(-1, 1, 3), cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    centre = np.median(chosen, axis=0)
    near = chosen[np.abs(chosen[:, 0] - centre[0]) < 40]
    spread = np.maximum(np.std(near[:, 1:], axis=0), 2.5)
    levels = np.arange(256, dtype=np.float32)[:, None]
    light = np.abs(levels[:, 0] - centre[0]) < LIKE_LIGHTNESS
    a, b = ((levels - centre[1:]) / spread).T  # all colours there are, once each
    tint = np.hypot(a[:, None], b) < distance
    lab = smooth_lab(rgb) if lab is None else lab
    index = lab[..., 1].astype(np.uint16) << 8 | lab[..., 2]
    return np.asarray(np.take(tint, index) & np.take(light, lab[..., 0]), np.bool_)
