"""Arms and hands of drawn figures against the arms that the drawing drew."""

from __future__ import annotations

import numpy as np
import pytest
from undressing import Drawn, away_from_shoulders, drawn, on_photo, overlap, taken_apart

from tryon_service.appearance.arms import LEAD, _continued
from tryon_service.appearance.attributes import HAND_FROM
from tryon_service.appearance.limbs import fields_for
from tryon_service.appearance.owners import arms_of
from tryon_service.appearance.subject import Subject
from tryon_service.figures import FigurePose
from tryon_service.retarget.rig import ARMS, build_rig
from tryon_service.types import Appearance

LARGE = (576, 768)
LOW = FigurePose("hands before the hips", left_upper_arm=(24, -4), left_forearm=(-22, 4))


def shown(appearance: Appearance, arm: str) -> np.ndarray:
    """H x W bool: what the arm's layers show of the photo."""
    side, person = arm.split("_", maxsplit=1)[0], appearance.person.matte > 0.5
    layers = [appearance.layers[name] for name in (arm, f"{side}_hand") if name in appearance.layers]
    return np.logical_or.reduce([on_photo(layer, layer.real) > 0 for layer in layers]) & person


@pytest.mark.parametrize("outfit", ["print_tee", "striped_long", "tank_shorts", "summer_dress", "sport"])
@pytest.mark.parametrize("pose", ["arms_raised", "legs_apart", "standing", "walking"])
def test_arms_beside_the_body(pose: str, outfit: str) -> None:
    truth, appearance = taken_apart(pose, outfit)
    away = away_from_shoulders(truth.figure)
    found = {arm: overlap(shown(appearance, arm) & away, truth.arms[arm] & away) for arm in ARMS}
    assert min(found.values()) > 0.9, found


@pytest.mark.parametrize("outfit", ["print_tee", "striped_long", "tank_shorts", "summer_dress", "sport"])
@pytest.mark.parametrize("pose", ["hand_on_hip", "arm_bent_front"])
def test_arms_before_the_body(pose: str, outfit: str) -> None:
    truth, appearance = taken_apart(pose, outfit)
    away = away_from_shoulders(truth.figure)
    found = overlap(shown(appearance, "left_arm") & away, truth.arms["left_arm"] & away)
    assert found > 0.85


@pytest.mark.parametrize("pose", ["standing", "hand_on_hip", "waving"])
def test_a_checked_sleeve_is_not_cut_inside_its_pattern(pose: str) -> None:
    truth, appearance = taken_apart(pose, "checked_shirt")
    away = away_from_shoulders(truth.figure)
    found = {arm: overlap(shown(appearance, arm) & away, truth.arms[arm] & away) for arm in ARMS}
    assert min(found.values()) > 0.75, found


def test_one_arm_takes_nothing_of_the_other_nor_of_the_head() -> None:
    for pose in ("standing", "arm_bent_front", "waving"):
        truth, appearance = taken_apart(pose, "print_tee")
        arms = {name: shown(appearance, name) for name in ARMS}
        assert not (arms["left_arm"] & arms["right_arm"]).any()
        head = np.isin(truth.figure.parsing, (1, 2))
        assert not any((mask & head).any() for mask in arms.values())


def hand_region(truth: Drawn, subject: Subject) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(the arms as cut, the arms as drawn) in the subject's window, from the wrist on."""
    rig = build_rig(subject.keypoints)
    fields = fields_for(rig, subject.keypoints, subject.matte, subject.torso, list(ARMS))
    cut = arms_of(subject, rig, fields)
    beyond = {name: fields[name].t > HAND_FROM for name in ARMS}
    drawn_hands = {name: truth.arms[name][subject.window] & (subject.matte > 0.5) & beyond[name] for name in ARMS}
    return {name: cut[name] & beyond[name] for name in ARMS}, drawn_hands


@pytest.mark.parametrize("outfit", ["print_tee", "sport", "tee_skirt"])
@pytest.mark.parametrize("pose", ["arm_bent_front", LOW])
def test_a_hand_on_cloth_is_cut_along_its_skin(pose: FigurePose | str, outfit: str) -> None:
    truth = drawn(pose, outfit, LARGE)
    found, known = hand_region(truth, Subject.of(truth.person))
    right = {arm: overlap(found[arm], known[arm]) for arm in ARMS}
    taken = (found["left_arm"] & ~known["left_arm"]).sum() / known["left_arm"].sum()
    assert right["left_arm"] > 0.75
    assert taken < 0.1, "cloth went with the hand"
    if pose == "arm_bent_front":
        assert right["right_arm"] > 0.95, "a free hand is the matte's"


def test_a_seen_outline_leads_over_to_the_expected_one() -> None:
    free, expected = np.full(80, np.nan), np.full(80, 20.0)
    free[:10] = 26.0
    led, away = _continued(free, expected, LEAD)
    np.testing.assert_array_equal(led[:10], 26.0)
    assert (np.diff(led) <= 0).all()
    assert led[12] > 25
    np.testing.assert_array_equal(led[10 + LEAD :], 20.0)
    assert away[9] == 0
    assert away[15] == 6
    np.testing.assert_array_equal(_continued(np.full(80, np.nan), expected, LEAD)[0], expected)
