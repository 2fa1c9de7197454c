"""Hands, told from the cloth around them by their skin: fingers spread too freely for an outline."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import closed, disc, opened, smoothed, union, widened, window, without_specks
from tryon_service.appearance.subject import Subject
from tryon_service.imaging.colour import LIKE_DISTANCE, alike
from tryon_service.imaging.extend import extend_colours
from tryon_service.imaging.graph_cut import graph_cut
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import BoolArray, Part, UInt8Array

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
FAR = 100.0
"""Distance from the curve, in the same, that stands for unknown."""
HAND = 0.22
"""How far from its knuckles a hand reaches, torso lengths."""
SKIN_DISTANCE = 3.5
"""How near to the hand's own colour a finger is, see imaging/colour.py."""
SURE_DISTANCE = 1.5
"""The same for what is skin beyond doubt."""
SLEEVED = 12.0
"""How far the median colours of forearm and hand are apart in CIELAB a, b, if the forearm isn't bare."""
MIXED = 0.3
"""Share of skin colour in the cloth around a hand from which colour tells nothing."""
BARE = 0.02
"""Smallest bare leg or belly, squared torso lengths; a smaller patch is a misread hand."""
FINGER = 0.03
"""Half the width of a finger at most, torso lengths."""
BAND = 0.012
"""How far off the parsing may be where bare skin lies beside the hand, torso lengths."""
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
EDGE = 5
"""Width in pixels of the square that takes off what an outline has of the background's light."""
LIGHT = 11
"""Width in pixels of the light along an arm's outer edge, which looks like no skin."""
ALONG = 3
"""How many times more of its outline lies along the background than along the body, at least."""
FEWEST = 40
"""Pixels below which nothing can be learnt from a patch."""


def with_hands_by_colour(
    subject: Subject, arms: Mapping[str, BoolArray], fields: Mapping[str, LimbField]
) -> dict[str, BoolArray]:
    """The arms with their hands cut along the skin, and bare forearms without cloth. Where cloth of the skin's colour
    lies around a hand, the parsing is believed."""

    def cut(name: str) -> BoolArray:
        other = next((m for n, m in arms.items() if n != name), np.zeros_like(arms[name]))
        return _hand_cut(subject, arms[name], other, fields[name], name)

    return dict(zip(arms, side_by_side(cut, list(arms)), strict=True))


