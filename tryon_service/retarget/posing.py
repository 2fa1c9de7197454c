"""The model's skeleton in the shopper's pose: directions from the shopper, lengths from the model.

Differences within the pose estimator's own noise are damped smoothly, so that the same pose photographed twice comes
out as the product photo itself; there is no branch on equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.scale import pixels_per_metre
from tryon_service.perception.skeletons import HEAD, LIMBS, Bone, Landmark
from tryon_service.retarget.curves import Points, unwrap_towards
from tryon_service.retarget.head import head_roll
from tryon_service.retarget.rig import joint, middle
from tryon_service.retarget.view import damped, narrowing, projected_share, yaw
from tryon_service.types import Keypoints

NOISE = np.radians((1.5, 6.0))
"""Angles below the first are taken for noise, above the second followed fully."""
ARM_NOISE = np.radians((10.0, 20.0))
"""The same for an arm against the torso: nobody misses a move so small, and where an arm touches the body the cloth
between them is at its best as it was photographed."""
LEG_NOISE = np.radians((8.0, 18.0))
"""The same for the bone of a leg that moves most: thighs and trousers touch, and tear for a step that nobody sees."""
HIP_NOISE = np.radians((4.0, 12.0))
"""The same for the line of the hips, which lifts one leg against the other."""
ROLL_NOISE = np.radians((3.0, 9.0))
HAND_NOISE = np.radians((10.0, 25.0))
LENGTH_NOISE = (0.06, 0.20)
BONE_LENGTHS = (0.55, 1.25)
"""Bounds on the change of a bone's length in the picture by foreshortening."""
HEAD_TILT = np.radians(22.0)
LINE_TILT = np.radians(18.0)
HAND_BEND = np.radians(40.0)
"""How far a hand may be bent at the wrist away from where the model's is."""
HAND_SHARE = 0.4
"""Share of its length that a forearm must show for the hand's bend to mean anything."""
FOOT_FOLLOWS = 0.25
"""Share of the shin's turn that the foot follows: feet stay on the floor."""
FLOOR_NOISE = (0.04, 0.12)
"""How unlike the heights of two feet on one floor look, by perspective and noise, as a share of the leg's length."""
LEG_STRETCH = 0.06
"""How much longer or shorter a leg may become to stand on the floor."""

