"""Telling pixels by their colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import BoolArray, Float32Array, UInt8Array

LIKE_DISTANCE = 3.0
"""In CIELAB a, b, in standard deviations of the samples."""
LIKE_LIGHTNESS = 90
"""In lightness, 0 to 255: a limb has a lit and a shaded side."""
FEWEST = 30
LEVELS_SHIFT = 5
"""Colours are counted in 8 levels a channel."""


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


def favours(rgb: UInt8Array, one: BoolArray, other: BoolArray) -> Float32Array:
    """How much more likely each pixel's colour is among the samples `one` than among `other` (H x W bool each).

    H x W float32, natural logarithm of the ratio, averaged over 5 x 5 pixels; 0 everywhere if either has hardly any
    samples. Likelihoods are smoothed colour histograms.
    """
    if min(np.count_nonzero(one), np.count_nonzero(other)) < FEWEST:
        return np.zeros(one.shape, np.float32)
    r, g, b = (rgb[..., k].astype(np.int32) >> LEVELS_SHIFT for k in range(3))
    index = (r * 8 + g) * 8 + b
    ratio = np.log(_histogram(index[one]) / _histogram(index[other]))
    return np.asarray(cv2.blur(ratio[index].astype(np.float32), (5, 5)), np.float32)


def _histogram(index: NDArray[np.int32]) -> NDArray[np.float64]:
    """Shares of 512 colours, each spread a little over its neighbours, none zero."""
    counts = np.bincount(index, minlength=512).reshape(8, 8, 8).astype(np.float64)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
        before, after = (np.take(padded, range(start, start + 8), axis) for start in (0, 2))
        counts = 0.25 * before + 0.5 * counts + 0.25 * after
    return np.asarray((counts.ravel() + 0.5) / (counts.sum() + 256.0))
