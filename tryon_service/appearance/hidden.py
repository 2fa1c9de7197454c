"""What a layer has behind other layers: torso behind a crossing arm, thigh under a hem, one leg behind the other."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.appearance.attributes import TRUNK
from tryon_service.appearance.body import behind_arms
from tryon_service.appearance.limbs import LimbField
from tryon_service.appearance.masks import disc, opened, smoothed, union, widened
from tryon_service.appearance.subject import Subject
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import FrameCurve
from tryon_service.retarget.rig import ARMS, LEGS
from tryon_service.types import BoolArray, Keypoints

ENDS = 2.9
"""Along a limb's curve: beyond this a hand or foot can't be completed behind its twin."""
HIPS = 1.5
"""Along a leg's curve: up to here what an arm hides belongs to both legs, which move almost as one."""
KNEE = 2.0
"""Along a leg's curve: before this a leg shows its twin's pixels where they touch, and needs none behind it."""
HEM = 0.2
"""How far a leg goes on under the hem that covers it, torso lengths."""
TAG = 0.035
"""Radius below which a hidden piece that sticks out is none of the body's, torso lengths."""
SMOOTH = 0.02
"""Sigma that rounds the outline of hidden parts, torso lengths."""


def hidden_parts(
    subject: Subject, spine: FrameCurve, owners: dict[str, BoolArray], fields: dict[str, LimbField]
) -> dict[str, BoolArray]:
    """Per layer the pixels that belong to it but lie behind another one."""
    person = subject.matte > 0.5
    out = behind_arms(subject, spine, owners)
    for name, owned in owners.items():
        if name != TRUNK:
            field = fields[name]
            twin = owners.get(_twin(name), np.zeros_like(person))
            behind_twin = person & ~owned & twin & (field.q < 1.0) & (field.r < 1.1) & (field.t < ENDS)
            out[name] = out.get(name, np.zeros_like(person)) | (behind_twin & _lies_behind(name, subject.keypoints))
        if name in LEGS:
            out[name] |= out.get(_twin(name), np.zeros_like(person)) & (field.t < HIPS) & (field.r < 1.3)
            out[name] &= ~(twin & (field.t < KNEE))
            below = (owned & person) | out[name]
            out[name] |= _above(below, round(HEM * subject.torso)) & (owners[TRUNK] | out[TRUNK]) & person
    arms = union({name: owners[name] for name in ARMS if name in owners}, person.shape) & person

    def rounded(name: str) -> BoolArray:
        if not out[name].any():
            return out[name]
        body = opened((owners[name] & person) | out[name], disc(TAG * subject.torso))
        near = out[name] | (arms & widened(out[name], round(SMOOTH * subject.torso)))
        return smoothed(body, SMOOTH * subject.torso) & near

    return dict(zip(out, side_by_side(rounded, list(out)), strict=True))


def _above(mask: BoolArray, pixels: int) -> BoolArray:
    """What lies up to so many pixels above the mask."""
    column = np.ones((max(pixels, 1) + 1, 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), column, anchor=(0, 0)) > 0)


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