LEG_BONES = frozenset(limb for limb in LIMBS if "arm" not in limb)
HANDS = {
    "left": (Landmark.LEFT_PINKY, Landmark.LEFT_INDEX, Landmark.LEFT_THUMB),
    "right": (Landmark.RIGHT_PINKY, Landmark.RIGHT_INDEX, Landmark.RIGHT_THUMB),
}
FEET = {
    "left": (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    "right": (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
}


def pose_model(
    model: Keypoints,
    shopper: Keypoints,
    turn: float,
    kept: frozenset[str],
    spine: float = 1.0,
    held: frozenset[str] = frozenset(),
) -> Keypoints:
    """The model's joints in the shopper's pose, in the product photo's frame, the hips' middle in place.

    turn: TargetPose.turn. kept: limbs that stay as the model has them. spine: the share, 0 to 1, of the torso's lean
    that is followed. held: arms that stay where they are on the torso, legs that stay where they are in the photo.
    """
    return _Poser(model, shopper, turn, kept, spine, held).pose()


@dataclass
class _Poser:
    """Walks the skeleton from the hips outwards; out: the posed joints, 33 x 3 in pixels, world: in metres."""

    model: Keypoints
    shopper: Keypoints
    turn: float
    kept: frozenset[str]
    spine: float
    held: frozenset[str]
    lean: float = field(init=False, default=0.0)
    out: Points = field(init=False)
    world: Points = field(init=False)

    def pose(self) -> Keypoints:
        self.out = self.model.xyz.astype(np.float64)
        self.world = self.shopper.world.astype(np.float64)
        self.lean = torso = self._pose_torso()
        self._pose_head(torso)
        for side in ("left", "right"):
            self._pose_arm(side)
            self._pose_leg(side)
        self._stand()
        self.out[:, 2] = self.world[:, 2] * pixels_per_metre(self.model)
        xyz, world = self.out.astype(np.float32), self.world.astype(np.float32)
        return replace(self.shopper, xyz=xyz, world=world, seen=self.model.seen)

    def _difference(self, a: Points, b: Points, noise: NDArray[np.float64] = NOISE) -> float:
        """Angle from vector a to vector b, noise damped; 0 where either is too short to have a direction."""
        if min(np.hypot(*a), np.hypot(*b)) < 1.0:
            return 0.0
        angle = float(np.arctan2(b[1], b[0]) - np.arctan2(a[1], a[0]))
        return damped(unwrap_towards(angle, 0.0), noise)

    def _arm_turn(self, bone: Bone) -> float:
        """How far an arm's bone turns in the picture: with the torso, and against it where that is no noise."""
        a, b = self._bone(self.model, bone), self._bone(self.shopper, bone)
        if min(np.hypot(*a), np.hypot(*b)) < 1.0:
            return self.lean
        angle = float(np.arctan2(b[1], b[0]) - np.arctan2(a[1], a[0])) - self.lean
        return self.lean + damped(unwrap_towards(angle, 0.0), ARM_NOISE)

    def _bone(self, keypoints: Keypoints, bone: Bone) -> Points:
        return joint(keypoints, bone[1]) - joint(keypoints, bone[0])

    def _spine(self, keypoints: Keypoints) -> Points:
        hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        return np.asarray(middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER) - hips)

    def _length_ratio(self, bone: Bone, bounds: tuple[float, float]) -> float:
        ratio = projected_share(self.shopper, bone) / max(projected_share(self.model, bone), 0.2)
        return float(np.clip(np.exp(damped(float(np.log(max(ratio, 0.05))), LENGTH_NOISE)), *bounds))

    def _pose_torso(self) -> float:
        """Places shoulders and hips; returns the torso's own turn in the picture, radians."""
        hips = middle(self.model, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        torso = self.spine * self._difference(self._spine(self.model), self._spine(self.shopper))
        neck = hips + _turned(self._spine(self.model), torso)
        narrow = narrowing(yaw(self.model), self.turn)
        for left, right, centre, noise in (
            (Landmark.LEFT_HIP, Landmark.RIGHT_HIP, hips, HIP_NOISE),
            (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, neck, NOISE),
        ):
            line = self._bone(self.model, (right, left))
            tilt = self._difference(line, self._bone(self.shopper, (right, left)), noise)
            tilt = torso + float(np.clip(unwrap_towards(tilt - torso, 0.0), -LINE_TILT, LINE_TILT))
            half = _turned(line, tilt) * narrow / 2
            self.out[left, :2], self.out[right, :2] = centre + half, centre - half
        if LEG_BONES & self.held:  # legs that cross stay whole only with their roots
            roots = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
            self.out[roots, :2], self.world[roots] = self.model.xyz[roots, :2], self.model.world[roots]
        return torso

    def _pose_head(self, torso: float) -> None:
        """The head as one piece: the neck's direction and the face's roll, followed within HEAD_TILT of the torso's."""
        neck = middle(self.model, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
        ears = middle(self.model, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
        shopper_neck = middle(self.shopper, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
        shopper_ears = middle(self.shopper, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
        lean = self._difference(ears - neck, shopper_ears - shopper_neck)
        roll = damped(unwrap_towards(head_roll(self.shopper) - head_roll(self.model), 0.0), ROLL_NOISE)
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
        turn = self._swing(f"{side}_forearm") + self._hand_bend(side)
        wrist = LIMBS[f"{side}_forearm"][1]
        for tip in HANDS[side]:
            self.out[tip, :2] = self.out[wrist, :2] + _turned(self._bone(self.model, (wrist, tip)), turn)

    def _hand_bend(self, side: str) -> float:
        """How much further than the model's hand is bent at the wrist the shopper's is, radians; 0 where either isn't
        well seen. Hands are small: only clear differences count."""
        forearm = LIMBS[f"{side}_forearm"]
        both = (self.model, self.shopper)
        unclear = any(
            not k.seen[[*forearm, *HANDS[side]]].all() or projected_share(k, forearm) < HAND_SHARE for k in both
        )
        if unclear or f"{side}_forearm" in self.kept | self.held:
            return 0.0
        bends = []
        for keypoints in both:
            hand = middle(keypoints, *HANDS[side][:2]) - joint(keypoints, forearm[1])
            arm = self._bone(keypoints, forearm)
            bends.append(float(np.arctan2(hand[1], hand[0]) - np.arctan2(arm[1], arm[0])))
        bend = damped(unwrap_towards(bends[1] - bends[0], 0.0), HAND_NOISE)
        return float(np.clip(bend, -HAND_BEND, HAND_BEND))

    def _pose_leg(self, side: str) -> None:
        bones = f"{side}_thigh", f"{side}_shin"
        share = max(self._leg_share(limb) for limb in bones)
        turn = [self._swing(limb, share) for limb in bones][1]
        ankle = LIMBS[f"{side}_shin"][1]
        for tip in FEET[side]:
            foot = self._bone(self.model, (ankle, tip))
            self.out[tip, :2] = self.out[ankle, :2] + _turned(foot, turn * FOOT_FOLLOWS)

    def _leg_share(self, limb: str) -> float:
        """Share, 0 to 1, of its turns that a leg follows for the sake of this bone of it."""
        turn = self._difference(*(self._bone(keypoints, LIMBS[limb]) for keypoints in (self.model, self.shopper)))
        return damped(turn, LEG_NOISE) / turn if turn and limb not in self.kept | self.held else 0.0

    def _swing(self, limb: str, share: float = 1.0) -> float:
        """Hang one bone on its posed parent; returns its turn in the picture, radians. share: of a leg's turn that is
        followed."""
        near, far = bone = LIMBS[limb]
        vector = self._bone(self.model, bone)
        keeps = limb in self.kept or limb in self.held
        turn = self.lean if limb in self.held - LEG_BONES else 0.0
        if not keeps:
            wanted = self._bone(self.shopper, bone)
            turn = share * self._difference(vector, wanted) if limb in LEG_BONES else self._arm_turn(bone)
        length = 1.0 if keeps else self._length_ratio(bone, BONE_LENGTHS)
        self.out[far, :2] = self.out[near, :2] + _turned(vector, turn) * length
        source = self.model if keeps else self.shopper
        moved = self.world[near] + source.world[far] - source.world[near] - self.world[far]
        followers = [*_BEYOND.get(limb, ()), far]
        self.world[followers] += moved
        return turn

    def _stand(self) -> None:
        """Both feet on one floor if the shopper's are: legs may become a little longer or shorter for it, since small
        errors of a leg's direction lift a foot visibly."""
        ankles = [Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]
        if LEG_BONES & (self.kept | self.held) or not self.model.seen[ankles].all():
            return
        before, shown = _drop(self.model.xyz), _drop(self.shopper.xyz)
        wanted = (before + damped(shown - before, FLOOR_NOISE)) * _leg_length(self.model.xyz)
        excess = float(self.out[ankles[0], 1] - self.out[ankles[1], 1]) - wanted
        for side, by in (("left", -excess / 2), ("right", excess / 2)):
            (hip, knee), (_, ankle) = LIMBS[f"{side}_thigh"], LIMBS[f"{side}_shin"]
            leg = self.out[ankle, :2] - self.out[hip, :2]
            stretch = float(np.clip(by / max(leg[1], 1.0), -LEG_STRETCH, LEG_STRETCH))
            self.out[knee, :2] += stretch * (self.out[knee, :2] - self.out[hip, :2])
            self.out[[ankle, *FEET[side]], :2] += stretch * leg


_BEYOND: dict[str, tuple[Landmark, ...]] = {
    "left_upper_arm": (Landmark.LEFT_WRIST, *HANDS["left"]),
    "left_forearm": HANDS["left"],
    "right_upper_arm": (Landmark.RIGHT_WRIST, *HANDS["right"]),
    "right_forearm": HANDS["right"],
    "left_thigh": (Landmark.LEFT_ANKLE, *FEET["left"]),
    "left_shin": FEET["left"],
    "right_thigh": (Landmark.RIGHT_ANKLE, *FEET["right"]),
    "right_shin": FEET["right"],
}
"""What hangs on each limb's far end."""


def _turned(vector: Points, angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1]])


def _drop(xyz: NDArray[Any]) -> float:
    """How much lower in the picture the left ankle is than the right, in leg lengths."""
    return float(xyz[Landmark.LEFT_ANKLE, 1] - xyz[Landmark.RIGHT_ANKLE, 1]) / _leg_length(xyz)


def _leg_length(xyz: NDArray[Any]) -> float:
    """Mean distance in pixels from hip to ankle, at least 1."""
    legs = xyz[[Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE], :2] - xyz[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], :2]
    return float(max(np.linalg.norm(legs, axis=1).mean(), 1.0))
