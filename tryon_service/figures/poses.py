"""Poses as angles of bones: named ones, and a builder for any other.

Convention: metres, x to the picture's right, y down, z away from the camera, origin at the hips' middle; the figure
faces the camera. A bone's direction is (swing, forward) in degrees: swing turns a hanging bone outwards, away from the
body (0 hangs, 90 is level, 180 points up, negative crosses the body); forward tips it towards the camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tryon_service.errors import InputError
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Float32Array

Direction = tuple[float, float]
"""(swing, forward) in degrees."""

SIDES: Mapping[str, int] = MappingProxyType({"left": 1, "right": -1})
"""The sign of x of each of the person's own sides."""

SHOULDER_HALF = 0.168
HIP_HALF = 0.098
TRUNK = 0.505
UPPER_ARM = 0.280
FOREARM = 0.250
THIGH = 0.425
SHIN = 0.374
HEAD_HEIGHT = 0.232
CHIN_ABOVE_SHOULDERS = 0.086
STATURE = 0.120 + SHIN + THIGH + TRUNK + CHIN_ABOVE_SHOULDERS + HEAD_HEIGHT
"""Metres from sole to crown when standing."""

FACE_POINTS: Mapping[Landmark, tuple[float, float, float]] = MappingProxyType(
    {
        Landmark.NOSE: (0.0, 0.078, -0.115),
        Landmark.LEFT_EYE_INNER: (0.018, 0.114, -0.088),
        Landmark.LEFT_EYE: (0.033, 0.114, -0.088),
        Landmark.LEFT_EYE_OUTER: (0.047, 0.115, -0.080),
        Landmark.LEFT_EAR: (0.074, 0.100, 0.0),
        Landmark.MOUTH_LEFT: (0.026, 0.045, -0.090),
    }
)
"""(x, up from the chin, z) in metres in an upright head, for the nose and the left half."""


@dataclass(frozen=True)
class FigurePose:
    """A pose as angles in degrees.

    left_*, right_*: bone directions, see the module's convention; *_hand: swing added to the forearm's at the wrist.
    lean: of the trunk, shoulder_tilt, hip_tilt and head_tilt: turns in the picture plane, clockwise as the viewer
    sees it. turn: the whole body about the vertical, towards the person's left; meant for 25 degrees at most.
    """

    name: str = "custom"
    left_upper_arm: Direction = (14.0, 0.0)
    left_forearm: Direction = (8.0, 8.0)
    right_upper_arm: Direction = (14.0, 0.0)
    right_forearm: Direction = (8.0, 8.0)
    left_hand: float = 0.0
    right_hand: float = 0.0
    left_thigh: Direction = (4.0, 0.0)
    left_shin: Direction = (3.0, 0.0)
    right_thigh: Direction = (4.0, 0.0)
    right_shin: Direction = (3.0, 0.0)
    lean: float = 0.0
    shoulder_tilt: float = 0.0
    hip_tilt: float = 0.0
    head_tilt: float = 0.0
    turn: float = 0.0

    def mirrored(self) -> FigurePose:
        """The pose of the figure's mirror picture."""
        swapped = {}
        for bone in ("upper_arm", "forearm", "hand", "thigh", "shin"):
            swapped[f"left_{bone}"] = getattr(self, f"right_{bone}")
            swapped[f"right_{bone}"] = getattr(self, f"left_{bone}")
        turns = {key: -getattr(self, key) for key in ("lean", "shoulder_tilt", "hip_tilt", "head_tilt", "turn")}
        return replace(self, name=f"{self.name} mirrored", **swapped, **turns)


_POSES = (
    FigurePose("standing"),
    FigurePose("hand_on_hip", left_upper_arm=(42, -8), left_forearm=(-42, 10), left_hand=-10, hip_tilt=-3),
    FigurePose(
        "arms_raised", left_upper_arm=(142, 0), left_forearm=(166, 0), right_upper_arm=(142, 0), right_forearm=(166, 0)
    ),
    FigurePose(
        "arms_out", left_upper_arm=(84, 0), left_forearm=(88, 0), right_upper_arm=(84, 0), right_forearm=(88, 0)
    ),
    FigurePose("one_arm_up", right_upper_arm=(152, 0), right_forearm=(172, 0), head_tilt=-4),
    FigurePose(
        "walking",
        left_upper_arm=(16, -14),
        left_forearm=(10, 6),
        right_upper_arm=(13, 16),
        right_forearm=(6, 28),
        left_thigh=(3, 20),
        left_shin=(1, -4),
        right_thigh=(4, -12),
        right_shin=(2, -26),
    ),
    FigurePose(
        "contrapposto",
        left_thigh=(10, 4),
        left_shin=(4, -6),
        right_thigh=(-1, 0),
        right_shin=(0, 0),
        lean=2,
        shoulder_tilt=-5,
        hip_tilt=7,
        head_tilt=4,
        left_upper_arm=(20, 0),
        left_forearm=(12, 8),
        right_upper_arm=(22, 0),
        right_forearm=(10, 10),
    ),
    FigurePose("arm_bent_front", left_upper_arm=(20, 8), left_forearm=(-82, 30), left_hand=6),
    FigurePose(
        "legs_apart",
        left_thigh=(19, 0),
        left_shin=(17, 0),
        right_thigh=(19, 0),
        right_shin=(17, 0),
        left_upper_arm=(32, 0),
        left_forearm=(26, 6),
        right_upper_arm=(32, 0),
        right_forearm=(26, 6),
    ),
    FigurePose("waving", right_upper_arm=(76, 0), right_forearm=(158, 8), right_hand=8, head_tilt=-3),
)

