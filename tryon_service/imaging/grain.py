"""A photo's grain, measured and made again."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, UInt8Array

MIN_SIGMA, MAX_SIGMA = 0.05, 4.0
"""Grain that is imitated, grey levels: less is none, more is texture."""


def grain_like(rgb: UInt8Array, known: BoolArray) -> Float32Array:
    """Noise as strong and as coarse as the photo's own where it is known, the same in all colours.

    H x W x 1 float32, grey levels, from a fixed seed. Strength is the median absolute deviation of the photo from its
    own blur; coarseness its correlation from one pixel to the next, made by a filter (a, 1, a) along rows and columns.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 3.0)
    inside = known & (cv2.erode(known.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    noise = np.random.default_rng(0).standard_normal(known.shape, np.float32)
    values = np.abs(fine[inside][::7])
    sigma = 1.4826 * float(np.median(values)) if len(values) else 0.0
    if not MIN_SIGMA < sigma <= MAX_SIGMA:
        return np.zeros((*known.shape, 1), np.float32)
    flat = inside[:, 1:] & inside[:, :-1] & (np.maximum(np.abs(fine[:, 1:]), np.abs(fine[:, :-1])) < 3 * sigma)
    left, right = fine[:, :-1][flat], fine[:, 1:][flat]
    rho = float(np.clip((left * right).mean() / max((left * left).mean(), 1e-6), 0.0, 0.65))
    a = (1 - np.sqrt(1 - 2 * rho * rho)) / (2 * rho) if rho > 1e-3 else 0.0
    kernel = np.array([a, 1, a], np.float32) / np.float32(np.sqrt(1 + 2 * a * a))
    return np.float32(sigma) * cv2.sepFilter2D(noise, -1, kernel, kernel)[..., None]
