"""What a photo's name changes about its pose, and when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.named_view import NamedView, faces_camera, turned_round
from tryon_service.types import Keypoints, NetworkId, Photo, ViewName

PHOTO = Photo(np.zeros((400, 300, 3), np.uint8), (300, 400), "")


class Fixed:
    """Always finds the same."""

    networks = (NetworkId("fixed", "0"),)

    def __init__(self, keypoints: Keypoints, score: float) -> None:
        self.found = PoseEstimate(keypoints, np.zeros((400, 300), np.float32), score)

    def estimate(self, photo: Photo) -> PoseEstimate:
        return self.found


def headless(keypoints: Keypoints) -> Keypoints:
    return replace(keypoints, seen=np.arange(33) > 10)


def test_turned_round_twice_is_the_same(standing: Keypoints) -> None:
    away = turned_round(standing)
    assert faces_camera(standing)
    assert not faces_camera(away)
    np.testing.assert_array_equal(away.xy[11], standing.xy[12])
    np.testing.assert_array_equal(turned_round(away).world, standing.world)


@pytest.mark.parametrize(
    ("view", "score", "head", "turns"),
    [
        ("back", 0.6, False, True),
        ("back", 1.0, False, True),
        ("back", 0.97, True, True),
        ("back", 1.0, True, False),
        ("front", 0.6, False, False),
        ("three_quarter", 0.6, False, False),
        ("side", 0.6, False, False),
    ],
)
def test_a_name_is_believed_where_the_pose_is_unsure(
    standing: Keypoints, view: ViewName, score: float, head: bool, turns: bool
) -> None:
    pose = NamedView(Fixed(standing if head else headless(standing), score), view)
    assert faces_camera(pose.estimate(PHOTO).keypoints) != turns
    assert pose.networks == Fixed.networks


def test_a_name_turns_a_back_to_the_front(standing: Keypoints) -> None:
    pose = NamedView(Fixed(turned_round(headless(standing)), 0.6), "front")
    assert faces_camera(pose.estimate(PHOTO).keypoints)
