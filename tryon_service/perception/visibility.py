"""Our own judgement of which landmarks are really seen; the network's visibility alone is no proof.

A network that knows bodies puts a hand hidden in a pocket on a passer-by and calls it visible. So a landmark counts
as seen only if it lies inside the frame, on this person's matte, and at the end of a limb that is not longer on the
picture than the body's 3D proportions allow. An elbow or knee that the network half believes in counts as seen where
matte, proportions and parsing all speak for it: wide trousers and coats make a network doubt what is plain to see.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from tryon_service.perception.scale import pixels_per_metre
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import BoolArray, Float32Array, Keypoints, Part, UInt8Array

MIN_VISIBILITY = 0.5
"""Below this a wrist or ankle was hidden or misplaced in nearly all of the street photos looked at, and an elbow or
knee in half of them."""
LEAST_VISIBILITY = 0.2
"""Below this an elbow or knee was hidden or misplaced in all of them."""
MATTE_TOLERANCE = 0.02
"""How far off the matte a landmark may lie, as a share of the body's scale (pixels per metre of its 3D twin)."""
MAX_STRETCH = 1.6
"""How much longer than its 3D twin a limb may look: cameras come close and the 3D twin errs too."""

_FOLLOWERS = {
    Landmark.LEFT_WRIST: (Landmark.LEFT_PINKY, Landmark.LEFT_INDEX, Landmark.LEFT_THUMB),
    Landmark.RIGHT_WRIST: (Landmark.RIGHT_PINKY, Landmark.RIGHT_INDEX, Landmark.RIGHT_THUMB),
    Landmark.LEFT_ANKLE: (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    Landmark.RIGHT_ANKLE: (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
}
"""Hand and foot points are no better than the joint they hang on."""

AGREEMENT_RADIUS = 0.09
"""Half the side of the square round a joint in which the parsing is asked, metres of the body."""
AGREEMENT_SHARE = 0.04
"""Share of the square that must be a part that the joint could belong to."""
ELBOW_SHARE = 0.2
"""The same for an elbow, which is thicker: seen ones have 0.35 and more, one put on a lamp behind its owner 0.08."""
PLAIN_SHARE = 0.9
"""Share of the person's own pixels in the square that must be the limb of a joint that the network half believes in."""
TWINS_APART = 0.06
"""Metres: a joint nearer to its twin than this is hidden by it or hides it, as in a side view."""
_SLEEVES = (Part.UPPER, Part.OUTERWEAR, Part.DRESS)
_LEGWEAR = (Part.TROUSERS, Part.SKIRT, Part.DRESS, Part.OUTERWEAR, Part.SHOES)
_COULD_BE = {
    Landmark.LEFT_ELBOW: (Part.LEFT_ARM, Part.RIGHT_ARM, Part.ACCESSORIES, *_SLEEVES),
    Landmark.RIGHT_ELBOW: (Part.LEFT_ARM, Part.RIGHT_ARM, Part.ACCESSORIES, *_SLEEVES),
    Landmark.LEFT_WRIST: (Part.LEFT_ARM, Part.RIGHT_ARM, Part.ACCESSORIES, *_SLEEVES),
    Landmark.RIGHT_WRIST: (Part.LEFT_ARM, Part.RIGHT_ARM, Part.ACCESSORIES, *_SLEEVES),
    Landmark.LEFT_KNEE: (Part.LEFT_LEG, Part.RIGHT_LEG, *_LEGWEAR),
    Landmark.RIGHT_KNEE: (Part.LEFT_LEG, Part.RIGHT_LEG, *_LEGWEAR),
    Landmark.LEFT_ANKLE: (Part.LEFT_LEG, Part.RIGHT_LEG, *_LEGWEAR),
    Landmark.RIGHT_ANKLE: (Part.LEFT_LEG, Part.RIGHT_LEG, *_LEGWEAR),
}
"""What may be seen where the joint is: the limb, or what covers it."""
_ELBOWS = (Landmark.LEFT_ELBOW, Landmark.RIGHT_ELBOW)
_PLAIN = {
    Landmark.LEFT_ELBOW: (Part.LEFT_ARM, *_SLEEVES),
    Landmark.RIGHT_ELBOW: (Part.RIGHT_ARM, *_SLEEVES),
    Landmark.LEFT_KNEE: (Part.LEFT_LEG, Part.TROUSERS),
    Landmark.RIGHT_KNEE: (Part.RIGHT_LEG, Part.TROUSERS),
}
"""The limb itself or what follows it closely, of joints that may be half believed in; a skirt hides where a knee is."""


def judge_seen(keypoints: Keypoints, matte: Float32Array) -> BoolArray:
    """33 bool, in landmark order; elbows and knees that need agree_with_parsing's word count. matte: H x W in [0, 1],
    the frame the keypoints are in."""
    least = np.full(len(keypoints.xy), MIN_VISIBILITY)
    least[list(_PLAIN)] = LEAST_VISIBILITY
    seen = _inside(keypoints, matte) & _on_matte(keypoints, matte) & (keypoints.visibility >= least)
    for far in _overstretched(keypoints):
        seen[far] = False
    for joint, followers in _FOLLOWERS.items():
        seen[list(followers)] &= seen[joint]
    return seen


def agree_with_parsing(keypoints: Keypoints, parsing: UInt8Array) -> BoolArray:
    """33 bool: false for an elbow, wrist, knee or ankle where the parsing (H x W uint8 Part ids) shows nothing that
    could be it or cover it: a hand in a trouser pocket, an ankle on a bag. Of an elbow or knee that the network only
    half believes in the limb itself must show, and apart from its twin."""
    scale = pixels_per_metre(keypoints)
    radius = max(1, round(AGREEMENT_RADIUS * scale))
    height, width = parsing.shape
    agreed = np.ones(len(keypoints.xy), np.bool_)
    for joint, parts in _COULD_BE.items():
        x, y = (int(v) for v in np.rint(keypoints.xy[joint]))
        if 0 <= x < width and 0 <= y < height:
            around = parsing[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            least = ELBOW_SHARE if joint in _ELBOWS else AGREEMENT_SHARE
            agreed[joint] = np.isin(around, parts).mean() >= least
            if joint in _PLAIN and keypoints.visibility[joint] < MIN_VISIBILITY:
                agreed[joint] = _plain(around, _PLAIN[joint]) and _from_twin(keypoints, joint) > TWINS_APART * scale
    for joint, followers in _FOLLOWERS.items():
        agreed[list(followers)] = agreed[joint]
    return agreed


def _plain(around: UInt8Array, parts: tuple[Part, ...]) -> bool:
    """Whether what shows of a person around a joint is next to nothing but these parts."""
    person = int((around != Part.BACKGROUND).sum())
    return bool(person and np.isin(around, parts).sum() >= PLAIN_SHARE * person)


def _from_twin(keypoints: Keypoints, joint: Landmark) -> float:
    """Pixels from a joint to the same one of the body's other side."""
    side, name = joint.name.split("_", maxsplit=1)
    twin = Landmark[f"{'RIGHT' if side == 'LEFT' else 'LEFT'}_{name}"]
    return float(np.hypot(*(keypoints.xy[joint] - keypoints.xy[twin])))


def body_scale(keypoints: Keypoints, mask: Float32Array) -> float:
    """Pixels per metre, kept within what the person mask's extent allows, since a pose may be far off."""
    rows = np.flatnonzero((mask > 0.5).any(axis=1))
    extent = float(rows[-1] - rows[0] + 1) if len(rows) else 1.0
    return float(np.clip(pixels_per_metre(keypoints), extent / 2.5, extent / 0.5))


def _inside(keypoints: Keypoints, matte: Float32Array) -> BoolArray:
    height, width = matte.shape
    return np.asarray(np.all((keypoints.xy >= 0) & (keypoints.xy <= (width - 1, height - 1)), axis=1), np.bool_)


def _on_matte(keypoints: Keypoints, matte: Float32Array) -> BoolArray:
    """Whether each landmark lies on the matte or within the tolerance of it."""
    height, width = matte.shape
    distance = cv2.distanceTransform((matte < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    at = np.clip(np.rint(keypoints.xy), 0, (width - 1, height - 1)).astype(np.int64)
    return np.asarray(distance[at[:, 1], at[:, 0]] <= MATTE_TOLERANCE * pixels_per_metre(keypoints), np.bool_)


def _overstretched(keypoints: Keypoints) -> Iterator[Landmark]:
    """The far ends of limbs that look longer than they can be."""
    scale = pixels_per_metre(keypoints)
    for near, far in LIMBS.values():
        length = float(np.linalg.norm(keypoints.world[far] - keypoints.world[near]))
        if np.hypot(*(keypoints.xy[far] - keypoints.xy[near])) > MAX_STRETCH * scale * length:
            yield far