POSES: Mapping[str, FigurePose] = MappingProxyType({pose.name: pose for pose in _POSES})
"""The named poses."""


def find_pose(pose: FigurePose | str) -> FigurePose:
    """Raises InputError("invalid_option") for an unknown name."""
    if isinstance(pose, FigurePose):
        return pose
    if pose not in POSES:
        raise InputError("invalid_option", f"{pose!r} is not one of {', '.join(POSES)}.", "pose")
    return POSES[pose]


def _turned(degrees: float) -> Float32Array:
    """3 x 3 rotation in the picture plane, clockwise as seen."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def _direction(side: int, swing: float, forward: float) -> Float32Array:
    a, f = np.radians(swing), np.radians(forward)
    return np.array([side * np.sin(a) * np.cos(f), np.cos(a) * np.cos(f), -np.sin(f)], np.float32)


def _head(landmarks: Float32Array, pose: FigurePose, chin: Float32Array) -> None:
    tilt = _turned(pose.lean + pose.head_tilt)
    for landmark, (x, up, z) in FACE_POINTS.items():
        landmarks[landmark] = chin + tilt @ np.array([x, -up, z], np.float32)
        if landmark is not Landmark.NOSE:
            # In the table the right eye's three points follow the left's, then come ears and mouth corners in pairs.
            twin = landmark + (3 if landmark < Landmark.LEFT_EAR else 1)
            landmarks[twin] = chin + tilt @ np.array([-x, -up, z], np.float32)


def _arm(landmarks: Float32Array, pose: FigurePose, name: str, shoulder: Float32Array) -> None:
    side, row = SIDES[name], 0 if name == "left" else 1
    upper: Direction = getattr(pose, f"{name}_upper_arm")
    fore: Direction = getattr(pose, f"{name}_forearm")
    hand_swing = fore[0] + getattr(pose, f"{name}_hand")
    along = _direction(side, hand_swing, fore[1])
    # Below this swing the back of the hand faces the camera and the thumb the body; above, the palm does.
    thumb = _direction(side, hand_swing + (90 if hand_swing > 50 else -90), 0)
    elbow = shoulder + UPPER_ARM * _direction(side, *upper)
    wrist = elbow + FOREARM * _direction(side, *fore)
    landmarks[Landmark.LEFT_SHOULDER + row] = shoulder
    landmarks[Landmark.LEFT_ELBOW + row] = elbow
    landmarks[Landmark.LEFT_WRIST + row] = wrist
    landmarks[Landmark.LEFT_PINKY + row] = wrist + 0.088 * along - 0.026 * thumb
    landmarks[Landmark.LEFT_INDEX + row] = wrist + 0.096 * along + 0.018 * thumb
    landmarks[Landmark.LEFT_THUMB + row] = wrist + 0.058 * along + 0.038 * thumb


def _leg(landmarks: Float32Array, pose: FigurePose, name: str, hip: Float32Array) -> None:
    side, row = SIDES[name], 0 if name == "left" else 1
    knee = hip + THIGH * _direction(side, *getattr(pose, f"{name}_thigh"))
    ankle = knee + SHIN * _direction(side, *getattr(pose, f"{name}_shin"))
    landmarks[Landmark.LEFT_HIP + row] = hip
    landmarks[Landmark.LEFT_KNEE + row] = knee
    landmarks[Landmark.LEFT_ANKLE + row] = ankle
    landmarks[Landmark.LEFT_HEEL + row] = ankle + np.array([-side * 0.018, 0.046, 0.05], np.float32)
    landmarks[Landmark.LEFT_FOOT_INDEX + row] = ankle + np.array([side * 0.036, 0.123, -0.13], np.float32)


def _shrug(swing: float) -> tuple[float, float]:
    """(inwards, upwards) metres a shoulder joint moves with its raised arm."""
    share = float(np.clip((swing - 60) / 110, 0, 1))
    return 0.018 * share, 0.045 * share


def landmarks_of(pose: FigurePose) -> Float32Array:
    """33 x 3 float32, the pose's landmarks in metres, x right, y down, z away from the camera, hips' middle at 0."""
    landmarks = np.zeros((33, 3), np.float32)
    trunk = _turned(pose.lean)
    neck = trunk @ np.array([0, -TRUNK, 0], np.float32)
    shoulders = _turned(pose.lean + pose.shoulder_tilt)
    hips = _turned(pose.hip_tilt)
    for name, side in SIDES.items():
        inwards, upwards = _shrug(getattr(pose, f"{name}_upper_arm")[0])
        offset = np.array([side * (SHOULDER_HALF - inwards), -upwards, 0], np.float32)
        _arm(landmarks, pose, name, neck + shoulders @ offset)
        _leg(landmarks, pose, name, hips @ np.array([side * HIP_HALF, 0, 0], np.float32))
    _head(landmarks, pose, neck + trunk @ np.array([0, -CHIN_ABOVE_SHOULDERS, 0], np.float32))
    c, s = np.cos(np.radians(pose.turn)), np.sin(np.radians(pose.turn))
    yaw = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    return (landmarks @ yaw.T).astype(np.float32)
