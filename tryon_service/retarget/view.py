"""Which way a body faces and how much of a bone's length the camera sees, from the 3D landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.skeletons import Bone, Landmark
from tryon_service.types import Keypoints

SHOULDERS: Bone = (Landmark.RIGHT_SHOULDER, Landmark.LEFT_SHOULDER)
HIPS: Bone = (Landmark.RIGHT_HIP, Landmark.LEFT_HIP)


def yaw(keypoints: Keypoints) -> float:
    """Radians in (-pi, pi]: 0 facing the camera, positive when turned towards the person's own left (the picture's
    right), +-pi seen from behind. The shoulders count twice, the hips once: they are the steadier landmarks."""
    right_to_left = np.zeros(2)
    for (right, left), weight in ((SHOULDERS, 2.0), (HIPS, 1.0)):
        right_to_left += weight * (keypoints.world[left] - keypoints.world[right])[[0, 2]]
    return float(np.arctan2(right_to_left[1], right_to_left[0]))


def projected_share(keypoints: Keypoints, bone: Bone) -> float:
    """Length of the bone in the picture over its length in space, in [0, 1]."""
    x, y, z = keypoints.world[bone[1]] - keypoints.world[bone[0]]
    return float(np.hypot(x, y) / max(np.sqrt(x * x + y * y + z * z), 1e-6))


def direction(keypoints: Keypoints, bone: Bone) -> float:
    """Angle of the bone in the picture, radians; 0 points right, pi / 2 down."""
    x, y = keypoints.xy[bone[1]] - keypoints.xy[bone[0]]
    return float(np.arctan2(y, x))


def narrowing(yaw_before: float, turn: float) -> float:
    """How much narrower a line across the body looks after a turn; both in radians, see yaw. Within bounds, since near
    the side view a degree would change it beyond measure."""
    before, after = abs(np.cos(yaw_before)), abs(np.cos(yaw_before + turn))
    return float(np.clip(max(after, 0.35) / max(before, 0.35), 0.6, 1.3))


def damped(value: float, noise: tuple[float, float] | NDArray[np.float64]) -> float:
    """value with the estimator's noise taken out: 0 below noise[0], itself above noise[1], smooth between."""
    x = float(np.clip((abs(value) - noise[0]) / (noise[1] - noise[0]), 0.0, 1.0))
    return value * x * x * (3 - 2 * x)


def degrees_between(a: float, b: float) -> float:
    """Smallest difference of two angles in radians, as degrees in [0, 180]."""
    return float(abs(np.degrees((a - b + np.pi) % (2 * np.pi) - np.pi)))
