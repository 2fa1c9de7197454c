"""What a pose asks of a product photo: measures known before anything is drawn, each in [0, 1] and 1 is best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.view import degrees_between, direction, projected_share
from tryon_service.types import Keypoints, TargetPose

FRAME_REACH = 0.2
"""Torso lengths across the frame's edge at which nothing is left of the measures of it."""


def strain(product: Keypoints, target: TargetPose) -> dict[str, float]:
    """What is asked of the product photo, known before anything is drawn.

    view: turn of the torso about the vertical; arm_turn, leg_turn, lean: of the bone turned farthest in the picture;
    arm_length, leg_length: shorter over longer look of the bone foreshortened most differently; shown: share of the
    limbs that the shopper photo shows; unhidden: turn of a limb that the product photo hides; uncut: how far a cut by
    the photo's edge comes into the picture; inside: how far what was whole leaves it.
    """
    pose = target.keypoints
    turns = {name: degrees_between(direction(product, bone), direction(pose, bone)) for name, bone in LIMBS.items()}
    moved = {name: turn for name, turn in turns.items() if name not in target.kept}
    hidden = [turn for name, turn in moved.items() if not product.seen[list(LIMBS[name])].all()]
    spine = degrees_between(_spine(product), _spine(pose))
    return {
        "view": _fall(abs(float(np.degrees(target.turn))), 90.0),
        "arm_turn": _fall(_largest(moved, "arm"), 180.0),
        "leg_turn": _fall(max(_largest(moved, "thigh"), _largest(moved, "shin")), 90.0),
        "lean": _fall(spine, 45.0),
        "arm_length": min(_lengths(product, pose, moved, ("arm",)), default=1.0),
        "leg_length": min(_lengths(product, pose, moved, ("thigh", "shin")), default=1.0),
        "shown": 1.0 - len(target.kept) / len(LIMBS),
        "unhidden": _fall(max(hidden, default=0.0), 180.0),
        "uncut": _fall(max(target.exposed.values(), default=0.0), FRAME_REACH),
        "inside": _fall(max(target.outside.values(), default=0.0), FRAME_REACH),
    }


def _fall(value: float, worst: float) -> float:
    return float(np.clip(1.0 - value / worst, 0.0, 1.0))


def alike(a: float, b: float) -> float:
    """The smaller over the larger of two sizes; 1 if both are next to nothing."""
    return float(min(a, b) / max(a, b)) if max(a, b) > 1e-6 else 1.0


def _largest(turns: Mapping[str, float], kind: str) -> float:
    return max((turn for name, turn in turns.items() if kind in name), default=0.0)


def _lengths(
    product: Keypoints, pose: Keypoints, names: Mapping[str, float], kinds: tuple[str, ...]
) -> Iterator[float]:
    for name in names:
        if any(kind in name for kind in kinds):
            yield alike(projected_share(product, LIMBS[name]), projected_share(pose, LIMBS[name]))


def _spine(keypoints: Keypoints) -> float:
    hips = keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
    x, y = keypoints.xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0) - hips
    return float(np.arctan2(y, x))
