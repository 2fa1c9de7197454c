"""Structural similarity of two pictures (Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", 2004)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from tryon_service.types import Float32Array, Size, UInt8Array

WINDOW, SIGMA = (11, 11), 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

PUBLISHED_SIZE: Size = (176, 256)
"""(width, height) of the pictures that published figures speak of."""
PAPER = 255

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


def ssim_plain(a: UInt8Array, b: UInt8Array) -> float:
    """The plain protocol: the pictures as they are, 256 x 176 x 3. As scikit-image has it, half a window at the edges,
    where the map would be made up, is left out. Raises ValueError on other shapes."""
    _check_size(a, b)
    return _inner(a, b)


def ssim_padded(a: UInt8Array, b: UInt8Array) -> float:
    """The protocol of PATN and ADGAN: the same with 40 white columns on either side, which nobody can get wrong: their
    0.77 in it is 0.67 in the plain one. Raises ValueError on other shapes."""
    _check_size(a, b)
    return _inner(*(_squared(picture) for picture in (a, b)))


PROTOCOLS: Mapping[str, Callable[[UInt8Array, UInt8Array], float]] = MappingProxyType(
    {"SSIM 256x176": ssim_plain, "SSIM padded to 256x256": ssim_padded}
)
"""The two published protocols by the names that figures carry, so that nobody compares one with the other."""
BOX = "SSIM in the person's box"
"""The name of figures of ssim in a person's box."""


def _check_size(*pictures: UInt8Array) -> None:
    for picture in pictures:
        if picture.shape[1::-1] != PUBLISHED_SIZE:
            raise ValueError(f"a picture of shape {picture.shape} can't be compared with published figures")


def _inner(a: UInt8Array, b: UInt8Array) -> float:
    across, down = WINDOW[0] // 2, WINDOW[1] // 2
    return ssim(a, b, (across, down, a.shape[1] - across, a.shape[0] - down))


def _squared(picture: UInt8Array) -> UInt8Array:
    side = (picture.shape[0] - picture.shape[1]) // 2
    return np.pad(picture, ((0, 0), (side, side), (0, 0)), constant_values=PAPER)


def _window(values: Float32Array) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(values, WINDOW, SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float32)
