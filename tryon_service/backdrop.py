"""What stands behind the model: one of the photos without its person, one colour, or nothing."""

from __future__ import annotations

from tryon_service.appearance.decompose import emptied
from tryon_service.appearance.shadow import darken
from tryon_service.imaging.composite import fitted_background, plain_background
from tryon_service.types import Appearance, Float32Array, Person, Size, UInt8Array


def backdrop(
    kind: str, product: Appearance, shopper: Person | None, size: Size, shade: Float32Array | None = None
) -> UInt8Array | None:
    """H x W x 3 uint8 of `size`, or None for transparent.

    kind: "product" or "shopper" for that photo without its person, "transparent", or "#rrggbb"; shopper: needed for
    "shopper" only. shade: H x W float32 in
    [0, 1], the model's shadow as appearance/shadow.py casts it; it falls on the product photo's floor and on plain
    colour, not into the shopper's photo, whose light is another.
    """
    if kind == "transparent":
        return None
    if kind == "shopper":
        if shopper is None:
            raise ValueError("the shopper's background needs the shopper's photo")
        return fitted_background(emptied(shopper), size)
    if kind.startswith("#"):
        red, green, blue = bytes.fromhex(kind[1:])
        behind = plain_background((red, green, blue), size)
    else:
        behind = fitted_background(product.background, size)
    return behind if shade is None else darken(behind, shade)
