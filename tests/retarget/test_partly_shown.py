"""Cards that show a part of the model: what can follow follows, the rest keeps its place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tryon_service.figures import OUTFITS, Figure, FigurePose, crop, draw_figure, headless
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.view import degrees_between, direction
from tryon_service.types import Person, TargetPose

SIZE = (288, 384)
PersonOf = Callable[[Figure], Person]
ARM_BONES = {f"{side}_{bone}" for side in ("left", "right") for bone in ("upper_arm", "forearm")}
LEG_BONES = {f"{side}_{bone}" for side in ("left", "right") for bone in ("thigh", "shin")}
SHOPPER = FigurePose(
    left_upper_arm=(60, 0),
    left_forearm=(100, 0),
    right_upper_arm=(50, 0),
    right_forearm=(20, 0),
    left_thigh=(16, 0),
    left_shin=(14, 0),
    right_thigh=(14, 0),
    right_shin=(12, 0),
)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_figure("standing", OUTFITS["print_tee"], SIZE)


def arm_height(figure: Figure, share: float) -> int:
    """The row so far down from shoulders (0) to elbows (1)."""
    shoulders, elbows = (figure.keypoints.xy[pair, 1].mean() for pair in ([11, 12], [13, 14]))
    return int(shoulders + share * (elbows - shoulders))


def below(figure: Figure, row: int, person_of: PersonOf) -> Person:
    return person_of(crop(figure, (0, row, *SIZE)))


def posed(person: Person) -> TargetPose:
    return retarget(person, draw_figure(SHOPPER, size=SIZE).keypoints)


def turns(person: Person, target: TargetPose) -> dict[str, float]:
    """Degrees by which every limb turned."""
    both = person.keypoints, target.keypoints
    return {name: degrees_between(*(direction(k, bone) for k in both)) for name, bone in LIMBS.items()}


def test_waist_down_the_arms_keep_their_place_and_the_legs_follow(figure: Figure, person_of: PersonOf) -> None:
    person = below(figure, arm_height(figure, 0.9), person_of)
    target = posed(person)
    assert target.kept >= ARM_BONES
    assert not target.kept & LEG_BONES
    turned = turns(person, target)
    assert max(turned[name] for name in ARM_BONES) < 3, "no arm can be moved whose root the photo doesn't show"
    shopper = draw_figure(SHOPPER, size=SIZE).keypoints
    for name in LEG_BONES:
        assert degrees_between(direction(target.keypoints, LIMBS[name]), direction(shopper, LIMBS[name])) < 9, name


def test_waist_down_the_hands_stay_beside_the_hips(figure: Figure, person_of: PersonOf) -> None:
    person = below(figure, arm_height(figure, 0.9), person_of)
    target = posed(person)
    for side in ("LEFT", "RIGHT"):
        wrist, hip = Landmark[f"{side}_WRIST"], Landmark[f"{side}_HIP"]
        before, after = (k.xy[wrist] - k.xy[hip] for k in (person.keypoints, target.keypoints))
        assert np.hypot(*(after / target.scale - before)) < 0.15 * np.hypot(*before)


def test_an_arm_follows_once_most_of_its_upper_half_shows(figure: Figure, person_of: PersonOf) -> None:
    person = below(figure, arm_height(figure, 0.2), person_of)
    target = posed(person)
    assert not target.kept & ARM_BONES
    assert turns(person, target)["left_upper_arm"] > 30


def test_a_torso_that_hardly_shows_does_not_lean(figure: Figure, person_of: PersonOf) -> None:
    leaning = draw_figure(FigurePose(lean=12.0), size=SIZE).keypoints
    hips = figure.keypoints.xy[[23, 24], 1].mean()
    for row, leans in ((int(hips) - 30, False), (arm_height(figure, 0.0) - 20, True)):
        person = below(figure, row, person_of)
        target = retarget(person, leaning)
        spine = [
            k.xy[[11, 12]].mean(axis=0) - k.xy[[23, 24]].mean(axis=0) for k in (person.keypoints, target.keypoints)
        ]
        angle = degrees_between(*(float(np.arctan2(v[1], v[0])) for v in spine))
        assert (angle > 6) == leans, row


def test_a_headless_card_follows_like_a_whole_one(figure: Figure, person_of: PersonOf) -> None:
    whole, cut = person_of(figure), person_of(headless(figure))
    targets = posed(whole), posed(cut)
    assert targets[1].kept == targets[0].kept == frozenset()
    for name, bone in LIMBS.items():
        assert degrees_between(*(direction(t.keypoints, bone) for t in targets)) < 3, name


def test_a_limb_the_shopper_photo_hides_keeps_the_models_pose(figure: Figure, person_of: PersonOf) -> None:
    shopper = draw_figure(SHOPPER, size=SIZE).keypoints
    seen = shopper.seen.copy()
    seen[Landmark.LEFT_WRIST] = False
    hiding = type(shopper)(shopper.xyz, shopper.world, shopper.visibility, seen)
    person = person_of(figure)
    target = retarget(person, hiding)
    assert target.kept == {"left_forearm"}
    assert turns(person, target)["right_upper_arm"] > 20


def test_a_cut_at_the_waist_stays_on_the_frames_edge(figure: Figure, person_of: PersonOf) -> None:
    """The trousers' photo ends at the waist; posed, the body must still reach the frame's upper edge."""
    person = below(figure, arm_height(figure, 0.9), person_of)
    target = posed(person)
    assert max(target.exposed.values(), default=0.0) < 0.03
    assert target.size == (person.photo.rgb.shape[1], person.photo.rgb.shape[0])
