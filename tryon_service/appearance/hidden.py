"""What a layer has behind other layers: torso behind a crossing arm, thigh under a hem, one leg behind the other."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import around_contact, between, hull, main_piece, union
from tryon_service.appearance.owners import TRUNK
from tryon_service.appearance.subject import Subject
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.rig import ARMS, LEGS
from tryon_service.types import BoolArray, Keypoints

ENDS = 2.9
"""Along a limb's curve: beyond this a hand or foot can't be completed behind its twin."""
RIM = 0.012
"""How far the trunk or a leg is continued behind an arm that hangs at its side, torso lengths."""
CROSSING = 1.5
"""Along an arm's curve: from here on, past the middle of the upper arm, it may cross in front of the torso."""
SMOOTH = 0.02
"""Sigma that rounds the outline of hidden parts, torso lengths."""


def hidden_parts(subject: Subject, owners: dict[str, BoolArray], fields: dict[str, LimbField]) -> dict[str, BoolArray]:
    """Per layer the pixels that belong to it but lie behind another one."""
    person = subject.matte > 0.5
    arms = union({n: m for n, m in owners.items() if n in ARMS}, person.shape) & person
    out = {}
    for name, owned in owners.items():
        covered = person & ~owned
        visible = owned & person
        if name == TRUNK:
            crossing = union({n: m & (fields[n].t > CROSSING) for n, m in owners.items() if n in ARMS}, person.shape)
            behind = arms & around_contact(visible, arms, RIM * subject.torso)
            behind |= crossing & person & between(main_piece(visible), 0.6 * subject.torso, 0.45 * subject.torso)
            out[name] = behind & main_piece(visible | behind)
            continue
        field = fields[name]
        twin = owners.get(_twin(name), np.zeros_like(visible))
        out[name] = covered & twin & (field.q < 1.0) & (field.r < 1.1) & (field.t < ENDS)
        out[name] &= _lies_behind(name, subject.keypoints)
        if name in LEGS:
            under_hem = owners[TRUNK] & person & (field.r < 0.95) & (field.q < 1.0) & (field.t > 0.5) & (field.t < 3.0)
            behind = arms & (
                between(visible, 0.4 * subject.torso, 0.45 * subject.torso) | hull(visible & (field.t < 2.0))
            )
            behind &= field.r < 1.35
            beside = around_contact(visible, arms, RIM * subject.torso) & (field.q < 1.15) & (field.r < 1.2)
            out[name] |= under_hem | behind | beside
    for name, mask in out.items():
        body = (owners[name] & person) | mask
        out[name] = mask & (cv2.GaussianBlur(body.astype(np.float32), (0, 0), SMOOTH * subject.torso) > 0.5)
    return out


def _twin(limb: str) -> str:
    side, kind = limb.split("_")
    return f"{'right' if side == 'left' else 'left'}_{kind}"


def _lies_behind(limb: str, keypoints: Keypoints) -> bool:
    """Whether the limb's far half is farther from the camera than its twin's."""

    def depth(name: str) -> float:
        side, kind = name.upper().split("_")
        ends = ("ELBOW", "WRIST") if kind == "ARM" else ("KNEE", "ANKLE")
        return float(sum(keypoints.world[Landmark[f"{side}_{end}"], 2] for end in ends))

    return depth(limb) > depth(_twin(limb))
