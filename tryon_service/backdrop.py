"""What stands behind the model: one of the photos without its person, one colour, or nothing."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.complete import complete_background
from tryon_service.imaging.composite import fitted_background, plain_background
from tryon_service.types import Appearance, Person, Size, UInt8Array

TRACE = 0.02
"""Matte above which a pixel still shows something of the person."""


def backdrop(kind: str, product: Appearance, shopper: Person, size: Size) -> UInt8Array | None:
    """H x W x 3 uint8 of `size`, or None for transparent.

    kind: "product" or "shopper" for that photo without its person, "transparent", or "#rrggbb".
    """
    if kind == "transparent":
        return None
    if kind.startswith("#"):
        red, green, blue = bytes.fromhex(kind[1:])
        return plain_background((red, green, blue), size)
    return fitted_background(product.background if kind == "product" else emptied(shopper), size)


def emptied(person: Person) -> UInt8Array:
    """The photo with its person taken out and the hole completed, H x W x 3 uint8."""
    hole = cv2.dilate((person.matte > TRACE).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    return complete_background(person.photo.rgb, hole)