def _hand_cut(subject: Subject, arm: BoolArray, other: BoolArray, field: LimbField, name: str) -> BoolArray:
    own = subject.parsing == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM)
    free = (subject.matte > 0.5) & ~other & ~np.isin(subject.parsing, (Part.FACE, Part.HAIR))
    near = (field.t > BEGIN) & (field.r < REACH) & free
    zone = near | (_around_knuckles(subject, name) & ((field.t > BEGIN) | (field.r > FAR)) & free)
    samples = np.asarray(cv2.erode((near & own & arm).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if samples.sum() < FEWEST:  # no hand to be seen
        return np.asarray(arm & ~(zone & (field.t > WRIST) & ~own))
    skin, sure = _alike(subject, samples, SKIN_DISTANCE), samples & _alike(subject, samples, SURE_DISTANCE)
    forearm = arm & (field.t > FOREARM) & (field.t < BEGIN)
    sleeve = np.zeros_like(arm)
    if _apart(subject, forearm, sure) > SLEEVED:
        sleeve = ((field.t < CUFF) | (_alike(subject, forearm) & (field.t < WRIST))) & zone & arm & ~sure
    else:
        arm = arm & ~_cloth_beside(forearm & ~skin, free & ~arm)
    bare = _bare_body(subject, skin & ~arm)
    around = zone & ~arm & ~own & ~bare
    guess = zone & skin & ~bare & ~sleeve
    if around.sum() > FEWEST and skin[around].sum() > MIXED * around.sum():
        guess = zone & own & arm & ~sleeve  # the skin's colour tells nothing here, so the parsing must
    hand = _segmented(subject, guess, guess & sure, zone & ~sleeve, own & ~sleeve, bare) | sleeve
    if sleeve.any():  # the shade inside a cuff is no skin
        hand |= closed(hand | (arm & ~zone), disc(SLIVER * subject.torso)) & arm & (field.t < WRIST)
    whole = smoothed(hand | (arm & ~zone), SMOOTH)
    return np.asarray((arm & ~zone) | (whole & zone))


def _alike(subject: Subject, samples: BoolArray, distance: float = LIKE_DISTANCE) -> BoolArray:
    return alike(subject.rgb, samples, distance, subject.lab)


def _around_knuckles(subject: Subject, name: str) -> BoolArray:
    """H x W bool."""
    x, y = subject.keypoints.xy[Landmark[f"{name.removesuffix('_arm').upper()}_INDEX"]]
    out, reach = np.zeros(subject.matte.shape, bool), HAND * subject.torso
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    rows, columns = np.ogrid[top : max(top, int(y + reach) + 2), left : max(left, int(x + reach) + 2)]
    part = np.s_[top : top + rows.size, left : left + columns.size]
    height, width = out[part].shape
    out[part] = (np.hypot(columns - x, rows - y) < reach)[:height, :width]
    return out


def _apart(subject: Subject, first: BoolArray, second: BoolArray) -> float:
    """How far apart the median colours of two regions are in CIELAB a, b; 0 if one is empty."""
    if not (first.any() and second.any()):
        return 0.0
    a, b = (
        np.median(cv2.cvtColor(subject.rgb[mask].reshape(1, -1, 3), cv2.COLOR_RGB2LAB)[0, :, 1:].astype(float), axis=0)
        for mask in (first, second)
    )
    return float(np.hypot(*(a - b)))


def _cloth_beside(odd: BoolArray, body: BoolArray) -> BoolArray:
    """H x W bool: of what doesn't look like the forearm's skin (odd), the pieces that the body's cloth goes on into."""
    solid = cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(solid, connectivity=8)
    touching = np.unique(labels[widened(body, 2)])
    return np.asarray(widened(np.isin(labels, touching[touching > 0]), 1) & odd)


def _bare_body(subject: Subject, skin: BoolArray) -> BoolArray:
    """H x W bool: bare legs and belly, for whose skin a hand's colour tells nothing. Fingers are thinner."""
    seen = skin & np.isin(subject.parsing, (Part.LEFT_LEG, Part.RIGHT_LEG, Part.TORSO_SKIN))
    return without_specks(opened(seen, disc(FINGER * subject.torso)), BARE * subject.torso**2)


def _segmented(
    subject: Subject, guess: BoolArray, sure: BoolArray, zone: BoolArray, own: BoolArray, bare: BoolArray
) -> BoolArray:
    """The hand, H x W bool. guess: what is coloured like it; sure: what of that is surely in it; zone: where it may be;
    own: what the parsing takes for its arm; bare: skin that isn't the hand's."""
    part = window(guess, round(AROUND * subject.torso))
    guess, sure, zone, own, bare = (mask[part] for mask in (guess, sure, zone, own, bare))
    person = subject.matte[part] > 0.5
    band = max(2, round(BAND * subject.torso))
    core = sure & ~widened(zone & ~guess, band)
    reach = widened(guess, round(TOUCH * subject.torso)) & (zone | ~person) & (~bare | widened(guess, band))
    # Beyond the outline the person's colours go on, so that the outline is no edge.
    inner = cv2.erode(person.astype(np.uint8), np.ones((EDGE, EDGE), np.uint8)) > 0
    colours = extend_colours(subject.rgb[part], np.asarray(inner))
    found = graph_cut(colours, core, reach, person & ~own & ~guess, person) & zone
    _, pieces = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    kept = np.unique(pieces[sure])
    found = np.isin(pieces, kept[kept > 0])
    out = np.zeros(subject.matte.shape, bool)
    out[part] = found | _rims(found, zone & own, zone & ~own, person)
    return out


def _rims(hand: BoolArray, own: BoolArray, body: BoolArray, person: BoolArray) -> BoolArray:
    """H x W bool: thin pieces of the arm (own) that the light along its edge made look like something else. They lie
    along the background much more than along the body."""
    left = own & ~hand
    solid = cv2.morphologyEx(left.astype(np.uint8), cv2.MORPH_OPEN, np.ones((LIGHT, LIGHT), np.uint8)) > 0
    _, labels = cv2.connectedComponents((left & ~solid).astype(np.uint8), connectivity=8)
    outside, cloth = (
        np.bincount(labels[widened(mask, 1)], minlength=labels.max() + 1) for mask in (~person, body & ~hand)
    )
    return np.asarray(((outside > ALONG * cloth) & (np.arange(len(outside)) > 0))[labels])


def touched(subject: Subject, owners: Mapping[str, BoolArray], fields: Mapping[str, LimbField]) -> BoolArray:
    """H x W bool: cloth beside a hand that shows the hand's shadow or a fingertip, or lies between fingers. When the
    hand goes it must be completed like what was under it."""
    arms = union({name: owners[name] for name in fields}, subject.matte.shape)
    body = (subject.matte > 0.5) & ~arms

    def touched_by(name: str) -> BoolArray:
        out, shown = np.zeros(body.shape, bool), owners[name] & (subject.matte > 0.5)
        hand, lower = (shown & (fields[name].t > start) for start in (BEGIN, FOREARM))
        if lower.any():
            part = window(lower, round(2 * AROUND * subject.torso))
            out[part] |= widened(lower[part], round(TOUCH * subject.torso)) & _thin(body[part], subject.torso)
        if hand.any():
            part = window(hand, round(2 * AROUND * subject.torso))
            out[part] |= _touched_by(hand[part], body[part], subject.rgb[part], subject.torso)
        return out

    found = union(dict(zip(fields, side_by_side(touched_by, list(fields)), strict=True)), body.shape)
    bare = np.isin(subject.parsing, (Part.LEFT_LEG, Part.RIGHT_LEG, Part.FACE, Part.HAIR)) & body
    bare &= ~_thin(bare, subject.torso)
    return np.asarray(found & ~bare)


def _thin(body: BoolArray, torso: float) -> BoolArray:
    """What of the body is too narrow to be more than cloth between fingers or along a cut."""
    return np.asarray(body & ~opened(body, disc(SLIVER * torso)))


def _touched_by(hand: BoolArray, body: BoolArray, rgb: UInt8Array, torso: float) -> BoolArray:
    near = widened(hand, max(2, round(TOUCH * torso))) & body
    calm = (widened(hand, round(AROUND * torso)) & body & ~near).astype(np.float32)
    sigma = AROUND * torso / 2
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(calm, (0, 0), sigma), 1e-4)
    mean = cv2.GaussianBlur(lab * calm[..., None], (0, 0), sigma) / share[..., None]
    spread = cv2.GaussianBlur(((lab - mean) ** 2).sum(axis=2) * calm, (0, 0), sigma) / share
    apart = np.linalg.norm(cv2.GaussianBlur(lab, (0, 0), 1.0) - mean, axis=2)
    odd = near & (share > 0.01) & (apart > ODD * np.sqrt(spread) + ODD_LEVELS)
    rim = widened(hand, max(1, round(RIM * torso))) & body
    return np.asarray(rim | (widened(np.asarray(odd), 1) & near))
