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
from tryon_service.types import Keypoints, Part, Person

PALM = 0.17
"""Side of a square as large as a hand, torso lengths."""
HIDDEN_HAND = 0.7
"""Share of a hand below which it counts as hidden."""
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
        if hand.sum() < HIDDEN_HAND * palm or holds:
            out.add(name)
            if holds and other:
                out.add(other)
    return frozenset(out)


def hand_inside(person: Person, arm: str) -> bool:
    return _inside(
        joint(person.keypoints, Landmark[f"{arm.split('_', maxsplit=1)[0].upper()}_WRIST"]), person.matte.shape
    )


def _inside(point: np.ndarray, shape: tuple[int, ...]) -> bool:
    return bool(0 <= point[0] < shape[1] and 0 <= point[1] < shape[0])
