"""A pose as framed curves: one spine and four limbs. The same function builds them for the photo and for the target, so
that carrying pixels from one to the other is only a matter of curves.carry.

Convention: (x, y) pixels; the spine's parameter t is 0 at the hips' middle, 1 at the shoulders' middle, 2 between the
ears; an arm's is 0 at the collar, 1 shoulder, 2 elbow, 3 wrist, 4
fingertips; a leg's is 0 at the waist, 1 hip, 2 knee, 3 ankle, 4
toe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import SAMPLES_PER_BONE, FrameCurve, Points, limb_curve, unit, unwrap_towards
from tryon_service.types import Keypoints

ARMS = ("left_arm", "right_arm")
LEGS = ("left_leg", "right_leg")

ARM_ZONES = [0.30, 0.15, 0.15]
LEG_ZONES = [0.25, 0.16, 0.18]
COLLAR = 0.40
FINGERS = 2.0
"""Fingertips lie this many times as far from the wrist as the knuckles, which are the landmarks."""
WAIST = 0.35


@dataclass(frozen=True)
class Rig:
    """spine: hips, shoulders, head; limbs: by name, ARMS and LEGS."""

    spine: FrameCurve
    limbs: Mapping[str, FrameCurve]


def joint(keypoints: Keypoints, landmark: Landmark) -> Points:
    """(x, y) as float64."""
    return keypoints.xyz[landmark, :2].astype(np.float64)


def middle(keypoints: Keypoints, a: Landmark, b: Landmark) -> Points:
    return np.asarray((joint(keypoints, a) + joint(keypoints, b)) / 2)


def build_rig(keypoints: Keypoints, scale: float = 1.0) -> Rig:
    """The pose's curves. scale: what widths are measured in (1 for the photo, TargetPose.scale for a target)."""
    limbs = {name: _arm(keypoints, name.removesuffix("_arm").upper(), scale) for name in ARMS}
    limbs |= {name: _leg(keypoints, name.removesuffix("_leg").upper(), scale) for name in LEGS}
    return Rig(_spine(keypoints), limbs)


def _arm(keypoints: Keypoints, side: str, scale: float) -> FrameCurve:
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    shoulder = joint(keypoints, Landmark[f"{side}_SHOULDER"])
    collar = shoulder + COLLAR * (neck - shoulder)
    elbow, wrist = (joint(keypoints, Landmark[f"{side}_{name}"]) for name in ("ELBOW", "WRIST"))
    knuckles = middle(keypoints, Landmark[f"{side}_PINKY"], Landmark[f"{side}_INDEX"])
    fingertips = wrist + FINGERS * (knuckles - wrist)
    return limb_curve(_apart(np.array([collar, shoulder, elbow, wrist, fingertips])), list(ARM_ZONES), scale)


def _leg(keypoints: Keypoints, side: str, scale: float) -> FrameCurve:
    hip = joint(keypoints, Landmark[f"{side}_HIP"])
    waist = hip + WAIST * (joint(keypoints, Landmark[f"{side}_SHOULDER"]) - hip)
    rest = [joint(keypoints, Landmark[f"{side}_{name}"]) for name in ("KNEE", "ANKLE", "FOOT_INDEX")]
    return limb_curve(_apart(np.array([waist, hip, *rest])), list(LEG_ZONES), scale)


def _apart(joints: Points) -> Points:
    """Joints at least a pixel apart, so that every bone has a direction."""
    out = joints.copy()
    for k in range(1, len(out)):
        gap = out[k] - out[k - 1]
        if np.hypot(*gap) < 1.0:
            out[k:] += unit(gap) - gap
    return out


def _spine(keypoints: Keypoints) -> FrameCurve:
    hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    head = middle(keypoints, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
    joints = _apart(np.array([hips, neck, head]))
    bones = np.diff(joints, axis=0)
    lengths = np.linalg.norm(bones, axis=1)
    up = np.arctan2(bones[:, 1], bones[:, 0])
    lines = [
        _line_angle(keypoints, Landmark.RIGHT_HIP, Landmark.LEFT_HIP, up[0], lengths[0]),
        _line_angle(keypoints, Landmark.RIGHT_SHOULDER, Landmark.LEFT_SHOULDER, up[0], lengths[0]),
        _line_angle(keypoints, Landmark.RIGHT_EYE, Landmark.LEFT_EYE, up[1], lengths[1]),
    ]
    t = np.linspace(0.0, 2.0, 2 * SAMPLES_PER_BONE + 1)
    along = up[0] + (unwrap_towards(up[1], up[0]) - up[0]) * _ramp(t, 1.0, 1.55)
    shoulder_line = unwrap_towards(lines[1], lines[0])
    head_line = unwrap_towards(lines[2], shoulder_line)
    across = (
        lines[0] + (shoulder_line - lines[0]) * _ramp(t, 0.1, 0.9) + (head_line - shoulder_line) * _ramp(t, 1.05, 1.6)
    )
    points = np.stack([np.interp(t, [0, 1, 2], joints[:, axis]) for axis in (0, 1)], axis=1)
    widths = [
        max(float(np.hypot(*(joint(keypoints, left) - joint(keypoints, right)))), 0.15 * lengths[0])
        for left, right in ((Landmark.LEFT_HIP, Landmark.RIGHT_HIP), (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER))
    ]
    return FrameCurve(
        t,
        points,
        np.stack([np.cos(along), np.sin(along)], axis=1),
        np.stack([np.cos(across), np.sin(across)], axis=1),
        np.interp(t, [0.0, 1.0, 1.45, 2.0], [widths[0], widths[1], lengths[1], lengths[1]]),
        np.interp(t, [0.0, 1.0, 1.45, 2.0], [lengths[0], lengths[0], lengths[1], lengths[1]]),
        np.zeros_like(t),
    )


def _line_angle(keypoints: Keypoints, right: Landmark, left: Landmark, up: float, length: float) -> float:
    """Angle of the line from the right to the left joint; short lines (side views) tend to the bone's perpendicular."""
    line = joint(keypoints, left) - joint(keypoints, right)
    upright = up + np.pi / 2
    span = float(np.hypot(*line))
    if span < 1e-6:
        return float(upright)
    tilt = unwrap_towards(float(np.arctan2(line[1], line[0])), upright) - upright
    if abs(tilt) > np.pi / 2:  # the person's left is on the picture's left: seen from behind
        return float(upright + tilt)
    return float(upright + tilt * min(1.0, span / (0.25 * length)))


def _ramp(t: Points, start: float, end: float) -> Points:
    """0 before start, 1 after end, smooth between."""
    x = np.clip((t - start) / (end - start), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
