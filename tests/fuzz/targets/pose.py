"""Poses from outside: what a token holds once it is open, and pose files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.fuzz.oracles import affordable, outcome
from tryon_service.poses.files import pose_from_json, pose_to_json
from tryon_service.poses.house import house_pose
from tryon_service.poses.pose import Pose
from tryon_service.types import Reason

SECONDS, MEGABYTES = 1.0, 32.0
WORDS = (
    b'{"size": [', b'"landmarks": {', b'"pixels": [', b'"metres": [', b'"visibility": ', b'"seen": true', b"NaN",
    b"Infinity", b"1e400", b'[["low_light","shopper","",0.5,null]]', b"[[[[", b"null", b"-0.0", b"\\ud800",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    pose = house_pose("standing")
    yield pose.pack()
    yield Pose.quantised(pose.keypoints(), pose.size, pose.height, (Reason("low_light", "shopper", "", 0.5),)).pack()
    yield json.dumps(pose_to_json(pose)).encode()


def check(data: bytes) -> None:
    with affordable(SECONDS, MEGABYTES):
        pose = outcome(lambda: Pose.unpack(data), "invalid_pose")
    if pose is not None:
        _sound(pose)
        assert Pose.unpack(pose.pack()) == pose
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    with affordable(SECONDS, MEGABYTES):
        pose = outcome(lambda: pose_from_json(value), "invalid_pose")
    if pose is not None:
        _sound(pose)


def _sound(pose: Pose) -> None:
    """All that reckons with it gets finite numbers in a frame."""
    keypoints = pose.keypoints()
    assert all(np.isfinite(part).all() for part in (keypoints.xyz, keypoints.world, keypoints.visibility))
    assert min(pose.size) > 0
    assert pose.height > 0
