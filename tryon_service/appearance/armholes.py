"""The edge of a sleeveless garment: at the shoulder it lies over the bare arm, whichever way the arm moves."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from tryon_service.appearance.attributes import TRUNK
from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import widened, window
from tryon_service.appearance.subject import BORDER, Subject
from tryon_service.types import BoolArray, Float32Array, Layer, Part

SHOULDER = (0.9, 1.5)
"""Along an arm's curve: where a sleeveless arm is bare."""
BARE = 0.6
"""Share of skin there from which it is."""
ENDS = (1.25, 1.55)
"""Along the arm's curve: from the first on the armhole gives way to the arm, after the second the arm lies over it."""
REACH = (0.14, 0.22)
"""How far from the bare arm cloth lies over it, torso lengths; it fades between the two."""
SEAM = 0.8
"""Softness of the armhole's edge, sigma in pixels."""
CLOTH = (Part.UPPER, Part.OUTERWEAR, Part.DRESS)


def armholes(subject: Subject, arms: Mapping[str, BoolArray], fields: Mapping[str, LimbField]) -> list[Layer]:
    """A layer of the trunk for each bare shoulder, to be drawn over its arm. arms: H x W bool, each arm's pixels."""
    cloth = np.isin(subject.parsing, CLOTH) & (subject.matte > 0.5)
    out = []
    for name, arm in arms.items():
        bare = _bare(subject, name, arm, fields[name])
        if bare is not None:
            over = cloth & (fields[name].t < ENDS[1]) & ~widened(bare, 1)
            layer = _layer(name, subject, over, _weight(bare, fields[name], subject.torso))
            out += [layer] if layer else []
    return out


def _bare(subject: Subject, name: str, arm: BoolArray, field: LimbField) -> BoolArray | None:
    """The arm's skin, or None if its shoulder wears a sleeve."""
    bare = arm & (subject.parsing == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM))
    shoulder = arm & (field.t > SHOULDER[0]) & (field.t < SHOULDER[1])
    seen = int((bare & shoulder).sum())
    return bare if seen and seen > BARE * int(shoulder.sum()) else None


def _weight(bare: BoolArray, field: LimbField, torso: float) -> Float32Array:
    """H x W float32 in [0, 1]: 1 beside the shoulder, 0 away from it and below the armpit."""
    away = cv2.distanceTransform((~bare).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) / torso
    near = (REACH[1] - away) / (REACH[1] - REACH[0])
    above = (ENDS[1] - field.t) / (ENDS[1] - ENDS[0])
    return np.asarray(np.clip(near, 0.0, 1.0) * np.clip(above, 0.0, 1.0), np.float32)


def _layer(arm: str, subject: Subject, over: BoolArray, weight: Float32Array) -> Layer | None:
    over = over & (weight > 0)
    if not over.any():
        return None
    part = window(over, BORDER)
    soft = cv2.GaussianBlur(over[part].astype(np.float32), (0, 0), SEAM)
    alpha = np.minimum(soft * weight[part], subject.matte[part])
    rgba = np.dstack([subject.rgb[part], np.round(alpha * 255).astype(np.uint8)])
    origin = (part[1].start + (subject.window[1].start or 0), part[0].start + (subject.window[0].start or 0))
    parts, real = subject.parsing[part], over[part].astype(np.uint8) * 255
    return Layer(f"{TRUNK}_over_{arm}", TRUNK, origin, rgba, parts, real, over=arm)
