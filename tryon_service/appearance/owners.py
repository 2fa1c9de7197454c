"""Which layer shows at each pixel of a person: arms, legs, and the trunk that everything else belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from tryon_service.appearance.arms import arm_masks
from tryon_service.appearance.attributes import TRUNK
from tryon_service.appearance.hands import with_hands_by_colour
from tryon_service.appearance.limbs import LimbField, nearer_leg, own_legs
from tryon_service.appearance.masks import disc, opened, union, widened, without_specks
from tryon_service.appearance.subject import FAINT, Subject
from tryon_service.imaging.complete import at_pixels, nearest_known
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.rig import Rig, joint
from tryon_service.types import BoolArray, Part

LOWER = (Part.TROUSERS, Part.LEFT_LEG, Part.RIGHT_LEG, Part.SHOES)
HANGING = (Part.SKIRT, Part.DRESS)
TENDRIL = 0.02
"""Strips thinner than twice this beside an arm are leftovers, torso lengths."""
SCRAP = 0.02
"""Pieces of the body smaller than this are leftovers, in squared torso lengths."""
LEANING = 0.7
"""How much of its edge a leftover shares with its arm at least, in square roots of its pixels."""
BELOW_STRAPS = 1.2
"""Along an arm's curve: before this a thin strip beside the arm may be a strap."""
BESIDE = 0.05
"""How far around a thing the cloth is that it may be a patch of, torso lengths."""
SAME_COLOUR = 28.0
"""Distance in 8-bit CIELAB below which two patches may be one cloth in light and shade."""
SHADED = np.array((0.5, 1.0, 1.0), np.float32)
"""Weights of L, a and b in it: in a hand's shade cloth keeps its hue."""
ONE_CLOTH = 0.25
"""Share of what lies around a thing that must be so near."""
CUFF = 2.9
"""Along an arm's curve: from here on what lies beside it was never part of the sleeve."""
FOREARM = 2.4
"""Along an arm's curve: from here on it may hold something."""


def arms_of(subject: Subject, rig: Rig, fields: dict[str, LimbField]) -> dict[str, BoolArray]:
    """H x W bool per arm: sleeve, skin, hand and what the hand holds."""
    bare = with_hands_by_colour(subject, arm_masks(subject, rig, list(fields)), fields)
    return _with_leftovers(_with_things_in_hand(bare, fields, subject), fields, subject)


def owners_of(subject: Subject, arms: dict[str, BoolArray], legs: dict[str, LimbField]) -> dict[str, BoolArray]:
    """Which layer shows at each pixel; without overlap, and but for leftovers of the split they cover the person and
    the soft rim around it."""
    person = subject.matte > 0.5
    taken = union(arms, person.shape)
    lower = _legwear(subject, person & ~taken)
    split = own_legs(subject.rgb, lower, legs, nearer_leg(subject.keypoints))
    split = {name: without_specks(mask, SCRAP * subject.torso**2) for name, mask in split.items()}
    taken |= union(split, person.shape)
    owners = {**split, TRUNK: person & ~taken, **arms}
    if not person.any():
        return owners
    nearest, shows = nearest_known(person), subject.matte > FAINT
    return {name: at_pixels(mask, nearest) & shows for name, mask in owners.items()}


def _with_things_in_hand(
    owners: dict[str, BoolArray], arms: Mapping[str, LimbField], subject: Subject
) -> dict[str, BoolArray]:
    """What a hand holds goes with the hand: accessories that touch the lower part of a forearm. A patch of the
    clothes' own colour beside a hand is no bag, whatever the parsing says. At the wrist it may be a cuff."""
    body = (subject.matte > 0.5) & ~union(owners, subject.matte.shape)
    legwear = np.isin(subject.parsing, (Part.TROUSERS, *HANGING))
    things = (subject.parsing == Part.ACCESSORIES) & body
    count, labels = cv2.connectedComponents(things.astype(np.uint8), connectivity=8)
    forearms = union({n: m & (arms[n].t > FOREARM) & (arms[n].t < CUFF) for n, m in owners.items()}, body.shape)
    cuffs = np.unique(labels[widened(forearms, 3)])
    cloth = [
        k for k in range(1, count) if _of_one_cloth(subject, labels == k, body & (legwear if k in cuffs else ~things))
    ]
    things &= ~np.isin(labels, cloth)
    out = {}
    for name, mask in owners.items():
        held = np.unique(labels[widened(mask & (arms[name].t > FOREARM), 3) & things])
        out[name] = mask | (np.isin(labels, held) & things)
        things = things & ~out[name]
    return out


