"""Label sets of others in our fifteen parts, and the ten classes parsings are judged by.

CCP-59: Yang et al., "Clothing Co-Parsing by Joint Image Segmentation and Labeling" (2014). LIP-20: Gong et al., "Look
into Person" (2017). ATR-18: Liang et al., "Deep Human Parsing with Active Template Regression" (2015). ADGAN-8: Men et
al., "Controllable Person Image Synthesis with Attribute-Decomposed GAN" (2020), in the order its files have on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from tryon_service.perception.nets.nearest_limb import nearest_side, split_skin
from tryon_service.types import Part, UInt8Array

__all__ = [
    "ADGAN",
    "ATR",
    "CCP",
    "CCP_NAMES",
    "LIP",
    "MERGED",
    "SKIN",
    "lookup",
    "merged_lookup",
    "nearest_side",
    "split_skin",
    "to_adgan",
]

SKIN = 255
"""Stands in the tables below for skin that the label set doesn't tell apart; split_skin gives it its part."""

_CCP_GROUPS: Mapping[int, str] = {
    Part.BACKGROUND: "null",
    Part.HAIR: "hair",
    SKIN: "skin",
    Part.UPPER: "blouse bodysuit bra hoodie intimate jumper shirt sweater sweatshirt swimwear t-shirt top vest",
    Part.OUTERWEAR: "blazer cape cardigan coat jacket suit",
    Part.DRESS: "dress romper",
    Part.SKIRT: "skirt",
    Part.TROUSERS: "jeans leggings panties pants shorts",
    Part.LEFT_LEG: "tights stockings socks",
    Part.SHOES: "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
    Part.ACCESSORIES: "accessories bag belt bracelet earrings glasses gloves hat necklace purse ring scarf sunglasses "
    "tie wallet watch",
}
CCP_NAMES: tuple[str, ...] = tuple(sorted(" ".join(_CCP_GROUPS.values()).split(), key=lambda n: (n != "null", n)))
"""The 59 classes in the order of their ids: null first, then the alphabet."""

CCP: Mapping[str, int] = MappingProxyType({name: part for part, names in _CCP_GROUPS.items() for name in names.split()})
"""CCP's class to our part. Hosiery is a leg (nearest_side tells which), skin is SKIN."""

LIP: Mapping[str, int] = MappingProxyType(
    {
        "background": Part.BACKGROUND,
        "hat": Part.ACCESSORIES,
        "hair": Part.HAIR,
        "glove": Part.ACCESSORIES,
        "sunglasses": Part.ACCESSORIES,
        "upper-clothes": Part.UPPER,
        "dress": Part.DRESS,
        "coat": Part.OUTERWEAR,
        "socks": Part.LEFT_LEG,
        "pants": Part.TROUSERS,
        "jumpsuits": Part.DRESS,
        "scarf": Part.ACCESSORIES,
        "skirt": Part.SKIRT,
        "face": Part.FACE,
        "left-arm": Part.LEFT_ARM,
        "right-arm": Part.RIGHT_ARM,
        "left-leg": Part.LEFT_LEG,
        "right-leg": Part.RIGHT_LEG,
        "left-shoe": Part.SHOES,
        "right-shoe": Part.SHOES,
    }
)
"""LIP's 20 classes in the order of their ids. LIP has no class for a bare neck or midriff."""

ATR: Mapping[str, int] = MappingProxyType(
    {
        "background": Part.BACKGROUND,
        "hat": Part.ACCESSORIES,
        "hair": Part.HAIR,
        "sunglasses": Part.ACCESSORIES,
        "upper-clothes": Part.UPPER,
        "skirt": Part.SKIRT,
        "pants": Part.TROUSERS,
        "dress": Part.DRESS,
        "belt": Part.ACCESSORIES,
        "left-shoe": Part.SHOES,
        "right-shoe": Part.SHOES,
        "face": Part.FACE,
        "left-leg": Part.LEFT_LEG,
        "right-leg": Part.RIGHT_LEG,
        "left-arm": Part.LEFT_ARM,
        "right-arm": Part.RIGHT_ARM,
        "bag": Part.ACCESSORIES,
        "scarf": Part.ACCESSORIES,
    }
)
"""ATR's 18 classes in the order of their ids; coats are upper-clothes there."""

ADGAN: Mapping[str, int] = MappingProxyType(
    {
        "background": Part.BACKGROUND,
        "pants": Part.TROUSERS,
        "hair": Part.HAIR,
        "skirt": Part.SKIRT,
        "face": Part.FACE,
        "upper": Part.UPPER,
        "arm": Part.LEFT_ARM,
        "leg": Part.LEFT_LEG,
    }
)
"""ADGAN's 8 classes in the order of their ids; its arms and legs are of no side (nearest_side tells which)."""

_TO_ADGAN: Mapping[Part, str] = {
    Part.BACKGROUND: "background",
    Part.HAIR: "hair",
    Part.FACE: "face",
    Part.UPPER: "upper",
    Part.OUTERWEAR: "upper",
    Part.DRESS: "upper",
    Part.SKIRT: "skirt",
    Part.TROUSERS: "pants",
    Part.LEFT_ARM: "arm",
    Part.RIGHT_ARM: "arm",
    Part.LEFT_LEG: "leg",
    Part.RIGHT_LEG: "leg",
    Part.SHOES: "leg",
    Part.ACCESSORIES: "upper",
    Part.TORSO_SKIN: "face",
}

MERGED: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "background": (Part.BACKGROUND,),
        "hair": (Part.HAIR,),
        "skin": (Part.FACE, Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG, Part.TORSO_SKIN),
        "upper": (Part.UPPER,),
        "outerwear": (Part.OUTERWEAR,),
        "dress": (Part.DRESS,),
        "skirt": (Part.SKIRT,),
        "trousers": (Part.TROUSERS,),
        "shoes": (Part.SHOES,),
        "accessories": (Part.ACCESSORIES,),
    }
)
"""The ten classes of the mean IoU: left and right, and kinds of skin, count as one."""


def lookup(table: Mapping[str, int], names: Sequence[str] | None = None) -> UInt8Array:
    """256 uint8: id in the other set to ours. names: the other set's classes in id order, if not the table's own order.

    Ids beyond the set stay background; check for them beforehand. Raises KeyError for a name the table lacks.
    """
    out = np.zeros(256, np.uint8)
    for index, name in enumerate(table if names is None else names):
        out[index] = table[name]
    return out


def to_adgan() -> UInt8Array:
    """256 uint8: our part to ADGAN's id."""
    order = list(ADGAN)
    out = np.zeros(256, np.uint8)
    for part, name in _TO_ADGAN.items():
        out[part] = order.index(name)
    return out


def merged_lookup() -> UInt8Array:
    """256 uint8: our part to its index in MERGED."""
    out = np.zeros(256, np.uint8)
    for index, parts in enumerate(MERGED.values()):
        out[list(parts)] = index
    return out
