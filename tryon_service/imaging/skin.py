"""Whether what is shaped like a body is coloured like one."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, UInt8Array

CHROMA = 6.0
"""Least colourfulness of skin in CIELAB. Bare skin on 88 shop and studio photos has a median of 15 to 30, at a hue
between red and yellow; white, grey and black plastic has 1 to 3."""
GREY, COLOURFUL = 4.0, 0.01
"""A photo of which less than this share is as colourful is black and white, and its skin tells nothing."""


def living_share(rgb: UInt8Array, bare: BoolArray) -> float | None:
    """Share of the bare pixels (H x W bool) of an H x W x 3 picture that have a colour skin can have, of any tone.

    None where it can't be told: no bare pixels, or a black and white photo. Painted plastic in a skin's colour passes.
    """
    inner = cv2.erode(bare.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return None
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    _, a, b = cv2.split(lab)
    chroma = cv2.magnitude(a, b)
    if np.count_nonzero(chroma >= GREY) < COLOURFUL * chroma.size:
        return None
    return float(((chroma > CHROMA) & (a > 1) & (b > 1))[inner].mean())
