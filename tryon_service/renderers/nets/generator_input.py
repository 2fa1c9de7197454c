"""What the generators are shown and what comes out of them, the same in training as in use.

Convention: channels first, float32; C is the number of attributes, H and W those of a portrait (renderers/portrait.py).
"""

from __future__ import annotations

import numpy as np

from tryon_service.appearance.labels import ADGAN, to_adgan
from tryon_service.types import Float32Array, UInt8Array

HALF = 127.5
"""Pictures go in and come out as v / HALF - 1."""


def to_levels(rgb: UInt8Array) -> Float32Array:
    """... x H x W x 3 uint8 -> ... x 3 x H x W in [-1, 1]."""
    return np.ascontiguousarray(np.moveaxis(rgb, -1, -3), np.float32) / np.float32(HALF) - 1


def to_picture(levels: Float32Array) -> UInt8Array:
    """The opposite of to_levels, rounded; what lies outside [-1, 1] is moved to its ends."""
    values = np.rint((np.clip(levels, -1, 1) + 1) * HALF)
    return np.ascontiguousarray(np.moveaxis(values, -3, -1), np.uint8)


def one_hot(parsing: UInt8Array) -> Float32Array:
    """H x W uint8 of Part ids -> C x H x W of 0 and 1, in the order of ADGAN's attributes."""
    ids = to_adgan()[parsing]
    return np.asarray(ids == np.arange(len(ADGAN), dtype=np.uint8)[:, None, None], np.float32)
