"""Real networks for the tests that need them, photos, and small synthetic poses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tryon_service.errors import ZooError
from tryon_service.perception.pose_blazepose import BlazePose
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Keypoints, Photo


@pytest.fixture(scope="session")
def blazepose() -> BlazePose:
    """The default pose estimator; skips if its networks are neither in the zoo nor to be had."""
    try:
        return BlazePose(num_threads=1)
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


@pytest.fixture(scope="session")
def load(photos: Path) -> Callable[[str], Photo]:
    """A photo by its path below the data folder."""

    def read(name: str) -> Photo:
        rgb = cv2.cvtColor(cv2.imread(str(photos / name)), cv2.COLOR_BGR2RGB)
        return Photo(rgb, (rgb.shape[1], rgb.shape[0]), "")

    return read


# A standing body in metres, hips' middle at the origin, y down, seen from the front: the person's left is at the right.
_STANDING = {
    Landmark.NOSE: (0.0, -0.65),
    Landmark.LEFT_SHOULDER: (0.18, -0.48),
    Landmark.LEFT_ELBOW: (0.27, -0.22),
    Landmark.LEFT_WRIST: (0.33, 0.02),
    Landmark.LEFT_PINKY: (0.35, 0.1),
    Landmark.LEFT_INDEX: (0.33, 0.11),
    Landmark.LEFT_THUMB: (0.31, 0.08),
    Landmark.LEFT_HIP: (0.1, 0.0),
    Landmark.LEFT_KNEE: (0.11, 0.42),
    Landmark.LEFT_ANKLE: (0.12, 0.82),
    Landmark.LEFT_HEEL: (0.11, 0.86),
    Landmark.LEFT_FOOT_INDEX: (0.16, 0.88),
}


@pytest.fixture
def standing() -> Keypoints:
    """A person standing at 200 pixels per metre with the hips at (150, 200), everything visible."""
    world = np.zeros((33, 3), np.float32)
    for landmark in Landmark:
        name = landmark.name
        twin = Landmark[name.replace("RIGHT", "LEFT")] if "RIGHT" in name else landmark
        x, y = _STANDING.get(twin, (0.03 if twin is not Landmark.NOSE else 0.0, -0.66))
        world[landmark, :2] = (-x if "RIGHT" in name else x, y)
    xyz = world * 200 + np.array([150, 200, 0], np.float32)
    return Keypoints(xyz, world, np.ones(33, np.float32), np.ones(33, np.bool_))
