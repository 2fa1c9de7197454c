"""Which joints are called seen, on a drawn body."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tryon_service.perception.scale import pixels_per_metre
from tryon_service.perception.skeletons import BONES, Landmark
from tryon_service.perception.visibility import agree_with_parsing, judge_seen
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


def believed(keypoints: Keypoints, joint: Landmark, visibility: float) -> Keypoints:
    """Keypoints in which the network believes so much in one joint."""
    changed = keypoints.visibility.copy()
    changed[joint] = visibility
    return replace(keypoints, visibility=changed)


@pytest.mark.parametrize(
    ("joint", "visibility"),
    [(Landmark.RIGHT_WRIST, 0.4), (Landmark.LEFT_ANKLE, 0.4), (Landmark.RIGHT_ELBOW, 0.15), (Landmark.LEFT_KNEE, 0.15)],
)
def test_what_the_network_calls_hidden_is_not_seen(
    standing: Keypoints, matte: Float32Array, joint: Landmark, visibility: float
) -> None:
    assert not judge_seen(believed(standing, joint, visibility), matte)[joint]


@pytest.mark.parametrize(
    ("joint", "shown", "agrees"),
    [
        (Landmark.LEFT_KNEE, Part.TROUSERS, True),
        (Landmark.LEFT_KNEE, Part.LEFT_LEG, True),
        (Landmark.LEFT_KNEE, Part.SKIRT, False),
        (Landmark.LEFT_KNEE, Part.DRESS, False),
        (Landmark.RIGHT_ELBOW, Part.OUTERWEAR, True),
        (Landmark.RIGHT_ELBOW, Part.RIGHT_ARM, True),
        (Landmark.RIGHT_ELBOW, Part.LEFT_ARM, False),
        (Landmark.RIGHT_ELBOW, Part.ACCESSORIES, False),
    ],
)
def test_a_joint_half_believed_in_counts_where_the_limb_itself_shows(
    standing: Keypoints, matte: Float32Array, joint: Landmark, shown: Part, agrees: bool
) -> None:
    doubted = believed(standing, joint, 0.3)
    assert judge_seen(doubted, matte)[joint]
    parsing = np.where(matte > 0.5, shown, Part.BACKGROUND).astype(np.uint8)
    assert agree_with_parsing(doubted, parsing)[joint] == agrees
    assert agree_with_parsing(standing, parsing)[joint], "a joint that the network is sure of may be covered"


def test_a_joint_half_believed_in_does_not_count_behind_its_twin(standing: Keypoints) -> None:
    legs = np.full((400, 300), Part.TROUSERS, np.uint8)
    apart = float(standing.xy[Landmark.LEFT_KNEE, 0] - standing.xy[Landmark.RIGHT_KNEE, 0])
    aside = believed(moved(standing, Landmark.LEFT_KNEE, (5 - apart, 0)), Landmark.LEFT_KNEE, 0.3)
    assert agree_with_parsing(believed(standing, Landmark.LEFT_KNEE, 0.3), legs)[Landmark.LEFT_KNEE]
    assert not agree_with_parsing(aside, legs)[Landmark.LEFT_KNEE]


def test_an_elbow_on_a_lamp_disagrees_with_the_parsing(standing: Keypoints, matte: Float32Array) -> None:
    """The matte may take in what stands behind a person; the parsing finds next to no sleeve there."""
    parsing = np.where(matte > 0.5, Part.UPPER, Part.BACKGROUND).astype(np.uint8)
    assert agree_with_parsing(standing, parsing)[[Landmark.LEFT_ELBOW, Landmark.RIGHT_ELBOW]].all()
    lamp = moved(standing, Landmark.RIGHT_ELBOW, (-60, -80))
    x, y = np.rint(lamp.xy[Landmark.RIGHT_ELBOW]).astype(int)
    parsing[y - 4 : y + 5, x - 4 : x + 5] = Part.RIGHT_ARM
    assert not agree_with_parsing(lamp, parsing)[Landmark.RIGHT_ELBOW]


def test_a_hand_in_a_trouser_pocket_disagrees_with_the_parsing(standing: Keypoints) -> None:
    parsing = np.full((400, 300), Part.TROUSERS, np.uint8)
    agreed = agree_with_parsing(standing, parsing)
    assert not agreed[[Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST, Landmark.LEFT_INDEX]].any()
    assert agreed[[Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE]].all()
    x, y = np.rint(standing.xy[Landmark.LEFT_WRIST]).astype(int)
    parsing[y - 4 : y + 5, x - 4 : x + 5] = Part.LEFT_ARM
    agreed = agree_with_parsing(standing, parsing)
    assert agreed[Landmark.LEFT_WRIST]
    assert not agreed[Landmark.RIGHT_WRIST]
