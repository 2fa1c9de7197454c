"""Whether two photos that a catalogue gives one product really show one person in one garment.

Catalogues err: a front in one colour stands beside a back in another. A generator that is trained on such a pair learns
to repaint. Colours tell; what a body's joints say of its proportions doesn't: between front and back the same person's
differ nearly as much as two people's (AUC 0.50 to 0.63 over four of them, on the pairs below).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from tryon_service.training.portraits import Portrait
from tryon_service.types import Float32Array, Part

GARMENTS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {"top": (Part.UPPER, Part.OUTERWEAR, Part.DRESS), "bottom": (Part.SKIRT, Part.TROUSERS)}
)
"""Merged where a parser takes one for the other from another side."""
SKIN = (Part.FACE, Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG, Part.TORSO_SKIN)
GARMENT_SHARE, SKIN_SHARE = 0.10, 0.05
"""Least share of the person that must show it in both photos: at 0.07, bare waists that the parser took for tops speak
against two more of the 70 pairs below, at 0.12 one of the 21 passes."""
GARMENT_LIMIT, SKIN_LIMIT = 12.5, 18.0
"""CIELAB distance (CIE76) of the medians. Measured on fronts and backs of 91 products of a shop's catalogue: 70 that
are of one colour by eye reach 11.3 at most, the 21 that aren't begin at 13.9. Of 8,190 pairs of one product's front
with another's back 90 % are above the limit or have no garment in common; of the rest, clothes of like colours, 26 %
differ by more than the limit in skin, as do 2 of the 70, whose sleeves were taken for arms."""
EDGE = np.ones((3, 3), np.uint8)
"""A part's outermost pixels have the colour of what lies beside it too."""
SOLID = 0.95
"""Alpha from which a pixel is wholly the person's."""


def unlike(one: Portrait, other: Portrait) -> str | None:
    """Why these can't be a pair, "other_garment" or "other_person"; None if nothing speaks against it.

    Without a garment to compare they count as other garments: nothing speaks for them either.
    """
    colours = _colours(one), _colours(other)
    worn = [_distance(*(found.get(name) for found in colours)) for name in GARMENTS]
    compared = [distance for distance in worn if distance is not None]
    if not compared or max(compared) > GARMENT_LIMIT:
        return "other_garment"
    skin = _distance(*(found.get("skin") for found in colours))
    return "other_person" if skin is not None and skin > SKIN_LIMIT else None


def _colours(portrait: Portrait) -> dict[str, Float32Array]:
    """Median CIELAB colour of each garment and of the skin, where enough of it shows."""
    lab = cv2.cvtColor(portrait.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    solid = portrait.matte > SOLID * 255
    out = {}
    for name, parts in {**GARMENTS, "skin": SKIN}.items():
        whole = cv2.erode((np.isin(portrait.parsing, parts) & solid).astype(np.uint8), EDGE)
        if whole.sum() >= (SKIN_SHARE if name == "skin" else GARMENT_SHARE) * max(solid.sum(), 1):
            out[name] = np.asarray(np.median(lab[whole > 0], axis=0), np.float32)
    return out


def _distance(one: Float32Array | None, other: Float32Array | None) -> float | None:
    """None where one of them isn't known."""
    return None if one is None or other is None else float(np.linalg.norm(one - other))
