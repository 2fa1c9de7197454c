"""Which joints are called seen, on a drawn body."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tryon_service.perception.skeletons import BONES, Landmark
from tryon_service.perception.visibility import agree_with_parsing, judge_seen, pixels_per_metre
from tryon_service.types import Float32Array, Keypoints, Part


@pytest.fixture
def matte(standing: Keypoints) -> Float32Array:
    """The standing body drawn with thick limbs."""
    drawn = np.zeros((400, 300), np.float32)
    for near, far in BONES:
        ends = [tuple(int(v) for v in np.rint(standing.xy[end])) for end in (near, far)]
        cv2.line(drawn, ends[0], ends[1], 1.0, 14)
    return drawn


def moved(keypoints: Keypoints, joint: Landmark, offset: tuple[float, float]) -> Keypoints:
    xyz = keypoints.xyz.copy()
    xyz[joint, :2] += offset
    return replace(keypoints, xyz=xyz)


def test_scale(standing: Keypoints) -> None:
    assert pixels_per_metre(standing) == pytest.approx(200, rel=0.01)


def test_a_whole_body_is_seen(standing: Keypoints, matte: Float32Array) -> None:
    assert judge_seen(standing, matte).all()


def test_a_hand_on_a_passer_by_is_not_seen_nor_are_its_fingers(standing: Keypoints, matte: Float32Array) -> None:
    seen = judge_seen(moved(standing, Landmark.LEFT_WRIST, (50, 0)), matte)
    assert not seen[[Landmark.LEFT_WRIST, Landmark.LEFT_INDEX, Landmark.LEFT_THUMB, Landmark.LEFT_PINKY]].any()
    assert seen.sum() == 29


def test_a_joint_outside_the_frame_is_not_seen(standing: Keypoints, matte: Float32Array) -> None:
    seen = judge_seen(standing, matte[:340])
    assert not seen[[Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]].any()
    assert seen[Landmark.LEFT_KNEE]


def test_a_limb_longer_than_the_body_allows_is_not_seen(standing: Keypoints, matte: Float32Array) -> None:
    # The wrist lies on the body, but at the foot.
    offset = tuple(standing.xy[Landmark.LEFT_ANKLE] - standing.xy[Landmark.LEFT_WRIST])
    seen = judge_seen(moved(standing, Landmark.LEFT_WRIST, offset), matte)
    assert not seen[Landmark.LEFT_WRIST]
    assert seen[Landmark.LEFT_ANKLE]


def test_what_the_network_calls_hidden_is_not_seen(standing: Keypoints, matte: Float32Array) -> None:
    visibility = standing.visibility.copy()
    visibility[Landmark.RIGHT_ELBOW] = 0.3
    seen = judge_seen(replace(standing, visibility=visibility), matte)
    assert not seen[Landmark.RIGHT_ELBOW]


def test_a_hand_in_a_trouser_pocket_disagrees_with_the_parsing(standing: Keypoints) -> None:
    parsing = np.full((400, 300), Part.TROUSERS, np.uint8)
    agreed = agree_with_parsing(standing, parsing)
    assert not agreed[[Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST, Landmark.LEFT_INDEX]].any()
    assert agreed[[Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE, Landmark.LEFT_ELBOW]].all()
    x, y = np.rint(standing.xy[Landmark.LEFT_WRIST]).astype(int)
    parsing[y - 4 : y + 5, x - 4 : x + 5] = Part.LEFT_ARM
    agreed = agree_with_parsing(standing, parsing)
    assert agreed[Landmark.LEFT_WRIST]
    assert not agreed[Landmark.RIGHT_WRIST]
