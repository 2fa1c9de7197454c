"""A pose as a JSON file of keypoints, to be read by people and carried from one installation to another.

{"size": [900, 1200], "height": 980,
 "landmarks": {"nose": {"pixels": [450.0, 201.5], "metres": [0.0, -0.67, -0.12], "visibility": 1.0, "seen": true}}}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.errors import InputError
from tryon_service.perception.skeletons import LANDMARK_NAMES
from tryon_service.poses.pose import MAX_PIXELS, Pose
from tryon_service.types import Keypoints

LARGEST = 1 << 16
"""Bytes of a file; ours have a tenth of that."""


def pose_to_json(pose: Pose) -> dict[str, Any]:
    """Keypoints and the frame they lie in; no doubts, since a pose that is kept should have none."""
    keypoints = pose.keypoints()
    rows = zip(
        np.round(keypoints.xy.astype(float), 4).tolist(),
        np.round(keypoints.world.astype(float), 6).tolist(),
        np.round(keypoints.visibility.astype(float), 4).tolist(),
        keypoints.seen.tolist(),
        strict=True,
    )
    words = ("pixels", "metres", "visibility", "seen")
    landmarks = {name: dict(zip(words, row, strict=True)) for name, row in zip(LANDMARK_NAMES, rows, strict=True)}
    return {"size": list(pose.size), "height": pose.height, "landmarks": landmarks}


def pose_from_json(value: object) -> Pose:
    """Raises InputError("invalid_pose") for what pose_to_json didn't write."""
    try:
        return _pose(value)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("invalid_pose", "It doesn't hold 33 landmarks in a frame.", "pose") from None


def read_pose(path: Path) -> Pose:
    """Raises InputError("invalid_pose") for a file that can't be read or isn't a pose."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ValueError
        return pose_from_json(json.loads(text))
    except (OSError, ValueError, RecursionError):
        raise InputError(
            "invalid_pose", f"The file of the pose {path.stem!r} can't be read as a pose.", "pose"
        ) from None


def _pose(value: Any) -> Pose:  # noqa: ANN401 - anything at all may stand in the file
    """Whatever is wrong with the value raises one of Python's own errors."""
    width, height = (int(side) for side in value["size"])
    if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
        raise ValueError
    rows = [value["landmarks"][name] for name in LANDMARK_NAMES]
    xyz = np.zeros((len(rows), 3), np.float32)
    with np.errstate(over="ignore"):  # infinite then, and refused
        xyz[:, :2] = np.array([row["pixels"] for row in rows], np.float64)
        world = np.array([row["metres"] for row in rows], np.float32).reshape(xyz.shape)
        visibility = np.array([row["visibility"] for row in rows], np.float32).reshape(len(rows))
    if not (np.isfinite(xyz).all() and np.isfinite(world).all() and np.isfinite(visibility).all()):
        raise ValueError
    seen = np.array([row["seen"] is True for row in rows])
    return Pose.quantised(Keypoints(xyz, world, visibility, seen), (width, height), float(value["height"]))
