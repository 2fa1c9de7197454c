"""A pose keeps what a picture needs, within known steps, and its bytes give back exactly the pose."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS, POSES, Figure, FigurePose, draw_figure
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.poses.pose import METRE, SIDE, TURN, Pose
from tryon_service.poses.skeleton import POSE_BONES, bones_of, landmarks_of
from tryon_service.retarget.view import degrees_between, direction, projected_share, yaw
from tryon_service.types import Keypoints, Person, Photo, Reason

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def person(person_of: MakePerson) -> Person:
    return person_of(draw_figure("walking", OUTFITS["sport"], SIZE))


def test_bones_and_landmarks_are_the_same_thing() -> None:
    points = np.random.default_rng(1).normal(0, 1, (33, 3))
    root, bones = bones_of(points)
    assert bones.shape == (32, 3)
    np.testing.assert_allclose(landmarks_of(root, bones), points, atol=1e-12)
    np.testing.assert_allclose(root, points[[23, 24]].mean(axis=0))
    near, far = POSE_BONES[1]
    np.testing.assert_allclose(bones[1], points[list(far)].mean(axis=0) - points[list(near)].mean(axis=0))


def test_every_long_bone_is_a_bone_of_the_pose() -> None:
    assert {((near,), (far,)) for near, far in LIMBS.values()} <= set(POSE_BONES)


@pytest.mark.parametrize("name", [*POSES, "turned"])
def test_quantising_changes_less_than_the_estimator_can_tell(name: str, person_of: MakePerson) -> None:
    figure = draw_figure(FigurePose(turn=23.0) if name == "turned" else name, OUTFITS["sport"], SIZE)
    before = person_of(figure).keypoints
    after = Pose.of(person_of(figure)).keypoints()
    for bone in LIMBS.values():
        assert degrees_between(direction(before, bone), direction(after, bone)) <= 180 / TURN + 0.01
        assert projected_share(after, bone) == pytest.approx(projected_share(before, bone), abs=0.005)
    assert degrees_between(yaw(before), yaw(after)) < 0.3
    np.testing.assert_allclose(after.xy, before.xy, atol=0.6)
    np.testing.assert_allclose(after.world, before.world, atol=0.004)
    np.testing.assert_allclose(after.xyz[:, 2], before.xyz[:, 2], atol=1.5)
    np.testing.assert_array_equal(after.seen, before.seen)
    np.testing.assert_allclose(after.visibility, before.visibility, atol=1 / 255)


def test_a_quantised_pose_stays_what_it_is(person: Person) -> None:
    pose = Pose.of(person)
    assert Pose.quantised(pose.keypoints(), pose.size, pose.height) == pose


def test_the_frame_is_the_file_and_not_its_reduced_copy(person: Person) -> None:
    large = Photo(person.photo.rgb, (4 * SIZE[0], 4 * SIZE[1]), person.photo.digest)
    pose, small = Pose.of(replace(person, photo=large)), Pose.of(person)
    assert pose.size == large.size
    assert pose.height == 4 * small.height
    np.testing.assert_allclose(pose.keypoints().xy, 4 * (person.keypoints.xy + 0.5) - 0.5, atol=2.4)


def test_packing_is_exact(person: Person) -> None:
    doubts = [Reason("blurred", "shopper", "", 0.7312345678901234, 0.7), Reason("low_light", "shopper", "face")]
    seen = person.keypoints.seen.copy()
    seen[Landmark.LEFT_WRIST] = False
    person = replace(person, keypoints=replace(person.keypoints, seen=seen))
    for pose in (Pose.of(person), Pose.of(person, doubts)):
        again = Pose.unpack(pose.pack())
        assert again == pose
        assert again.pack() == pose.pack()
        for a, b in zip(vars(again.keypoints()).values(), vars(pose.keypoints()).values(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(Pose.of(person).pack()) < 400


def test_it_holds_nothing_of_the_photo(person: Person) -> None:
    """Another picture, other clothes and another file, but the same keypoints: the same bytes."""
    other = Photo(255 - person.photo.rgb, person.photo.size, "0" * 64)
    parsing = np.zeros_like(person.parsing)
    assert Pose.of(replace(person, photo=other, parsing=parsing)).pack() == Pose.of(person).pack()


@given(st.floats(-6, 9), st.integers(0, 1000))
def test_any_keypoints_become_a_pose_that_can_be_packed(magnitude: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xyz, world = (rng.normal(0, 10.0**magnitude, (33, 3)).astype(np.float32) for _ in range(2))
    keypoints = Keypoints(xyz, world, rng.normal(0.5, 1, 33).astype(np.float32), rng.random(33) > 0.5)
    pose = Pose.quantised(keypoints, SIZE, 10.0**magnitude)
    assert Pose.unpack(pose.pack()) == pose
    again = pose.keypoints()
    assert np.isfinite(again.xyz).all()
    assert np.isfinite(again.world).all()


def test_what_is_no_number_is_brought_in(person: Person) -> None:
    broken = replace(person.keypoints, xyz=np.full((33, 3), np.nan, np.float32), world=np.full((33, 3), np.inf, "f4"))
    pose = Pose.quantised(broken, SIZE, 100)
    assert Pose.unpack(pose.pack()) == pose
    assert np.isfinite(pose.keypoints().xyz).all()


@given(st.binary(max_size=600))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        Pose.unpack(data)
    assert (caught.value.code, caught.value.field) == ("invalid_pose", "pose")


@pytest.mark.parametrize(
    "damage",
    [
        lambda pose, data: data[:-1],
        lambda pose, data: data[:100],
        lambda pose, data: b"\x02" + data[1:],
        lambda pose, data: data + b"[",
        lambda pose, data: data[:-2] + b"{}x",
        lambda pose, data: data[:-2] + b"[[]]",
        lambda pose, data: data[:-2] + b'[["no such code"]]',
        lambda pose, data: data[:-2] + b'[[["blurred"]]]',
        lambda pose, data: data[:-2] + b'[["blurred","shopper","",NaN]]',
        lambda pose, data: data[:-2] + b'[["blurred",7]]',
        lambda pose, data: data[:-2] + b"[" * 5000,
        lambda pose, data: replace(pose, size=(0, 10)).pack(),
        lambda pose, data: replace(pose, height=0).pack(),
        lambda pose, data: replace(pose, picture=((TURN, 1), *pose.picture[1:])).pack(),
        lambda pose, data: replace(pose, world=((0, TURN // 4 + 1, 1), *pose.world[1:])).pack(),
        lambda pose, data: replace(pose, world=((0, 0, -1), *pose.world[1:])).pack(),
    ],
)
def test_damaged_bytes_are_refused(person: Person, damage: Callable[[Pose, bytes], bytes]) -> None:
    pose = Pose.of(person)
    with pytest.raises(InputError) as caught:
        Pose.unpack(damage(pose, pose.pack()))
    assert caught.value.code == "invalid_pose"


def test_steps_are_what_they_are_said_to_be(person: Person) -> None:
    """A known bone: the left upper arm, worked out by hand."""
    pose, index = Pose.of(person), POSE_BONES.index(((Landmark.LEFT_SHOULDER,), (Landmark.LEFT_ELBOW,)))
    near, far = Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW
    x, y = (person.keypoints.xy[far] - person.keypoints.xy[near]).tolist()
    assert pose.picture[index] == (
        round(math.degrees(math.atan2(y, x)) * 4) % 1440,
        round(math.hypot(x, y) * SIDE / SIZE[1]),
    )
    x, y, z = (person.keypoints.world[far] - person.keypoints.world[near]).tolist()
    tilt = round(math.degrees(math.asin(z / math.hypot(x, y, z))) * 4)
    assert pose.world[index][1:] == (tilt, round(math.hypot(x, y, z) * METRE))


def test_no_doubt_takes_two_bytes(person: Person) -> None:
    assert json.loads(Pose.of(person).pack()[-2:]) == []
