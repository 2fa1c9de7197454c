"""Hands, told from the cloth around them by their skin: fingers spread too freely for an outline."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import closed
from tryon_service.appearance.subject import Subject
from tryon_service.imaging.colour import alike
from tryon_service.types import BoolArray, Part

BEGIN = 2.9
"""Where a hand begins on its arm's curve."""
CUFF = 3.12
"""Where a sleeve ends at last."""
REACH = 2.6
"""How far fingers spread from the curve, in usual radii of a wrist."""
SKIN_DISTANCE = 3.5
"""How near to the hand's own colour a finger is, see imaging/colour.py."""
MIXED = 0.3
"""Share of skin colour in the cloth around a hand from which colour tells nothing."""
FEWEST = 40
"""Pixels below which nothing can be learnt from a patch."""


def with_hands_by_colour(
    subject: Subject, arms: Mapping[str, BoolArray], fields: Mapping[str, LimbField]
) -> dict[str, BoolArray]:
    """The arms with their hands cut along the skin; unchanged where bare legs or the like lie around a hand."""
    out = {}
    for name, mask in arms.items():
        other = next((m for n, m in arms.items() if n != name), np.zeros_like(mask))
        out[name] = _hand_cut(subject, mask, other, fields[name], name)
    return out


def _hand_cut(subject: Subject, arm: BoolArray, other: BoolArray, field: LimbField, name: str) -> BoolArray:
    zone = (field.t > BEGIN) & (field.r < REACH) & (subject.matte > 0.5) & ~other
    own = subject.parsing == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM)
    samples = cv2.erode((zone & own & arm).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if samples.sum() < FEWEST:
        return arm
    head = np.isin(subject.parsing, (Part.FACE, Part.HAIR))
    like = alike(subject.rgb, np.asarray(samples), SKIN_DISTANCE) & zone & ~head
    around = zone & ~arm
    if around.sum() > FEWEST and like[around & ~own].sum() > MIXED * (around & ~own).sum():
        return arm
    _, labels = cv2.connectedComponents(closed(like, np.ones((3, 3), np.uint8)).astype(np.uint8), connectivity=8)
    found = np.unique(labels[samples & (labels > 0)])
    return np.asarray((arm & ~(zone & (field.t > CUFF))) | (np.isin(labels, found[found > 0]) & zone))
