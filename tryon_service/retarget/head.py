"""Which way a head faces, from its landmarks."""

from __future__ import annotations

import numpy as np

from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.rig import joint, middle
from tryon_service.retarget.view import damped
from tryon_service.types import Keypoints

NOISE = np.radians((8.0, 18.0))
"""Differences of two heads below the first are noise, above the second followed fully."""
MAX_TURN = np.radians(35.0)
MAX_YAW = np.radians(55.0)
"""Beyond this a face is a profile, whose landmarks say little about the angle."""
NOSE_REACH = 1.4
"""How far the nose's tip lies before the line of the ears, in half distances of the ears."""


def head_turn(product: Keypoints, shopper: Keypoints) -> float:
    """Radians by which the shopper's head faces farther to the person's left than the model's; within MAX_TURN, and 0
    where either face isn't seen from the front."""
    before, after = head_yaw(product), head_yaw(shopper)
    if before is None or after is None:
        return 0.0
    return float(np.clip(damped(after - before, NOISE), -MAX_TURN, MAX_TURN))


def head_yaw(keypoints: Keypoints) -> float | None:
    """Radians, 0 facing the camera, positive towards the person's own left (the picture's right); None for a face that
    is hidden, in profile or turned away.

    The mean of two estimates that err differently: the line of the ears in the 3D landmarks, and how far the nose lies
    off the middle of the ears in the picture.
    """
    if not keypoints.seen[[Landmark.NOSE, Landmark.LEFT_EYE, Landmark.RIGHT_EYE]].all():
        return None
    ears = keypoints.world[Landmark.LEFT_EAR] - keypoints.world[Landmark.RIGHT_EAR]
    line = joint(keypoints, Landmark.LEFT_EAR) - joint(keypoints, Landmark.RIGHT_EAR)
    span = float(np.hypot(*line))
    eyes = joint(keypoints, Landmark.LEFT_EYE) - joint(keypoints, Landmark.RIGHT_EYE)
    if span < 1.0 or ears[0] <= 0 or eyes @ line <= 0:
        return None
    nose = joint(keypoints, Landmark.NOSE) - middle(keypoints, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
    in_space = np.arctan2(ears[2], ears[0])
    in_picture = np.arctan2(nose @ line / span, NOSE_REACH * span / 2)
    yaw = float(in_space + in_picture) / 2
    return yaw if abs(yaw) <= MAX_YAW else None


def head_roll(keypoints: Keypoints) -> float:
    """Angle in the picture of the line from the right to the left eye and ear, radians; 0 is level."""
    eyes = joint(keypoints, Landmark.LEFT_EYE) - joint(keypoints, Landmark.RIGHT_EYE)
    ears = joint(keypoints, Landmark.LEFT_EAR) - joint(keypoints, Landmark.RIGHT_EAR)
    x, y = eyes + ears if eyes @ ears > 0 else eyes
    return float(np.arctan2(y, x))
