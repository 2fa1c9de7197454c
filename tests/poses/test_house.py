"""House poses are bodies that could stand so, and the picture and the space they are given in agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.cli.files import write_json
from tryon_service.errors import InputError
from tryon_service.figures.body import TRUNK_PROFILE
from tryon_service.figures.poses import FOREARM, HIP_HALF, SHIN, SHOULDER_HALF, THIGH, UPPER_ARM
from tryon_service.perception.skeletons import LIMBS, Landmark, mirrored
from tryon_service.poses.files import pose_to_json
from tryon_service.poses.house import FRAME, PIXELS_PER_METRE, house_pose, names, pose_file
from tryon_service.retarget.view import yaw
from tryon_service.types import Keypoints

LENGTHS = {"upper_arm": UPPER_ARM, "forearm": FOREARM, "thigh": THIGH, "shin": SHIN}
FLOOR_APART = 0.03
"""Metres by which two ankles' heights may differ in a pose that stands."""


def keypoints(name: str) -> Keypoints:
    return house_pose(name).keypoints()


def test_there_are_about_twelve() -> None:
    assert len(names()) == len(set(names())) == 12
    assert {"standing", "contrapposto", "walking", "hand_on_hip_left", "three_quarter_right"} <= set(names())


def test_no_two_are_the_same() -> None:
    assert len({house_pose(name).pack() for name in names()}) == 12


@pytest.mark.parametrize("name", names())
def test_bodies_are_whole_and_inside(name: str) -> None:
    pose, found = house_pose(name), keypoints(name)
    assert pose.size == FRAME
    assert pose.doubts == ()
    assert found.seen.all()
    assert (found.visibility == 1).all()
    assert (found.xy > 40).all()
    assert (found.xy < np.array(FRAME) - 40).all()
    assert abs(found.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 0].mean() - FRAME[0] / 2) < 2


@pytest.mark.parametrize("name", names())
def test_the_picture_shows_the_body_in_space(name: str) -> None:
    found = keypoints(name)
    seen = (found.xy - found.xy[Landmark.NOSE]) / PIXELS_PER_METRE
    np.testing.assert_allclose(seen, (found.world - found.world[Landmark.NOSE])[:, :2], atol=0.006)


@pytest.mark.parametrize("name", names())
def test_bones_are_a_persons(name: str) -> None:
    world = keypoints(name).world
    for limb, (near, far) in LIMBS.items():
        assert np.linalg.norm(world[far] - world[near]) == pytest.approx(LENGTHS[limb.split("_", 1)[1]], abs=0.003)
    shoulders = world[Landmark.LEFT_SHOULDER] - world[Landmark.RIGHT_SHOULDER]
    hips = world[Landmark.LEFT_HIP] - world[Landmark.RIGHT_HIP]
    assert np.linalg.norm(shoulders) == pytest.approx(2 * SHOULDER_HALF, abs=0.003)
    assert np.linalg.norm(hips) == pytest.approx(2 * HIP_HALF, abs=0.003)


@pytest.mark.parametrize("name", names())
def test_elbows_and_knees_bend_the_way_they_do(name: str) -> None:
    """A shin never points farther forward than its thigh, nor a forearm farther back than its upper arm."""
    world = keypoints(name).world
    for side in ("left", "right"):
        forward = {}
        for kind in LENGTHS:
            near, far = LIMBS[f"{side}_{kind}"]
            bone = world[far] - world[near]
            forward[kind] = float(np.degrees(np.arcsin(-bone[2] / np.linalg.norm(bone))))
        assert forward["shin"] <= forward["thigh"] + 0.5
        assert forward["forearm"] >= forward["upper_arm"] - 0.5


@pytest.mark.parametrize("name", names())
def test_both_feet_are_on_the_floor(name: str) -> None:
    world = keypoints(name).world
    assert abs(world[Landmark.LEFT_ANKLE, 1] - world[Landmark.RIGHT_ANKLE, 1]) <= FLOOR_APART


@pytest.mark.parametrize("name", names())
def test_hands_are_outside_the_trunk(name: str) -> None:
    """Neither wrist lies within the trunk's outline as the camera sees it: a hand on a hip lies on its edge."""
    world = keypoints(name).world
    neck = world[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0)
    for wrist in (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST):
        below, half = np.transpose(TRUNK_PROFILE)
        width = np.interp(world[wrist, 1] - neck[1], below, half)
        spine = neck * (1 - (world[wrist, 1] - neck[1]) / -neck[1])
        turned = np.hypot(world[wrist, 0] - spine[0], world[wrist, 2] - spine[2])
        assert turned > width - 0.005


@pytest.mark.parametrize(
    ("left", "right"), [("hand_on_hip_left", "hand_on_hip_right"), ("three_quarter_left", "three_quarter_right")]
)
def test_the_sides_are_each_others_mirror_picture(left: str, right: str) -> None:
    twin = mirrored(keypoints(left), FRAME[0])
    np.testing.assert_allclose(twin.xy, keypoints(right).xy, atol=0.6)
    np.testing.assert_allclose(twin.world, keypoints(right).world, atol=0.002)


def test_names_say_what_is_done() -> None:
    hips = keypoints("hand_on_hip_left")
    assert np.hypot(*(hips.world[Landmark.LEFT_WRIST] - hips.world[Landmark.LEFT_HIP])[:2]) < 0.2
    assert np.hypot(*(hips.world[Landmark.RIGHT_ELBOW] - hips.world[Landmark.RIGHT_SHOULDER])[:2]) > 0.26
    assert np.degrees(yaw(keypoints("three_quarter_left"))) == pytest.approx(22, abs=0.5)
    assert np.degrees(yaw(keypoints("three_quarter_right"))) == pytest.approx(-22, abs=0.5)
    walking = keypoints("walking").world[:, 2]
    assert walking[Landmark.LEFT_ANKLE] < walking[Landmark.RIGHT_ANKLE] - 0.2
    apart = keypoints("legs_apart").world[:, 0]
    assert apart[Landmark.LEFT_ANKLE] - apart[Landmark.RIGHT_ANKLE] > 0.42


@pytest.mark.parametrize(
    "name", ["", "Standing", "no_such_pose", "../keys", "standing.json", "a/b", "x" * 5000, "\x00"]
)
def test_an_unknown_name_is_an_invalid_pose(name: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    folder = tmp_path / "poses"
    folder.mkdir()
    for where in (None, folder, tmp_path / "missing"):
        with pytest.raises(InputError) as caught:
            house_pose(name, where)
        assert (caught.value.code, caught.value.field) == ("invalid_pose", "pose")
        assert len(caught.value.detail) < 200


def test_added_poses_come_after_the_tables_own(tmp_path: Path) -> None:
    write_json(tmp_path / "my_walk.json", pose_to_json(house_pose("walking")))
    (tmp_path / "standing.json").write_text("{}")
    (tmp_path / "No Name.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    assert names(tmp_path) == (*names(), "my_walk")
    assert house_pose("my_walk", tmp_path) == house_pose("walking")
    assert house_pose("standing", tmp_path) == house_pose("standing"), "the table's own can't be replaced"
    with pytest.raises(InputError):
        house_pose("my_walk")


@pytest.mark.parametrize("name", ["standing", "", "A", "a-b", "../x", "a" * 41, "1st", "a\n"])
def test_names_that_can_not_be_given(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        pose_file(tmp_path, name)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "name")
