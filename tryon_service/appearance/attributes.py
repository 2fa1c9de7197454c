"""What moves together is still several things: the trunk's garments, face and hair, sleeve and hand, leg and shoe.

Each becomes a layer of its own, so that it is completed from its own cloth only and can lie over its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tryon_service.appearance.masks import widened, window, without_specks
from tryon_service.imaging.complete import at_pixels, nearest_known
from tryon_service.types import BoolArray, Float32Array, Part, UInt8Array

TRUNK, HEAD = "trunk", "head"
GARMENTS: Mapping[str, tuple[Part, ...]] = {
    "torso": (Part.TORSO_SKIN, Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG),
    "trousers": (Part.TROUSERS,),
    "skirt": (Part.SKIRT,),
    "dress": (Part.DRESS,),
    "upper": (Part.UPPER,),
    "outerwear": (Part.OUTERWEAR,),
}
"""Layers of the trunk, back to front, and what of the parsing they hold."""
SCRAP = 0.02
"""Smallest piece of a garment that is taken for one, in squared torso lengths."""
SHOE_FROM, HAND_FROM = 2.75, 3.0
"""Where shoes may begin on a leg's curve, and hands on an arm's."""
TOUCHES = 0.06
"""How near to a garment hair may lie on it, torso lengths."""
LEVEL = 4
"""How much farther up and down counts than across where a hidden pixel's garment is looked for."""
WRIST = 0.25
"""How far an arm goes on under its hand."""
HEM = 0.012
"""How far off the parsing may see a hem, torso lengths."""
BEHIND = (1.04, 1.28)
"""Heights on the spine, between collar and chin, where hair falls behind the shoulders."""


@dataclass(frozen=True)
class Pieces:
    """A layer's share of the person, H x W bool each: what it shows, what it has behind other layers, and which of the
    shown pixels are surely its own, for the hidden ones to be completed from."""

    shown: BoolArray
    hidden: BoolArray
    sure: BoolArray

    def within(self, mask: BoolArray) -> Pieces:
        return Pieces(self.shown & mask, self.hidden & mask, self.sure & mask)


def garments(pieces: Pieces, parsing: UInt8Array, torso: float) -> dict[str, Pieces]:
    """The trunk's layers, back to front; a patch too small for a garment goes with what surrounds it. torso: its length
    in pixels."""
    kinds = {name: np.isin(parsing, parts) & pieces.shown for name, parts in GARMENTS.items()}
    return _shared_out(kinds, pieces, SCRAP * torso**2, "upper")


def head(pieces: Pieces, parsing: UInt8Array, height: Float32Array, torso: float) -> dict[str, Pieces]:
    """Hair that falls behind the shoulders, the face, and the rest of the hair. height: H x W, along the spine.

    Hair that touches a garment may lie on it, so only what hangs free of them beside the neck is taken to be behind."""
    hair = (parsing == Part.HAIR) & pieces.shown
    cloth = np.isin(parsing, [part for name, parts in GARMENTS.items() if name != "torso" for part in parts])
    free = ~widened(cloth, max(2, round(TOUCHES * torso)))
    behind = hair & (height > BEHIND[0]) & (height < BEHIND[1]) & free
    kinds = {"hair_behind": behind, "face": (parsing == Part.FACE) & pieces.shown, "hair": hair & ~behind}
    return _shared_out(kinds, pieces, SCRAP / 4 * torso**2, "face")


def limb(name: str, pieces: Pieces, parsing: UInt8Array, t: Float32Array, torso: float) -> dict[str, Pieces]:
    """An arm and its hand, or a shoe, its leg and what covers the thigh; t: H x W, along the limb's curve."""
    side = name.split("_", maxsplit=1)[0]
    if name.endswith("arm"):
        end, own = f"{side}_hand", pieces.shown & (t > HAND_FROM)
        halves = _shared_out({name: pieces.shown & ~own, end: own}, pieces, 0.0, name)
        if name in halves and end in halves:  # both show the wrist, so that no seam can open there
            wrist = pieces.shown & (t < HAND_FROM + WRIST)
            halves[name] = Pieces(halves[name].shown | wrist, halves[name].hidden, halves[name].sure | wrist)
        return halves
    end, own = f"{side}_shoe", pieces.shown & (t > SHOE_FROM) & (parsing == Part.SHOES)
    kinds = {end: own, name: pieces.shown & ~own}
    bare = without_specks(kinds[name] & np.isin(parsing, (Part.LEFT_LEG, Part.RIGHT_LEG)), SCRAP * torso**2)
    cloth = without_specks(kinds[name] & ~bare, SCRAP * torso**2)
    if bare.any() and cloth.any():  # under a hand the hem goes on between them
        kinds |= {name: bare, f"{side}_trousers": cloth}
        reach = max(1, round(HEM * torso))
        pieces = Pieces(pieces.shown, pieces.hidden, pieces.sure & ~(widened(bare, reach) & widened(cloth, reach)))
    return _shared_out(kinds, pieces, 0.1 * SCRAP * torso**2, name)


def _shared_out(kinds: Mapping[str, BoolArray], pieces: Pieces, smallest: float, default: str) -> dict[str, Pieces]:
    """Every pixel of the pieces to the nearest of the kinds, whose scraps are dropped first."""
    ids = np.zeros(pieces.shown.shape, np.uint8)
    for index, mask in enumerate(kinds.values(), start=1):
        ids[without_specks(mask, smallest) if smallest > 1 else mask] = index
    if not ids.any():
        return {default: pieces}
    rows, columns = window(pieces.shown | pieces.hidden, LEVEL)
    part = np.s_[rows, columns.start // LEVEL * LEVEL : columns.stop]  # nearest pixels are the same in any such window
    nearest = np.zeros_like(ids)
    nearest[part] = _continued_across(ids[part])
    out = {name: pieces.within(nearest == index) for index, name in enumerate(kinds, start=1)}
    return {name: share for name, share in out.items() if (share.shown | share.hidden).any()}


def _continued_across(ids: UInt8Array) -> UInt8Array:
    """Every pixel's nearest id, counting what lies above and below LEVEL times as far: hems and waistbands go on level
    behind an arm, however it cuts them."""
    narrow = ids[:, ::LEVEL]
    wide = np.repeat(at_pixels(narrow, nearest_known(narrow > 0)), LEVEL, axis=1)[:, : ids.shape[1]]
    return np.where(ids > 0, ids, wide)
