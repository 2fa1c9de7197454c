"""Joint tables agree with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tryon_service.perception.skeletons import (
    BONES,
    COCO18,
    LANDMARK_NAMES,
    LIMBS,
    MIRRORED,
    Landmark,
    coco18,
    mirrored,
)
from tryon_service.types import Keypoints


def test_mirroring_swaps_left_and_right_and_nothing_else() -> None:
    for landmark in Landmark:
        name = landmark.name
        swapped = name.replace("LEFT", "?").replace("RIGHT", "LEFT").replace("?", "RIGHT")
        assert Landmark(MIRRORED[landmark]).name == swapped


def test_names_bones_and_limbs() -> None:
    assert len(LANDMARK_NAMES) == 33
    assert LANDMARK_NAMES[0] == "nose"
    assert LANDMARK_NAMES[32] == "right_foot_index"
    assert len(set(BONES)) == len(BONES)
    assert set(LIMBS.values()) <= set(BONES)
    for name, (near, far) in LIMBS.items():
        assert near.name.startswith(name.split("_")[0].upper())
        assert far.name.startswith(name.split("_")[0].upper())


def test_mirrored_twice_is_the_same_pose(standing: Keypoints) -> None:
    once = mirrored(standing, 300)
    assert once.xy[Landmark.LEFT_WRIST, 0] == 299 - standing.xy[Landmark.RIGHT_WRIST, 0]
    twice = mirrored(once, 300)
    np.testing.assert_allclose(twice.xyz, standing.xyz, atol=1e-4)
    np.testing.assert_allclose(twice.world, standing.world)


def test_coco18_order_and_neck(standing: Keypoints) -> None:
    names = [name for name, _ in COCO18]
    assert names[:8] == [
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ]
    assert names[14:] == ["right_eye", "left_eye", "right_ear", "left_ear"]
    seen = standing.seen.copy()
    seen[Landmark.RIGHT_SHOULDER] = False
    rows = coco18(replace(standing, seen=seen))
    assert rows.shape == (18, 3)
    assert rows.dtype == np.float32
    middle = (standing.xy[Landmark.LEFT_SHOULDER] + standing.xy[Landmark.RIGHT_SHOULDER]) / 2
    np.testing.assert_allclose(rows[1, :2], middle)
    assert rows[1, 2] == 0
    assert rows[2, 2] == 0
    assert rows[5, 2] == 1
