"""House poses: good card poses of our own, written as angles, and those that the shop has added from its photos.

A render takes "name:standing" wherever it takes a pose token. Nobody's photo is behind the ones in the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tryon_service.errors import InputError
from tryon_service.figures.poses import STATURE, FigurePose, landmarks_of
from tryon_service.poses.files import read_pose
from tryon_service.poses.pose import Pose
from tryon_service.types import Keypoints

PREFIX = "name:"
"""What a house pose's name begins with where a token could stand as well."""
FOLDER = "poses"
"""Of the added ones, below the data folder."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

FRAME = (900, 1200)
"""Pixels of the picture that the table's poses are thought to stand in, upright as cards are."""
PIXELS_PER_METRE = 580.0
FLOOR = 1130.0
"""Height in FRAME of the lowest toe."""

_HAND_ON_HIP = FigurePose(
    left_upper_arm=(46, -8),
    left_forearm=(-40, 8),
    left_hand=4,
    right_upper_arm=(11, -2),
    right_forearm=(5, 10),
    right_thigh=(4, 8),
    right_shin=(3, -10),
    hip_tilt=-3,
    shoulder_tilt=2,
)
_THREE_QUARTER = FigurePose(
    left_upper_arm=(12, -4),
    left_forearm=(5, 12),
    right_upper_arm=(12, -2),
    right_forearm=(5, 10),
    left_thigh=(4, 5),
    left_shin=(3, -5),
    turn=22,
)

_TABLE: Mapping[str, FigurePose] = MappingProxyType(
    {
        "standing": FigurePose(
            left_upper_arm=(9, 0), left_forearm=(4, 8), right_upper_arm=(9, 0), right_forearm=(4, 8)
        ),
        "arms_relaxed": FigurePose(
            left_upper_arm=(14, -4), left_forearm=(4, 16), right_upper_arm=(14, -4), right_forearm=(4, 16)
        ),
        "arms_slightly_out": FigurePose(
            left_upper_arm=(21, 0), left_forearm=(15, 6), right_upper_arm=(21, 0), right_forearm=(15, 6)
        ),
        "contrapposto": FigurePose(
            left_upper_arm=(13, 0),
            left_forearm=(7, 8),
            right_upper_arm=(13, 0),
            right_forearm=(5, 10),
            left_thigh=(10, 10),
            left_shin=(4, -12),
            right_thigh=(-1, 0),
            right_shin=(0, 0),
            lean=2,
            shoulder_tilt=-5,
            hip_tilt=7,
            head_tilt=4,
        ),
        "hand_on_hip_left": _HAND_ON_HIP,
        "hand_on_hip_right": _HAND_ON_HIP.mirrored(),
        "both_hands_on_hips": FigurePose(
            left_upper_arm=(46, -8),
            left_forearm=(-40, 8),
            left_hand=4,
            right_upper_arm=(46, -8),
            right_forearm=(-40, 8),
            right_hand=4,
        ),
        "one_step": FigurePose(
            left_upper_arm=(12, -8),
            left_forearm=(6, 6),
            right_upper_arm=(11, 6),
            right_forearm=(5, 16),
            left_thigh=(3, 11),
            left_shin=(2, 0),
            right_thigh=(4, -6),
            right_shin=(3, -16),
        ),
        "walking": FigurePose(
            left_upper_arm=(14, -14),
            left_forearm=(8, 6),
            right_upper_arm=(12, 14),
            right_forearm=(5, 26),
            left_thigh=(2, 20),
            left_shin=(1, -4),
            right_thigh=(4, -12),
            right_shin=(2, -26),
        ),
        "legs_apart": FigurePose(
            left_upper_arm=(14, 0),
            left_forearm=(9, 8),
            right_upper_arm=(14, 0),
            right_forearm=(9, 8),
            left_thigh=(10, 0),
            left_shin=(9, 0),
            right_thigh=(10, 0),
            right_shin=(9, 0),
        ),
        "three_quarter_left": _THREE_QUARTER,
        "three_quarter_right": _THREE_QUARTER.mirrored(),
    }
)
"""Angles in degrees as in figures/poses.py: a bone's (swing outwards, forward to the camera), tilts clockwise as seen,
turn of the whole body to the person's left. A hand on the hip is the named hand."""


def names(folder: Path | None = None) -> tuple[str, ...]:
    """The table's, then those added in this folder, sorted."""
    added = folder.glob("*.json") if folder and folder.is_dir() else ()
    return (*_TABLE, *sorted(path.stem for path in added if NAME.fullmatch(path.stem) and path.stem not in _TABLE))


def house_pose(name: str, folder: Path | None = None) -> Pose:
    """A pose of the table, else of the file that was added in this folder, <data>/poses.

    Raises InputError("invalid_pose") for an unknown name and for a file that is no pose.
    """
    if name in _TABLE:
        return _built(name)
    if folder and NAME.fullmatch(name) and pose_file(folder, name).is_file():
        return read_pose(pose_file(folder, name))
    raise InputError("invalid_pose", f"There is no house pose {name[:40]!r}.", "pose")


def pose_file(folder: Path, name: str) -> Path:
    """Where an added pose is kept. Raises InputError("invalid_option") for a name that may not be given."""
    if not NAME.fullmatch(name):
        raise InputError("invalid_option", "A name is 1 to 40 of a-z, 0-9 and '_', a letter first.", "name")
    if name in _TABLE:
        raise InputError("invalid_option", f"{name!r} is built in.", "name")
    return folder / f"{name}.json"


@cache
def _built(name: str) -> Pose:
    """The table's pose, upright in the middle of FRAME, every joint in sight."""
    world = landmarks_of(replace(_TABLE[name], name=name))
    xyz = world * np.float32(PIXELS_PER_METRE)
    xyz[:, 0] += (FRAME[0] - 1) / 2
    xyz[:, 1] += FLOOR - xyz[:, 1].max()
    keypoints = Keypoints(xyz, world, np.ones(len(xyz), np.float32), np.ones(len(xyz), np.bool_))
    return Pose.quantised(keypoints, FRAME, STATURE * PIXELS_PER_METRE)
