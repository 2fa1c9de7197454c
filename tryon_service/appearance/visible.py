"""What a photo shows of a person's limbs: which are in the picture at all, and which arms can be moved on their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tryon_service.appearance.attributes import HAND_FROM, Pieces
from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import widened
from tryon_service.appearance.subject import Subject
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.rig import ARMS, LEGS, joint
from tryon_service.types import BoolArray, Keypoints, Part, Person

PALM = 0.17
"""Side of a square as large as a hand, torso lengths."""
HIDDEN_HAND = 0.5
"""Share of a hand below which it counts as hidden."""
SMALL_HAND = 0.8
"""Share of a hand below which it is seen edge-on or half covered: the forearm tells which."""
COVERED_FOREARM = 0.6
"""Width of a forearm, as a share of the other one's, below which something lies over it."""
FOREARM = (2.15, 2.95)
"""Along an arm's curve: the forearm without elbow and wrist."""
HOLD = 0.06
"""Contact with the other arm, as a share of a hand, from which it holds on to it."""


def visible_limbs(keypoints: Keypoints, shape: tuple[int, ...]) -> frozenset[str]:
    """Arms and legs of which the photo shows something: the middle of a bone lies in the frame, or a wrist does."""
    out = set()
    for name in (*ARMS, *LEGS):
        side, kind = name.split("_")
        bones = ("upper_arm", "forearm") if kind == "arm" else ("thigh",)
        points = [sum(joint(keypoints, end) for end in LIMBS[f"{side}_{bone}"]) / 2 for bone in bones]
        points += [joint(keypoints, LIMBS[f"{side}_forearm"][1])] if kind == "arm" else []
        if any(_inside(np.asarray(point), shape) for point in points):
            out.add(name)
    return frozenset(out)


def anchored_arms(subject: Subject, fields: Mapping[str, LimbField], pieces: Mapping[str, Pieces]) -> frozenset[str]:
    """Arms whose hand the photo hides, or whose hand lies on the other arm."""
    out = set()
    widths = {name: _forearm_width(name, subject, fields[name], pieces[name].shown) for name in ARMS if name in fields}
    for name in (n for n in ARMS if n in fields):
        own = subject.parsing == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM)
        field, shown = fields[name], pieces[name].shown & (subject.matte > 0.5) & own
        hand = (field.t > HAND_FROM) & shown
        palm = (PALM * subject.torso) ** 2
        wrist = subject.keypoints.xy[Landmark[f"{name.split('_', maxsplit=1)[0].upper()}_WRIST"]]
        if not _inside(wrist, subject.matte.shape):
            continue
        other = next((n for n in ARMS if n != name and n in pieces), None)
        holds = other is not None and (widened(hand, 2) & pieces[other].shown).sum() > HOLD * palm
        covered = other is not None and widths[name] < COVERED_FOREARM * widths[other]
        if hand.sum() < (SMALL_HAND if covered else HIDDEN_HAND) * palm or holds:
            out.add(name)
            if holds and other:
                out.add(other)
    return frozenset(out)


def _forearm_width(arm: str, subject: Subject, field: LimbField, shown: BoolArray) -> float:
    """How wide the photo shows an arm's forearm, in pixels, the mean along it. shown: H x W, the arm's pixels."""
    elbow, wrist = (joint(subject.keypoints, end) for end in LIMBS[arm.replace("_arm", "_forearm")])
    area = (shown & (subject.matte > 0.5) & (field.t > FOREARM[0]) & (field.t < FOREARM[1])).sum()
    return float(area / max(np.hypot(*(wrist - elbow)), 1.0))


def hand_inside(person: Person, arm: str) -> bool:
    return _inside(
        joint(person.keypoints, Landmark[f"{arm.split('_', maxsplit=1)[0].upper()}_WRIST"]), person.matte.shape
    )


def _inside(point: np.ndarray, shape: tuple[int, ...]) -> bool:
    return bool(0 <= point[0] < shape[1] and 0 <= point[1] < shape[0])
