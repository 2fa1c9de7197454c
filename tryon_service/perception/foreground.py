"""The person's own colours where a matte is soft: the background's share of a pixel taken out again."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.perception.runtime import side_by_side
from tryon_service.types import Float32Array, UInt8Array

_RADII = (90, 6)
"""Blur sizes in pixels at a height of 1024: a wide pass for colour everywhere, a narrow one for detail."""


def decontaminate(rgb: UInt8Array, matte: Float32Array) -> UInt8Array:
    """H x W x 3 uint8: rgb where the matte is 1, elsewhere the colour that the person contributes to the pixel.

    matte: H x W in [0, 1]. Blur-fusion, twice: Forte, "Approximate Fast Foreground Colour Estimation" (ICIP 2021).
    """
    image = rgb.astype(np.float32)
    alpha = np.ascontiguousarray(matte, np.float32)[..., np.newaxis]
    fore = back = image
    for radius in _RADII:
        side = max(round(radius * rgb.shape[0] / 1024), 3)
        fore, back = _blur_fusion(image, fore, back, alpha, side)
    return np.asarray(np.clip(np.rint(fore), 0, 255), np.uint8)


def _blur_fusion(
    image: Float32Array, fore: Float32Array, back: Float32Array, alpha: Float32Array, side: int
) -> tuple[Float32Array, Float32Array]:
    """Equations 4 to 7 of the paper: blurred colours of both sides, then the residual given to the foreground."""

    def spread(colour: Float32Array, weight: Float32Array) -> Float32Array:
        sums = cv2.blur(colour * weight, (side, side))
        return np.asarray(sums / (cv2.blur(weight, (side, side))[..., np.newaxis] + 1e-5), np.float32)

    sides = [(fore, alpha), (back, 1 - alpha)]
    blurred_fore, blurred_back = side_by_side(lambda side: spread(*side), sides)
    fore = blurred_fore + alpha * (image - alpha * blurred_fore - (1 - alpha) * blurred_back)
    return np.clip(fore, 0, 255).astype(np.float32), blurred_back
