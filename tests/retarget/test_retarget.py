"""Retargeting drawn people: directions from the shopper, lengths from the model, the frame respected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.figures import POSES, Figure, FigurePose, crop, draw_figure, waist_up
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.outline import trace
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.view import degrees_between, direction, projected_share, yaw
from tryon_service.types import Keypoints, Person

SIZE = (240, 320)
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def model(person_of: MakePerson) -> Person:
    return person_of(draw_figure("standing", size=SIZE))


def shopper(pose: str, size: tuple[int, int] = (300, 400)) -> Keypoints:
    return draw_figure(pose, size=size).keypoints


def length(keypoints: Keypoints, limb: str) -> float:
    start, end = keypoints.xy[list(LIMBS[limb])]
    return float(np.hypot(*(end - start)))


def test_its_own_pose_comes_back_exactly(model: Person) -> None:
    target = retarget(model, model.keypoints)
    np.testing.assert_allclose(target.keypoints.xy, model.keypoints.xy, atol=1e-3)
    assert (target.turn, target.scale) == (0.0, 1.0)
    assert target.size == SIZE


def test_the_same_pose_in_another_photo_is_damped_to_the_identity(model: Person) -> None:
    noise = np.random.default_rng(0).normal(0, 0.35, model.keypoints.xyz.shape)
    elsewhere = model.keypoints.moved(0.8, (31.0, -12.0))
    noisy = replace(elsewhere, xyz=(elsewhere.xyz + noise).astype(np.float32))
    target = retarget(model, noisy)
    moved = np.abs(target.keypoints.xy - model.keypoints.xy)[[joint for bone in LIMBS.values() for joint in bone]]
    assert np.median(moved) < 0.6
    assert moved.max() < 4.0


@pytest.mark.parametrize("pose", sorted(POSES))
def test_limbs_take_the_shoppers_directions(model: Person, pose: str) -> None:
    keypoints = shopper(pose)
    target = retarget(model, keypoints)
    for limb, bone in LIMBS.items():
        apart = degrees_between(direction(target.keypoints, bone), direction(keypoints, bone))
        # Moves too small to matter are left out: at most 11 degrees of an arm's (ARM_NOISE), 9 of a leg's (LEG_NOISE).
        assert apart <= (11.0 if "arm" in limb else 9.0), limb


def test_bones_keep_the_models_length_where_depth_says_nothing(model: Person) -> None:
    target = retarget(model, shopper("arms_out"))
    for limb, bone in LIMBS.items():
        same_depth = projected_share(shopper("arms_out"), bone) / projected_share(model.keypoints, bone)
        if abs(np.log(same_depth)) < 0.05:
            assert length(target.keypoints, limb) / target.scale == pytest.approx(
                length(model.keypoints, limb), rel=0.02
            )


def test_a_whole_body_stays_in_the_frame(model: Person) -> None:
    for pose in ("arms_raised", "arms_out", "legs_apart"):
        target = retarget(model, shopper(pose))
        assert target.keypoints.xy.min() >= 0, pose
        assert (target.keypoints.xy.max(axis=0) < SIZE).all(), pose
        assert 0.7 <= target.scale <= 1.0


def test_feet_stay_on_the_floor(model: Person) -> None:
    feet = [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]
    target = retarget(model, shopper("legs_apart"))
    assert target.keypoints.xy[feet, 1].max() == pytest.approx(model.keypoints.xy[feet, 1].max(), abs=2.0)


def test_limbs_the_product_hardly_shows_keep_their_pose(person_of: MakePerson) -> None:
    half = person_of(waist_up(draw_figure("standing", size=SIZE)))
    target = retarget(half, shopper("legs_apart"))
    assert target.kept == {limb for limb in LIMBS if "thigh" in limb or "shin" in limb}
    trousers = person_of(crop(draw_figure("standing", size=SIZE), (0, 150, *SIZE)))
    assert not any("leg" in limb or "thigh" in limb for limb in retarget(trousers, shopper("legs_apart")).kept)
    assert "left_forearm" in retarget(trousers, shopper("arms_raised")).kept


def test_both_feet_stand_on_the_floor_when_the_shoppers_do(model: Person) -> None:
    keypoints = shopper("standing")
    xyz = keypoints.xyz.copy()
    xyz[[Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE], 0] += (10.0, 34.0)
    target = retarget(model, replace(keypoints, xyz=xyz))
    ankles = target.keypoints.xy[[Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]]
    assert ankles[0, 0] - model.keypoints.xy[Landmark.LEFT_ANKLE, 0] > 10.0
    assert abs(ankles[0, 1] - ankles[1, 1]) < 3.0
    lifted = xyz.copy()
    lifted[[Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX], 1] -= 40.0
    ankles = retarget(model, replace(keypoints, xyz=lifted)).keypoints.xy[[Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]]
    assert ankles[1, 1] - ankles[0, 1] > 10.0


def test_the_hand_follows_a_clear_bend_at_the_wrist_and_keeps_its_size(model: Person) -> None:
    def hand(keypoints: Keypoints) -> np.ndarray:
        return np.asarray(keypoints.xy[[Landmark.LEFT_INDEX, Landmark.LEFT_PINKY]].mean(axis=0) - keypoints.xy[15])

    straight = retarget(model, shopper("standing")).keypoints
    bent = retarget(model, draw_figure(FigurePose(left_hand=35.0), size=SIZE).keypoints).keypoints
    before, after = (np.arctan2(*hand(k)[::-1]) for k in (straight, bent))
    assert 25.0 < degrees_between(before, after) <= 41.0
    assert np.hypot(*hand(bent)) == pytest.approx(np.hypot(*hand(straight)), rel=0.02)
    hidden = shopper("standing")
    seen = hidden.seen.copy()
    seen[[Landmark.LEFT_INDEX, Landmark.LEFT_PINKY]] = False
    unseen = retarget(model, replace(hidden, seen=seen)).keypoints
    np.testing.assert_allclose(unseen.xy[15:22], straight.xy[15:22], atol=1.0)


def test_kept_limbs_keep_their_depth_too(model: Person) -> None:
    keypoints = shopper("walking")
    seen = keypoints.seen.copy()
    seen[[Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST]] = False
    world = retarget(model, replace(keypoints, seen=seen)).keypoints.world
    for bone in (LIMBS["left_upper_arm"], LIMBS["left_forearm"]):
        expected = model.keypoints.world[bone[1]] - model.keypoints.world[bone[0]]
        np.testing.assert_allclose(world[bone[1]] - world[bone[0]], expected, atol=1e-5)


def test_limbs_the_shopper_does_not_show_keep_their_pose(model: Person) -> None:
    keypoints = shopper("walking")
    seen = keypoints.seen.copy()
    seen[[Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE]] = False
    target = retarget(model, replace(keypoints, seen=seen))
    assert target.kept == {"left_thigh", "left_shin"}
    for limb in target.kept:
        bone = LIMBS[limb]
        assert degrees_between(direction(target.keypoints, bone), direction(model.keypoints, bone)) < 0.1


def test_shopper_frame_is_exactly_the_shoppers_joints(model: Person) -> None:
    keypoints = shopper("hand_on_hip")
    target = retarget(model, keypoints, frame="shopper", shopper_size=(300, 400))
    np.testing.assert_array_equal(target.keypoints.xy, keypoints.xy)
    assert target.size == (300, 400)
    assert target.scale == pytest.approx(400 / 320, rel=0.05)
    with pytest.raises(ValueError, match="shopper_size"):
        retarget(model, keypoints, frame="shopper")


def turned(keypoints: Keypoints, radians: float) -> Keypoints:
    """The pose turned about the vertical, left shoulder away from the camera for positive angles."""
    c, s = np.cos(radians), np.sin(radians)
    x, y, z = keypoints.world.T
    return replace(keypoints, world=np.stack([c * x - s * z, y, s * x + c * z], axis=1).astype(np.float32))


@pytest.mark.parametrize("degrees", [-40, 0, 25, 90, 170])
def test_yaw_of_a_turned_body(model: Person, degrees: float) -> None:
    upright = turned(model.keypoints, -yaw(model.keypoints))
    assert degrees_between(yaw(turned(upright, np.radians(degrees))), np.radians(degrees)) < 0.5


def test_a_turned_shopper_turns_the_model(model: Person) -> None:
    target = retarget(model, turned(model.keypoints, np.radians(30)))
    assert np.degrees(target.turn) == pytest.approx(30, abs=1)
    width = [float(np.hypot(*(k.xy[11] - k.xy[12]))) for k in (target.keypoints, model.keypoints)]
    assert width[0] / width[1] == pytest.approx(np.cos(np.radians(30)), abs=0.05)


def test_an_outline_traced_before_gives_the_same_pose(model: Person) -> None:
    fresh, kept = (retarget(model, shopper("arms_out"), outline=outline) for outline in (None, trace(model)))
    np.testing.assert_array_equal(fresh.keypoints.xyz, kept.keypoints.xyz)
    assert fresh.exposed == kept.exposed
