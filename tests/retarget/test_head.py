"""Which way drawn heads face, and how far the model's head is turned for a shopper's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tryon_service.figures import Figure, FigurePose, draw_figure
from tryon_service.figures.poses import FACE_POINTS
from tryon_service.perception.skeletons import HEAD, MIRRORED, Landmark, mirrored
from tryon_service.retarget.head import head_roll, head_turn, head_yaw
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Keypoints, Person

SIZE = (300, 400)
MakePerson = Callable[[Figure], Person]


@cache
def standing() -> Keypoints:
    return draw_figure("standing", size=SIZE).keypoints


def facing(degrees: float, pixels: float = 1.0) -> Keypoints:
    """A standing figure whose head alone is turned towards its own left. pixels: its size as a share."""
    keypoints = standing()
    points = np.zeros((33, 3))
    for landmark, (x, up, z) in FACE_POINTS.items():
        points[landmark] = x, -up, z
        points[MIRRORED[landmark]] = -x if MIRRORED[landmark] != landmark else x, -up, z
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.stack([c * points[:, 0] - s * points[:, 2], points[:, 1], s * points[:, 0] + c * points[:, 2]], axis=1)
    rows = list(HEAD)
    scale = np.linalg.norm(keypoints.xy[23] - keypoints.xy[11]) / np.linalg.norm(
        keypoints.world[23] - keypoints.world[11]
    )
    world, xyz = keypoints.world.copy(), keypoints.xyz.copy()
    world[rows] = turned[rows] + world[[Landmark.LEFT_EAR, Landmark.RIGHT_EAR]].mean(axis=0)
    xyz[rows] = turned[rows] * scale + xyz[[Landmark.LEFT_EAR, Landmark.RIGHT_EAR]].mean(axis=0)
    return replace(keypoints, world=world, xyz=xyz).moved(pixels)


@pytest.mark.parametrize("degrees", [-40, -15, 0, 20, 45])
def test_yaw_of_a_turned_head(degrees: float) -> None:
    yaw = head_yaw(facing(degrees))
    assert yaw is not None
    assert np.degrees(yaw) == pytest.approx(degrees, abs=3.0)
    other = head_yaw(mirrored(facing(degrees), SIZE[0]))
    assert other == pytest.approx(-yaw, abs=1e-6)


def test_profiles_hidden_faces_and_backs_of_heads_have_no_yaw() -> None:
    assert head_yaw(facing(75)) is None
    assert head_yaw(facing(180)) is None
    front = facing(0)
    seen = front.seen.copy()
    seen[Landmark.NOSE] = False
    assert head_yaw(replace(front, seen=seen)) is None


@pytest.mark.parametrize(("degrees", "expected"), [(0, 0), (6, 0), (-7, 0), (25, 25), (-30, -30), (52, 35)])
def test_small_turns_are_noise_and_large_ones_bounded(degrees: float, expected: float) -> None:
    assert np.degrees(head_turn(facing(0), facing(degrees, 0.5))) == pytest.approx(expected, abs=2.5)


def test_turns_add_up() -> None:
    assert np.degrees(head_turn(facing(-12), facing(12))) == pytest.approx(24, abs=3)
    assert head_turn(facing(20), facing(20, 0.3)) == 0.0


def test_no_turn_without_both_faces() -> None:
    assert head_turn(facing(0), facing(90)) == 0.0
    assert head_turn(facing(180), facing(30)) == 0.0


def test_retarget_carries_the_turn(person_of: MakePerson) -> None:
    model = person_of(draw_figure("standing", size=SIZE))
    assert np.degrees(retarget(model, facing(25)).head_turn) == pytest.approx(25, abs=3)
    assert retarget(model, model.keypoints).head_turn == 0.0
    in_frame = retarget(model, facing(-25), frame="shopper", shopper_size=SIZE)
    assert np.degrees(in_frame.head_turn) == pytest.approx(-25, abs=3)


@pytest.mark.parametrize("tilt", [-18.0, 0.0, 12.0])
def test_roll_is_followed(person_of: MakePerson, tilt: float) -> None:
    keypoints = draw_figure(FigurePose(head_tilt=tilt), size=SIZE).keypoints
    assert np.degrees(head_roll(keypoints)) == pytest.approx(tilt, abs=1.0)
    model = person_of(draw_figure("standing", size=SIZE))
    assert np.degrees(head_roll(retarget(model, keypoints).keypoints)) == pytest.approx(tilt, abs=1.5)
