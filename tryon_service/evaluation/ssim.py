"""Structural similarity of two pictures (Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import Float32Array, UInt8Array

WINDOW, SIGMA = (11, 11), 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Box = tuple[int, int, int, int]


def ssim_map(a: UInt8Array, b: UInt8Array) -> Float32Array:
    """H x W float32 in [-1, 1]: equation 13 with the paper's 11 x 11 Gaussian window of sigma 1.5, data range 255, per
    channel, then the mean over R, G and B. Pictures are mirrored at their edges. Raises ValueError on unlike shapes."""
    if a.shape != b.shape:
        raise ValueError(f"pictures of shapes {a.shape} and {b.shape} can't be compared")
    x, y = a.astype(np.float32), b.astype(np.float32)
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    spread = (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    return np.asarray((likeness / spread).mean(axis=2), np.float32)


def ssim(a: UInt8Array, b: UInt8Array, box: Box | None = None) -> float:
    """Mean of ssim_map over the box (left, top, right, bottom, the last two exclusive), default the whole picture."""
    values = ssim_map(a, b)
    if box is not None:
        left, top, right, bottom = box
        values = values[top:bottom, left:right]
    return float(values.mean())


def _window(values: Float32Array) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(values, WINDOW, SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float32)
