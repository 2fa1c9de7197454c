"""Label sets of others in our fifteen parts, the ten classes parsings are judged by, and skin told apart by the pose.

CCP-59: Yang et al., "Clothing Co-Parsing by Joint Image Segmentation and Labeling" (2014). LIP-20: Gong et al., "Look
into Person" (2017). ATR-18: Liang et al., "Deep Human Parsing with Active Template Regression" (2015). ADGAN-8: Men et
al., "Controllable Person Image Synthesis with Attribute-Decomposed GAN" (2020), in the order its files have on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from tryon_service.types import BoolArray, Float32Array, Part, UInt8Array

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
    Part.ACCESSORIES: "accessories bag belt bracelet earrings glasses gloves hat necklace purse ring scarf sunglasses tie "
    "wallet watch",
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


# Capsules of a body: landmark rows of the two ends, radius in metres. Row numbers are BlazePose's; see skeletons.py.
_ARMS = (((11, 13), 0.055), ((13, 15), 0.045), ((15, 19), 0.05))
_LEGS = (((23, 25), 0.085), ((25, 27), 0.06), ((27, 31), 0.05))
_FACE_RADIUS, _NECK_RADIUS, _TORSO_RADIUS = 0.065, 0.055, 0.12
_SHOULDER_WIDTH, _TORSO_LENGTH = 0.34, 0.48
_NOSE, _EYES, _MOUTH, _SHOULDERS, _HIPS = (0,), (2, 5), (9, 10), (11, 12), (23, 24)


def split_skin(skin: BoolArray, xy: Float32Array) -> UInt8Array:
    """Face, arms, legs or torso skin for each skin pixel: the part of the nearest limb.

    skin: H x W bool; xy: 33 x 2 float32 landmarks in its pixels, rows that are not known NaN. Returns H x W uint8 of
    Part ids, 0 off the skin. Distance is to the surface of a capsule round each bone, scaled by the body's own size;
    with no usable landmark all of it is torso skin.
    """
    out = np.zeros(skin.shape, np.uint8)
    rows, columns = np.nonzero(skin)
    if not len(rows):
        return out
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    parts, distances = [Part.TORSO_SKIN], [np.full(len(points), np.float32(np.inf))]
    metre = body_scale(xy)
    for part, (start, end), radius in _capsules(xy):
        if np.isfinite(start).all() and np.isfinite(end).all():
            parts.append(part)
            distances.append(distance_to_segment(points, start, end) - np.float32(radius * metre))
    out[rows, columns] = np.array(parts, np.uint8)[np.argmin(distances, axis=0)]
    return out


def nearest_side(region: BoolArray, xy: Float32Array, left: Part, right: Part) -> UInt8Array:
    """Left or right for each pixel of a region of arms or legs, by the nearer limb; arguments as for split_skin.

    left, right: LEFT_ARM and RIGHT_ARM, or LEFT_LEG and RIGHT_LEG. Without landmarks the picture's right half, seen
    from the region's middle, is the person's left, as in a photo from the front.
    """
    bones = _ARMS if left == Part.LEFT_ARM else _LEGS
    out = np.zeros(region.shape, np.uint8)
    rows, columns = np.nonzero(region)
    if not len(rows):
        return out
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    distance = np.full((2, len(points)), np.float32(np.inf))
    for side in (0, 1):
        for (near, far), radius in bones:
            start, end = xy[near + side], xy[far + side]
            if np.isfinite(start).all() and np.isfinite(end).all():
                reach = distance_to_segment(points, start, end) - np.float32(radius * body_scale(xy))
                distance[side] = np.minimum(distance[side], reach)
    if not np.isfinite(distance).all():
        distance[0], distance[1] = -points[:, 0], -2 * np.median(points[:, 0]) + points[:, 0]
    out[rows, columns] = np.where(distance[0] <= distance[1], left, right)
    return out


def body_scale(xy: Float32Array) -> float:
    """Pixels per metre of the body, from shoulders and torso, whichever is seen less foreshortened; 1 if unknown."""
    shoulders = float(np.hypot(*(xy[11] - xy[12]))) / _SHOULDER_WIDTH
    torso = float(np.hypot(*(xy[[11, 12]].mean(axis=0) - xy[[23, 24]].mean(axis=0)))) / _TORSO_LENGTH
    known = [scale for scale in (shoulders, torso) if np.isfinite(scale)]
    return max(known, default=1.0)


def distance_to_segment(points: Float32Array, start: Float32Array, end: Float32Array) -> Float32Array:
    """N float32: pixels from N x 2 points to the segment."""
    along = end - start
    t = np.clip((points - start) @ along / max(float(along @ along), 1e-6), 0, 1)
    return np.asarray(np.hypot(*(points - start - t[:, None] * along).T), np.float32)


def _capsules(xy: Float32Array) -> list[tuple[Part, tuple[Float32Array, Float32Array], float]]:
    """(part, bone's two ends in pixels, radius in metres) of everything skin can belong to."""
    eyes, mouth, shoulders, hips = (xy[list(rows)].mean(axis=0) for rows in (_EYES, _MOUTH, _SHOULDERS, _HIPS))
    found = [
        (Part.FACE, (eyes + 0.5 * (eyes - mouth), mouth), _FACE_RADIUS),
        (Part.TORSO_SKIN, (mouth + 0.55 * (shoulders - mouth), shoulders), _NECK_RADIUS),
        (Part.TORSO_SKIN, (shoulders, hips), _TORSO_RADIUS),
    ]
    for left, right, bones in ((Part.LEFT_ARM, Part.RIGHT_ARM, _ARMS), (Part.LEFT_LEG, Part.RIGHT_LEG, _LEGS)):
        for side, part in enumerate((left, right)):
            found += [(part, (xy[near + side], xy[far + side]), radius) for (near, far), radius in bones]
    return found
