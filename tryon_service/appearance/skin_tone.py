"""Other skin on the same photo, to teach and to test that a parser sees arms on dark skin as on light."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, UInt8Array

_DARKER = np.array([0.62, 0.78, 0.88], np.float32)
"""Share of red, green and blue that the darkest skin here lacks: it is darker and warmer."""
_LIGHTER = np.array([0.35, 0.45, 0.45], np.float32)
"""How much the exponents fall for the lightest skin here."""


def tinted_skin(rgb: UInt8Array, skin: BoolArray, shift: float) -> UInt8Array:
    """Skin made darker (shift down to -1) or lighter (up to 1), with its shading. rgb: H x W x 3; skin: H x W."""
    if not skin.any():
        return rgb
    share = np.asarray(cv2.GaussianBlur(skin.astype(np.float32), (0, 0), 0.8), np.float32)[..., None]
    value: Float32Array = rgb.astype(np.float32) / np.float32(255)
    toned = value * (1 + _DARKER * shift) if shift < 0 else value ** (1 - _LIGHTER * shift)
    return np.asarray(np.clip((value + (toned - value) * share) * 255, 0, 255), np.uint8)


def lightness(rgb: UInt8Array, skin: BoolArray) -> float:
    """Median CIELAB L of the skin, in [0, 100]; NaN without skin."""
    if not skin.any():
        return float("nan")
    pixels = rgb[skin][:, np.newaxis]
    return float(np.median(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 0])) * 100 / 255
