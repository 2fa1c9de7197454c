"""The colour guided filter with weighted pixels, computed small and applied at full size.

He, Sun, Tang, "Guided Image Filtering" (PAMI 2013); He, Sun, "Fast Guided Filter" (2015).
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import Float32Array, UInt8Array


def guided_coefficients(
    guide: Float32Array, target: Float32Array, weight: Float32Array, radius: int, eps: float
) -> tuple[Float32Array, Float32Array]:
    """The colour guided filter's local models: target = slopes . guide + offset around every pixel.

    guide: h x w x 3; target, weight: h x w; eps: in squared units of the guide. Returns h x w x 3 and h x w, averaged
    over the window. Equations 14 and 15 of the 2013 paper, with pixels weighted.
    """

    def mean(image: Float32Array) -> Float32Array:
        return np.asarray(cv2.blur(image, (2 * radius + 1,) * 2), np.float32)

    norm = mean(weight)
    planes = cv2.split(guide)
    weighted = [plane * weight for plane in planes]
    averages = [mean(plane) / norm for plane in weighted]
    level = mean(target * weight) / norm
    r, g, b = (mean(plane * target) / norm - average * level for plane, average in zip(weighted, averages, strict=True))

    def covariance(i: int, j: int) -> Float32Array:
        spread = mean(weighted[i] * planes[j]) / norm - averages[i] * averages[j]
        return spread + np.float32(eps) if i == j else spread

    rr, rg, rb, gg, gb, bb = (covariance(i, j) for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    # The inverse of the symmetric 3 x 3 matrix, by cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    slopes = [c_rr * r + c_rg * g + c_rb * b, c_rg * r + c_gg * g + c_gb * b, c_rb * r + c_gb * g + c_bb * b]
    slopes = [slope / determinant for slope in slopes]
    offset = level - sum(slope * average for slope, average in zip(slopes, averages, strict=True))
    return np.stack([mean(slope) for slope in slopes], axis=2), mean(offset)


def apply_guide(rgb: UInt8Array, slopes: Float32Array, offset: Float32Array) -> Float32Array:
    """The local models, enlarged, at every pixel of the full-size guide: H x W, not clipped."""
    size = (rgb.shape[1], rgb.shape[0])
    alpha = np.asarray(cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR), np.float32)
    for plane, slope in zip(cv2.split(rgb), cv2.split(slopes), strict=True):
        alpha += cv2.resize(slope, size, interpolation=cv2.INTER_LINEAR) * plane
    return alpha