def _of_one_cloth(subject: Subject, thing: BoolArray, body: BoolArray) -> bool:
    """Whether what the parsing calls a thing has the colour of a good part of the body beside it."""
    rim = widened(thing, round(BESIDE * subject.torso)) & body
    if not rim.any():
        return False
    own, beside = (
        cv2.cvtColor(subject.rgb[mask].reshape(1, -1, 3), cv2.COLOR_RGB2LAB)[0].astype(np.float32)
        for mask in (thing, rim)
    )
    apart = np.linalg.norm((beside - np.median(own, axis=0)) * SHADED, axis=1)
    return bool((apart < SAME_COLOUR).mean() > ONE_CLOTH)


def _legwear(subject: Subject, body: BoolArray) -> BoolArray:
    """What moves with the legs. Below the hips a person wears trousers or something that hangs round both legs, hardly
    ever both, so where the parsing sees patches of each, the larger one decides."""
    hips = joint(subject.keypoints, Landmark.LEFT_HIP), joint(subject.keypoints, Landmark.RIGHT_HIP)
    below = np.zeros(body.shape, bool)
    below[max(0, int(min(hips[0][1], hips[1][1]) - 0.1 * subject.torso)) :] = True
    worn = body & below
    trousers, hanging = worn & (subject.parsing == Part.TROUSERS), worn & np.isin(subject.parsing, HANGING)
    lower = np.isin(subject.parsing, LOWER) & body
    if trousers.sum() < hanging.sum():
        return np.asarray(lower & ~trousers, np.bool_)
    thighs = np.zeros(body.shape, bool)
    thighs[max(0, int(max(hips[0][1], hips[1][1]) + 0.15 * subject.torso)) :] = True
    coat = np.isin(subject.parsing, (Part.OUTERWEAR, Part.UPPER))
    return np.asarray(lower | hanging | (body & thighs & ~coat), np.bool_)


def _with_leftovers(
    arms: dict[str, BoolArray], fields: Mapping[str, LimbField], subject: Subject
) -> dict[str, BoolArray]:
    """What a cut left beside an arm goes with the arm: a piece of bare arm, a sleeve's corner or a sliver along it."""
    legwear = np.isin(subject.parsing, (Part.TROUSERS, Part.SKIRT, Part.LEFT_LEG, Part.RIGHT_LEG))
    sleeves = np.isin(subject.parsing, (Part.UPPER, Part.OUTERWEAR, Part.DRESS))
    rest = (subject.matte > 0.5) & ~union(arms, subject.matte.shape) & ~legwear
    solid = without_specks(opened(rest, disc(TENDRIL * subject.torso)), SCRAP * subject.torso**2)
    out = {}
    for name, mask in arms.items():
        own = subject.parsing == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM)
        below, above_hand = mask & (fields[name].t > BELOW_STRAPS), fields[name].t < CUFF
        bare = _leaning(rest & own & above_hand, below)
        out[name] = mask | bare | _leaning(rest & ~solid & ~bare, below & sleeves, above_hand)
    return out


def _leaning(pieces: BoolArray, arm: BoolArray, where: BoolArray | None = None) -> BoolArray:
    """Those connected pieces that share enough of their edge with the arm; where: the part of the edge that counts."""
    _, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=8)
    count = int(labels.max()) + 1
    edge = widened(arm, 2) & pieces if where is None else widened(arm, 2) & pieces & where
    touching, sizes = np.bincount(labels[edge], minlength=count), np.bincount(labels.ravel(), minlength=count)
    return np.asarray(((touching > LEANING * np.sqrt(sizes)) & (np.arange(count) > 0))[labels])
