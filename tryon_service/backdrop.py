"""What stands behind the model: one of the photos without its person, one colour, or nothing."""

from __future__ import annotations

from tryon_service.appearance.decompose import emptied
from tryon_service.imaging.composite import fitted_background, plain_background
from tryon_service.types import Appearance, Person, Size, UInt8Array


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
