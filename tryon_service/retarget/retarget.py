"""The shopper's pose on the model's own body, in the frame the picture will have."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.retarget.curves import unwrap_towards
from tryon_service.retarget.framing import exposed, fit
from tryon_service.retarget.head import head_turn
from tryon_service.retarget.outline import Outline, trace
from tryon_service.retarget.posing import pose_model
from tryon_service.retarget.rig import joint, middle
from tryon_service.retarget.view import damped, yaw
from tryon_service.types import Keypoints, Person, Size, TargetPose

Frame = Literal["product", "shopper"]

YAW_NOISE = np.radians((9.0, 20.0))
LEAN_SHOWN = (0.35, 0.85)
"""Share of the spine that the product photo shows: up to the first the torso doesn't lean, from the second it does."""
OUTER_BONES = {"forearm": "upper_arm", "shin": "thigh"}


def retarget(
    product: Person,
    shopper: Keypoints,
    *,
    frame: Frame = "product",
    shopper_size: Size | None = None,
    anchored: frozenset[str] = frozenset(),
    outline: Outline | None = None,
) -> TargetPose:
    """Target joints in the output frame.

    frame "product": the card's frame, the model's proportions. frame "shopper": exactly the shopper's joints, in the
    shopper photo's frame of shopper_size (as ADGAN and PATN do); shopper_size is required then.
    anchored: Appearance.anchored, the limbs that can't be moved on their own. outline: the product's, if it was traced
    before.
    """
    model, outline = product.keypoints, outline or trace(product)
    turn = damped(unwrap_towards(yaw(shopper) - yaw(model), 0.0), YAW_NOISE)
    face = head_turn(model, shopper)
    if frame == "shopper":
        if shopper_size is None:
            raise ValueError("frame 'shopper' needs shopper_size")
        scale = _body_size(shopper) / _body_size(model)
        shown = exposed(outline, outline.carried(shopper, scale), shopper_size, scale)
        return TargetPose(shopper, turn, shopper_size, scale, head_turn=face, exposed=shown)
    height, width = product.photo.rgb.shape[:2]
    kept = frozenset(name for name in LIMBS if not _follows(name, model, shopper, (width, height)))
    held = frozenset(limb for limb in LIMBS if limb not in kept and _carrier_of(limb) in anchored)
    posed = pose_model(model, shopper, turn, kept, _leaning(model, (width, height)), held)
    return fit(TargetPose(posed, turn, (width, height), kept=kept, held=held, head_turn=face), product, outline)


def _carrier_of(limb: str) -> str:
    """left_forearm -> left_arm, left_shin -> left_leg."""
    return f"{limb.split('_', maxsplit=1)[0]}_{'arm' if limb.endswith('arm') else 'leg'}"


def _follows(limb: str, model: Keypoints, shopper: Keypoints, size: Size) -> bool:
    """Whether the shopper photo shows the limb, and the product photo enough of it, and of the bone that it hangs on,
    to be moved."""
    side, kind = limb.split("_", 1)
    root = f"{side}_{OUTER_BONES.get(kind, kind)}"
    seen = bool(shopper.seen[list(LIMBS[limb])].all())
    return seen and _half_shown(model, LIMBS[root], size) and (kind != "shin" or _half_shown(model, LIMBS[limb], size))


def _half_shown(keypoints: Keypoints, bone: Bone, size: Size) -> bool:
    middle_of = middle(keypoints, *bone)
    return bool((middle_of >= 0).all() and (middle_of < size).all())


def _leaning(model: Keypoints, size: Size) -> float:
    """Share of the torso's lean to follow: a torso of which the product photo shows only the hips keeps its place."""
    hips = middle(model, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(model, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    points = hips + np.linspace(0.0, 1.0, 41)[:, None] * (neck - hips)
    shown = float(((points >= 0) & (points < size)).all(axis=1).mean())
    x = float(np.clip((shown - LEAN_SHOWN[0]) / (LEAN_SHOWN[1] - LEAN_SHOWN[0]), 0.0, 1.0))
    return x * x * (3 - 2 * x)


def _body_size(keypoints: Keypoints) -> float:
    """A size in pixels, at least 1, that bends of the limbs don't change: torso length and shoulder width in
    quadrature."""
    hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    width = joint(keypoints, Landmark.LEFT_SHOULDER) - joint(keypoints, Landmark.RIGHT_SHOULDER)
    return float(max(np.sqrt(np.sum((neck - hips) ** 2) + np.sum(width**2)), 1.0))
