"""A cut stays beyond the frame's edge, and what is whole stays inside, with the least change of scale and place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service import verdict
from tryon_service.figures import OUTFITS, POSES, Figure, crop, draw_figure, headless, waist_up
from tryon_service.perception.skeletons import Landmark
from tryon_service.poses.pose import Pose
from tryon_service.retarget.framing import SCALES, SMALLEST_CUT
from tryon_service.retarget.outline import trace
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Keypoints, Person, TargetPose

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]
SOLES = [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]


def standing(outfit: str = "print_tee") -> Figure:
    return draw_figure("standing", OUTFITS[outfit], SIZE)


def shopper(pose: str) -> Keypoints:
    return draw_figure(pose, size=(300, 400)).keypoints


def waist_down(figure: Figure) -> Figure:
    """Cut between waist and hips: a card of trousers."""
    hips = figure.keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 1].min()
    return crop(figure, (0, int(hips - 25), *SIZE))


def outline_in(target: TargetPose, product: Person) -> np.ndarray:
    return trace(product).carried(target.keypoints, target.scale)


def test_outline_of_a_whole_figure_is_cut_nowhere(person_of: MakePerson) -> None:
    outline = trace(person_of(standing()))
    assert not outline.cut.any()
    assert {"head", "torso", "left_hand", "right_forearm", "left_shin", "right_foot"} <= set(outline.parts)
    points, parts = outline.points, outline.parts
    assert points[parts == "left_hand", 0].min() > points[parts == "right_hand", 0].max()
    assert points[parts == "head", 1].max() < points[parts == "left_shin", 1].min()


@pytest.mark.parametrize(
    ("cut", "side", "parts"),
    [
        (waist_up, 3, {"left_thigh", "right_thigh"}),
        (headless, 1, {"neck"}),
        (waist_down, 1, {"torso"}),
    ],
)
def test_where_the_photo_cuts(
    person_of: MakePerson, cut: Callable[[Figure], Figure], side: int, parts: set[str]
) -> None:
    outline = trace(person_of(cut(standing())))
    assert outline.cut.any(axis=0).tolist() == [k == side for k in range(4)]
    assert parts <= set(outline.parts[outline.cut[:, side]])


def test_the_outline_goes_with_the_pose(person_of: MakePerson) -> None:
    product = person_of(standing())
    outline = trace(product)
    np.testing.assert_allclose(outline.carried(product.keypoints), outline.points, atol=0.5)
    moved = outline.carried(product.keypoints.moved(0.8, (20.0, -5.0)), 0.8)
    np.testing.assert_allclose(moved, (outline.points + 0.5) * 0.8 - 0.5 + (20.0, -5.0), atol=0.5)


@pytest.mark.parametrize("cut", [waist_up, headless, waist_down])
def test_its_own_pose_changes_nothing(person_of: MakePerson, cut: Callable[[Figure], Figure]) -> None:
    product = person_of(cut(standing()))
    target = retarget(product, product.keypoints)
    assert (target.scale, dict(target.exposed), dict(target.outside)) == (1.0, {}, {})
    np.testing.assert_allclose(target.keypoints.xy, product.keypoints.xy, atol=1e-3)


@pytest.mark.parametrize("pose", sorted(POSES))
@pytest.mark.parametrize("cut", [headless, waist_down])
def test_no_cut_shows(person_of: MakePerson, cut: Callable[[Figure], Figure], pose: str) -> None:
    product = person_of(cut(standing()))
    target = retarget(product, shopper(pose))
    assert target.size == SIZE[:1] + product.matte.shape[:1]
    assert 0.85 <= target.scale <= 1.12
    outline = trace(product)
    cuts = outline_in(target, product)[outline.cut[:, 1]]
    if target.outside.keys() & {"left_hand", "right_hand"}:  # arms out need more room than a crop has
        return
    assert cuts[:, 1].max() <= 0.012 * max(target.size)
    assert max(target.exposed.values(), default=0.0) < 0.05


def test_trousers_keep_their_floor_and_their_cut(person_of: MakePerson) -> None:
    product = person_of(waist_down(standing()))
    target = retarget(product, shopper("legs_apart"))
    floor = product.keypoints.xy[SOLES, 1].max()
    assert target.keypoints.xy[SOLES, 1].max() == pytest.approx(floor, abs=0.03 * SIZE[1])
    assert target.scale > 1.0
    assert not target.outside


def test_a_cut_hand_that_would_show_is_measured(person_of: MakePerson) -> None:
    figure = standing()
    wrists = figure.keypoints.xy[[Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST], 1].max()
    product = person_of(crop(figure, (0, 0, SIZE[0], int(wrists) + 3)))
    assert retarget(product, shopper("standing")).exposed.get("left_hand", 0.0) < 0.03
    exposed = retarget(product, shopper("arm_bent_front")).exposed
    assert max(exposed.get("left_hand", 0.0), exposed.get("right_hand", 0.0)) > 0.15


@pytest.mark.parametrize("pose", ["arms_raised", "arms_out", "one_arm_up", "legs_apart"])
def test_a_whole_body_keeps_a_margin(person_of: MakePerson, pose: str) -> None:
    product = person_of(standing())
    target = retarget(product, shopper(pose))
    points = outline_in(target, product)
    assert (points >= 0.0).all()
    assert (points <= np.array(SIZE) - 1).all()
    assert not target.outside
    assert target.scale <= 1.0


def test_where_there_is_no_room_a_part_leaves_the_frame_and_is_measured(person_of: MakePerson) -> None:
    figure = standing()
    left, right = (int(figure.keypoints.xy[[15, 16], 0].max()) + 30, int(figure.keypoints.xy[[15, 16], 0].min()) - 30)
    narrow = person_of(crop(figure, (right, 0, left, SIZE[1])))
    spread = person_of(draw_figure("arms_out", OUTFITS["striped_long"], SIZE))
    target = retarget(narrow, spread.keypoints)
    reasons = {(r.code, r.photo, r.part) for r in verdict.weigh(narrow, Pose.of(spread), target)[0]}
    assert ("pose_too_different", "shopper", "left_hand") in reasons
    assert target.scale == SCALES[0]
    assert target.outside["left_hand"] > 0.1
    assert target.outside["left_hand"] == pytest.approx(target.outside["right_hand"], abs=0.2)


def test_a_cut_body_shrinks_less(person_of: MakePerson) -> None:
    product = person_of(waist_up(standing()))
    assert retarget(product, shopper("arms_raised")).scale >= SMALLEST_CUT


def test_the_shoppers_frame_shows_what_the_product_lacks(person_of: MakePerson) -> None:
    product = person_of(waist_up(standing()))
    whole = retarget(product, shopper("standing"), frame="shopper", shopper_size=(300, 400))
    assert whole.exposed["left_thigh"] > 0.2
    half = product.keypoints
    same = retarget(product, half, frame="shopper", shopper_size=product.matte.shape[::-1])
    assert not same.exposed


def test_noise_leaves_the_frame_alone(person_of: MakePerson) -> None:
    product = person_of(waist_down(standing()))
    noise = np.random.default_rng(3).normal(0.0, 0.3, (33, 3)).astype(np.float32)
    target = retarget(product, replace(product.keypoints, xyz=product.keypoints.xyz + noise))
    assert target.scale == pytest.approx(1.0, abs=0.011)
