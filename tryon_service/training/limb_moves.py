"""A pose with some of its limbs moved: what two people's poses differ by, without the second person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Keypoints

ARM, LEG = (15.0, 60.0), (5.0, 25.0)
"""Degrees by which a limb turns about its root in the picture, least and most, to either side."""
BENT = 0.5
"""Its outer half turns on, or back, by at most this share more."""
MOVED = 0.7
"""Chance of each limb to be moved."""
CHAINS = (
    ("LEFT_SHOULDER", "LEFT_ELBOW", ("LEFT_WRIST", "LEFT_PINKY", "LEFT_INDEX", "LEFT_THUMB"), ARM),
    ("RIGHT_SHOULDER", "RIGHT_ELBOW", ("RIGHT_WRIST", "RIGHT_PINKY", "RIGHT_INDEX", "RIGHT_THUMB"), ARM),
    ("LEFT_HIP", "LEFT_KNEE", ("LEFT_ANKLE", "LEFT_HEEL", "LEFT_FOOT_INDEX"), LEG),
    ("RIGHT_HIP", "RIGHT_KNEE", ("RIGHT_ANKLE", "RIGHT_HEEL", "RIGHT_FOOT_INDEX"), LEG),
)
"""Of each limb its root, its middle joint, what lies beyond, and how far it turns."""


def with_limbs_moved(keypoints: Keypoints, rng: np.random.Generator) -> Keypoints:
    """Arms and legs turned in the picture plane, alike in pixels and in metres; at least one of them."""
    xyz, world = keypoints.xyz.copy(), keypoints.world.copy()
    moved = rng.random(len(CHAINS)) < MOVED
    moved[rng.integers(len(CHAINS))] = True
    for (root, middle, ends, degrees), goes in zip(CHAINS, moved, strict=True):
        angle = np.radians(rng.uniform(*degrees) * rng.choice((-1, 1)))
        bend = angle * rng.uniform(-BENT, BENT)
        if not goes:
            continue
        outer = [Landmark[name] for name in ends]
        for joints in (xyz, world):
            _turn(joints, Landmark[root], [Landmark[middle], *outer], angle)
            _turn(joints, Landmark[middle], outer, bend)
    return replace(keypoints, xyz=xyz, world=world)


def _turn(joints: np.ndarray, about: int, which: list[Landmark], angle: float) -> None:
    """In place, in the picture plane; radians."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]], np.float32)
    joints[which, :2] = joints[about, :2] + (joints[which, :2] - joints[about, :2]) @ turn
