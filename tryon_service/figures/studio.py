"""The studio around a figure: backdrop and floor shadow before, the camera's blur and noise after."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.figures.canvas import SUPERSAMPLING, Colour, Points
from tryon_service.types import Float32Array, Part, Size, UInt8Array

_BLUR = 0.55
_NOISE = 1.6


def backdrop(size: Size, colour: Colour) -> UInt8Array:
    """h x w x 3 uint8: a seamless paper backdrop, lit in the middle, with a floor that fades into it."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1.03 - 0.10 * (x * x + 0.8 * (y + 0.25) ** 2)
    floor = 1 / (1 + np.exp(-(y - 0.80) * 22))
    light = light * (1 - 0.05 * floor)
    return np.asarray(np.clip(np.asarray(colour, np.float32) * light[:, :, None], 0, 255), np.uint8)


def floor_shadow(picture: UInt8Array, feet: Points, scale: float) -> UInt8Array:
    """The picture with soft shadows under feet (N x 2 picture pixels, heels and toes); scale: pixels per metre."""
    height, width = picture.shape[:2]
    mask = np.zeros((height // 2, width // 2), np.uint8)
    for x, y in feet / 2:
        axes = (max(1, int(0.060 * scale)), max(1, int(0.012 * scale)))
        cv2.ellipse(mask, (int(x + 0.012 * scale), int(y)), axes, 0, 0, 360, 255, -1)
    tight = cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.012 * scale)).astype(np.float32)
    wide = cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.045 * scale)).astype(np.float32)
    dark = cv2.resize((0.42 * tight + 0.5 * wide) / 255, (width, height))
    return np.asarray(picture * (1 - np.minimum(dark, 0.6))[:, :, None], np.uint8)


def develop(rgb: Float32Array, seed: int) -> UInt8Array:
    """Canvas to photo: reduce by area, soften as a lens does, add the sensor's noise. h x w x 3 uint8."""
    size = rgb.shape[1] // SUPERSAMPLING, rgb.shape[0] // SUPERSAMPLING
    photo = cv2.GaussianBlur(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (0, 0), _BLUR)
    rng = np.random.default_rng((seed, 2))
    noise = _NOISE * rng.standard_normal((size[1], size[0]), dtype=np.float32)
    return np.asarray(np.clip(photo + noise[:, :, None] + 0.5, 0, 255), np.uint8)


def matte_of(labels: UInt8Array) -> Float32Array:
    """h x w float32 in [0, 1] of 2h x 2w labels, softened exactly as the photo."""
    size = labels.shape[1] // SUPERSAMPLING, labels.shape[0] // SUPERSAMPLING
    covered = (labels != Part.BACKGROUND).astype(np.float32)
    matte = cv2.GaussianBlur(cv2.resize(covered, size, interpolation=cv2.INTER_AREA), (0, 0), _BLUR)
    return np.asarray(np.clip(matte, 0, 1), np.float32)


def parsing_of(labels: UInt8Array, matte: Float32Array) -> UInt8Array:
    """h x w uint8: the part most of a pixel's four samples show; 0 exactly where the matte is below one half."""
    a, b, c, d = labels[::2, ::2], labels[::2, 1::2], labels[1::2, ::2], labels[1::2, 1::2]
    top = np.maximum(np.maximum(a, b), np.maximum(c, d))
    parts = np.where(c == d, c, top)
    parts = np.where((b == c) | (b == d), b, parts)
    parts = np.where((a == b) | (a == c) | (a == d), a, parts)
    parts = np.where(parts == Part.BACKGROUND, top, parts)
    # The lens can carry the matte a pixel beyond the outline; such a pixel belongs to its neighbour's part.
    reach = cv2.dilate(parts, np.ones((3, 3), np.uint8))
    parts = np.where(parts == Part.BACKGROUND, reach, parts)
    return np.where(matte >= 0.5, parts, Part.BACKGROUND).astype(np.uint8)
