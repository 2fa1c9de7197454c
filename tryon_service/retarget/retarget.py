"""The shopper's pose on the model's own body: bone directions from the shopper, bone lengths from the model.

Differences within the pose estimator's own noise are damped smoothly, so that the same pose photographed twice comes
out as the product photo itself; there is no branch on equality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tryon_service.perception.skeletons import HEAD, LIMBS, Bone, Landmark
from tryon_service.retarget.curves import Points, unwrap_towards
from tryon_service.retarget.rig import joint, middle
from tryon_service.retarget.view import narrowing, projected_share, yaw
from tryon_service.types import Float32Array, Keypoints, Person, Size, TargetPose

Frame = Literal["product", "shopper"]

NOISE = np.radians((1.5, 6.0))
"""Angles below the first are taken for noise, above the second followed fully."""
YAW_NOISE = np.radians((6.0, 16.0))
LENGTH_NOISE = (0.06, 0.20)
BONE_LENGTHS = (0.55, 1.25)
"""Bounds on the change of a bone's length in the picture by foreshortening."""
HEAD_TILT = np.radians(22.0)
LINE_TILT = np.radians(18.0)
FOOT_FOLLOWS = 0.25
"""Share of the shin's turn that the foot follows: feet stay on the floor."""
MARGIN = 0.015
"""Free border of the frame, as a share of its size, that a whole body keeps."""
SMALLEST = 0.70
"""How far a whole body may shrink to fit the frame."""

