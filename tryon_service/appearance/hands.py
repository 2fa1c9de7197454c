"""Hands, told from the cloth around them by their skin: fingers spread too freely for an outline."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import closed, widened, window
from tryon_service.appearance.subject import Subject
from tryon_service.imaging.colour import alike
from tryon_service.types import BoolArray, Float32Array, Part

BEGIN = 2.9
"""Where a hand begins on its arm's curve."""
FOREARM = 2.3
"""Along an arm's curve: from here on slivers of cloth beside it are what a cut left over."""
CUFF = 3.12
"""Where a sleeve ends at last."""
WRIST = 3.45
"""Up to here what lies between sleeve and hand belongs to both."""
REACH = 2.6
"""How far fingers spread from the curve, in usual radii of a wrist."""
SKIN_DISTANCE = 3.5
"""How near to the hand's own colour a finger is, see imaging/colour.py."""
MIXED = 0.3
"""Share of skin colour in the cloth around a hand from which colour tells nothing."""
TOUCH = 0.05
"""How far a hand's shadow, or a fingertip that was missed, reaches on the cloth, torso lengths."""
RIM = 0.022
"""How near to a hand its edge and shading are on the cloth for sure, torso lengths."""
AROUND = 0.15
"""How far around a hand the cloth tells how it looks untouched, torso lengths."""
SLIVER = 0.02
"""Half the width of a piece of cloth between fingers, torso lengths."""
ODD = 2.0
"""Distance from the cloth around, in its standard deviations and beyond ODD_LEVELS, of a colour that isn't its own."""
ODD_LEVELS = 5.0
SMOOTH = 1.5
"""Sigma, in pixels, that takes the teeth out of a hand's outline."""
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
    if samples.sum() < FEWEST:  # no hand to be seen
        return np.asarray(arm & ~(zone & (field.t > WRIST) & ~own))
    head = np.isin(subject.parsing, (Part.FACE, Part.HAIR))
    like = alike(subject.rgb, np.asarray(samples), SKIN_DISTANCE) & zone & ~head
    forearm = arm & (field.t > FOREARM) & (field.t < BEGIN) & ~own
    sleeve = alike(subject.rgb, forearm) & zone & arm & ~like
    around = zone & ~arm
    if around.sum() > FEWEST and like[around & ~own].sum() > MIXED * (around & ~own).sum():
        like = zone & own & arm  # the skin's colour tells nothing here, so the parsing must
    _, labels = cv2.connectedComponents(closed(like, np.ones((3, 3), np.uint8)).astype(np.uint8), connectivity=8)
    found = np.unique(labels[samples & (labels > 0)])
    fingers = np.isin(labels, found[found > 0]) & zone
    opened = cv2.morphologyEx(fingers.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    fingers = (cv2.GaussianBlur(opened.astype(np.float32), (0, 0), SMOOTH) > 0.4) & zone  # colour cuts a little tight
    cut = (arm & ~(zone & (field.t > CUFF))) | fingers | (sleeve & (field.t < WRIST))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(SLIVER * subject.torso)) + 1,) * 2)
    return np.asarray(cut | (closed(cut, disc) & arm & (field.t < WRIST)))  # the shade inside a cuff is no skin


def touched(subject: Subject, owners: Mapping[str, BoolArray], fields: Mapping[str, LimbField]) -> BoolArray:
    """H x W bool: cloth beside a hand that shows the hand's shadow or a fingertip, or lies between fingers. When the
    hand goes it must be completed like what was under it."""
    arms = np.zeros(subject.matte.shape, bool)
    for name in fields:
        arms |= owners[name]
    body = (subject.matte > 0.5) & ~arms
    out = np.zeros(body.shape, bool)
    lab = cv2.cvtColor(subject.rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    for name, field in fields.items():
        hand = owners[name] & (field.t > BEGIN) & (subject.matte > 0.5)
        lower = owners[name] & (field.t > FOREARM) & (subject.matte > 0.5)
        if lower.any():
            part = window(lower, round(2 * AROUND * subject.torso))
            out[part] |= widened(lower[part], round(TOUCH * subject.torso)) & _thin(body[part], subject.torso)
        if hand.any():
            part = window(hand, round(2 * AROUND * subject.torso))
            out[part] |= _touched_by(hand[part], body[part], lab[part], subject.torso)
    bare = np.isin(subject.parsing, (Part.LEFT_LEG, Part.RIGHT_LEG, Part.FACE, Part.HAIR))
    return np.asarray(out & ~bare)


def _thin(body: BoolArray, torso: float) -> BoolArray:
    """What of the body is too narrow to be more than cloth between fingers or along a cut."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(SLIVER * torso)) + 1,) * 2)
    return np.asarray(body & ~(cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0))


def _touched_by(hand: BoolArray, body: BoolArray, lab: Float32Array, torso: float) -> BoolArray:
    near = widened(hand, max(2, round(TOUCH * torso))) & body
    calm = (widened(hand, round(AROUND * torso)) & body & ~near).astype(np.float32)
    sigma = AROUND * torso / 2
    share = np.maximum(cv2.GaussianBlur(calm, (0, 0), sigma), 1e-4)
    mean = cv2.GaussianBlur(lab * calm[..., None], (0, 0), sigma) / share[..., None]
    spread = cv2.GaussianBlur(((lab - mean) ** 2).sum(axis=2) * calm, (0, 0), sigma) / share
    apart = np.linalg.norm(cv2.GaussianBlur(lab, (0, 0), 1.0) - mean, axis=2)
    odd = near & (share > 0.01) & (apart > ODD * np.sqrt(spread) + ODD_LEVELS)
    rim = widened(hand, max(1, round(RIM * torso))) & body
    return np.asarray(rim | (widened(np.asarray(odd), 1) & near))