HANDS = {
    "left": (Landmark.LEFT_PINKY, Landmark.LEFT_INDEX, Landmark.LEFT_THUMB),
    "right": (Landmark.RIGHT_PINKY, Landmark.RIGHT_INDEX, Landmark.RIGHT_THUMB),
}
FEET = {
    "left": (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    "right": (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
}


def retarget(
    product: Person, shopper: Keypoints, *, frame: Frame = "product", shopper_size: Size | None = None
) -> TargetPose:
    """Target joints in the output frame.

    frame "product": the card's frame, the model's proportions. frame "shopper": exactly the shopper's joints, in the
    shopper photo's frame of shopper_size (as ADGAN and PATN do); shopper_size is required then.
    """
    turn = _damped(unwrap_towards(yaw(shopper) - yaw(product.keypoints), 0.0), YAW_NOISE)
    if frame == "shopper":
        if shopper_size is None:
            raise ValueError("frame 'shopper' needs shopper_size")
        scale = _body_size(shopper) / _body_size(product.keypoints)
        return TargetPose(shopper, turn, shopper_size, scale, frozenset())
    kept = frozenset(name for name, bone in LIMBS.items() if not shopper.seen[list(bone)].all())
    posed = _Poser(product.keypoints, shopper, turn, kept).pose()
    height, width = product.photo.rgb.shape[:2]
    return _fit(TargetPose(posed, turn, (width, height), 1.0, kept), product)


def _damped(value: float, noise: tuple[float, float] | Points) -> float:
    """value with the estimator's noise taken out: 0 below noise[0], itself above noise[1], smooth between."""
    x = float(np.clip((abs(value) - noise[0]) / (noise[1] - noise[0]), 0.0, 1.0))
    return value * x * x * (3 - 2 * x)


def _body_size(keypoints: Keypoints) -> float:
    """A size in pixels that bends of the limbs don't change: torso length and both lines' widths in quadrature."""
    hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    width = joint(keypoints, Landmark.LEFT_SHOULDER) - joint(keypoints, Landmark.RIGHT_SHOULDER)
    return float(np.sqrt(np.sum((neck - hips) ** 2) + np.sum(width**2)))


@dataclass
class _Poser:
    """Walks the skeleton from the hips outwards and writes the posed joints."""

    model: Keypoints
    shopper: Keypoints
    turn: float
    kept: frozenset[str]

    def pose(self) -> Keypoints:
        self.out = self.model.xyz.astype(np.float64).copy()
        self.out[:, 2] = self.shopper.xyz[:, 2]
        torso = self._pose_torso()
        self._pose_head(torso)
        for side in ("left", "right"):
            self._pose_arm(side)
            self._pose_leg(side)
        return replace(self.shopper, xyz=self.out.astype(np.float32), seen=self.model.seen)

    def _difference(self, a: Points, b: Points) -> float:
        """Angle from vector a to vector b, noise damped; 0 where either is too short to have a direction."""
        if min(np.hypot(*a), np.hypot(*b)) < 1.0:
            return 0.0
        angle = float(np.arctan2(b[1], b[0]) - np.arctan2(a[1], a[0]))
        return _damped(unwrap_towards(angle, 0.0), NOISE)

    def _bone(self, keypoints: Keypoints, bone: Bone) -> Points:
        return joint(keypoints, bone[1]) - joint(keypoints, bone[0])

    def _spine(self, keypoints: Keypoints) -> Points:
        hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        return np.asarray(middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER) - hips)

    def _length_ratio(self, bone: Bone, bounds: tuple[float, float]) -> float:
        ratio = projected_share(self.shopper, bone) / max(projected_share(self.model, bone), 0.2)
        return float(np.clip(np.exp(_damped(float(np.log(max(ratio, 0.05))), LENGTH_NOISE)), *bounds))

    def _pose_torso(self) -> float:
        """Places shoulders and hips; returns the torso's own turn in the picture, radians."""
        hips = middle(self.model, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        torso = self._difference(self._spine(self.model), self._spine(self.shopper))
        neck = hips + _turned(self._spine(self.model), torso)
        narrow = narrowing(yaw(self.model), self.turn)
        for left, right, centre in (
            (Landmark.LEFT_HIP, Landmark.RIGHT_HIP, hips),
            (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, neck),
        ):
            line = self._bone(self.model, (right, left))
            tilt = self._difference(line, self._bone(self.shopper, (right, left)))
            tilt = torso + float(np.clip(unwrap_towards(tilt - torso, 0.0), -LINE_TILT, LINE_TILT))
            half = _turned(line, tilt) * narrow / 2
            self.out[left, :2], self.out[right, :2] = centre + half, centre - half
        return torso

    def _pose_head(self, torso: float) -> None:
        """The head as one piece: the neck's direction and the eyes' roll, followed within HEAD_TILT of the torso's."""
        neck = middle(self.model, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
        ears = middle(self.model, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
        shopper_neck = middle(self.shopper, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
        shopper_ears = middle(self.shopper, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
        eyes = (Landmark.RIGHT_EYE, Landmark.LEFT_EYE)
        lean = self._difference(ears - neck, shopper_ears - shopper_neck)
        roll = self._difference(self._bone(self.model, eyes), self._bone(self.shopper, eyes))
        if not self.shopper.seen[[Landmark.LEFT_EYE, Landmark.RIGHT_EYE]].all():
            lean = roll = torso
        lean, roll = (
            torso + float(np.clip(unwrap_towards(a - torso, 0.0), -HEAD_TILT, HEAD_TILT)) for a in (lean, roll)
        )
        new_neck = self.out[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER], :2].mean(axis=0)
        new_ears = new_neck + _turned(ears - neck, lean)
        for landmark in HEAD:
            self.out[landmark, :2] = new_ears + _turned(joint(self.model, landmark) - ears, roll)

    def _pose_arm(self, side: str) -> None:
        self._swing(f"{side}_upper_arm")
        turn = self._swing(f"{side}_forearm")
        wrist = LIMBS[f"{side}_forearm"][1]
        for tip in HANDS[side]:
            self.out[tip, :2] = self.out[wrist, :2] + _turned(self._bone(self.model, (wrist, tip)), turn)

    def _pose_leg(self, side: str) -> None:
        self._swing(f"{side}_thigh")
        turn = self._swing(f"{side}_shin")
        ankle = LIMBS[f"{side}_shin"][1]
        for tip in FEET[side]:
            foot = self._bone(self.model, (ankle, tip))
            self.out[tip, :2] = self.out[ankle, :2] + _turned(foot, turn * FOOT_FOLLOWS)

    def _swing(self, limb: str) -> float:
        """Hang one bone on its posed parent; returns its turn in the picture, radians."""
        bone = LIMBS[limb]
        vector = self._bone(self.model, bone)
        keeps = limb in self.kept
        turn = 0.0 if keeps else self._difference(vector, self._bone(self.shopper, bone))
        length = 1.0 if keeps else self._length_ratio(bone, BONE_LENGTHS)
        self.out[bone[1], :2] = self.out[bone[0], :2] + _turned(vector, turn) * length
        return turn


def _turned(vector: Points, angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1]])


def _fit(target: TargetPose, product: Person) -> TargetPose:
    """A whole body is put back on its floor and shrunk if it would leave the frame; a body cut by the frame stays."""
    left, top, right, bottom = product.box
    width, height = target.size
    if left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1:
        return target
    reach = _reach(target.keypoints, product)
    low, high = reach[0], reach[1]
    free = np.array([width, height]) * MARGIN
    low_margin = np.minimum(free, (left, top))
    high_margin = np.minimum(free, (width - right, height - bottom))
    room = np.array([width, height]) - low_margin - high_margin
    scale = float(np.clip(np.min(room / np.maximum(high - low, 1.0)), SMALLEST, 1.0))
    ground = _ground(product.keypoints)
    hips = middle(product.keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    offset = np.array([hips[0] * (1 - scale), ground - _ground(target.keypoints) * scale])
    low, high = low * scale + offset, high * scale + offset
    offset += np.clip(low_margin - low, 0.0, None) - np.clip(
        high - (np.array([width, height]) - high_margin), 0.0, None
    )
    xyz = target.keypoints.xyz * np.float32(scale)
    xyz[:, :2] += offset.astype(np.float32)
    return replace(target, keypoints=replace(target.keypoints, xyz=xyz), scale=scale)


def _ground(keypoints: Keypoints) -> float:
    """y of the lowest ankle or toe."""
    return float(keypoints.xyz[[*FEET["left"], *FEET["right"], Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE], 1].max())


def _reach(keypoints: Keypoints, product: Person) -> Float32Array:
    """2 x 2: the corners of the posed person's box, each side as far from the joints as it is in the photo."""
    before, after = product.keypoints.xy, keypoints.xy
    box = np.array(product.box, np.float32).reshape(2, 2)
    pad_low = np.maximum(before.min(axis=0) - box[0], 0)
    pad_high = np.maximum(box[1] - before.max(axis=0), 0)
    return np.stack([after.min(axis=0) - pad_low, after.max(axis=0) + pad_high])
