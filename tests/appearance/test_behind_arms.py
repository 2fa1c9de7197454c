"""What an arm hides, against the same body drawn without its arms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from undressing import Drawn, away_from_shoulders, on_photo, taken_apart

from tryon_service.appearance.attributes import HEAD
from tryon_service.figures import FigurePose
from tryon_service.retarget.rig import ARMS
from tryon_service.types import Appearance, Part

CROSSING = FigurePose("forearm before the waist", left_upper_arm=(8, 10), left_forearm=(-75, 20))
ON_THIGHS = FigurePose(
    "hands on the thighs",
    left_upper_arm=(24, -4),
    left_forearm=(-22, 4),
    right_upper_arm=(24, -4),
    right_forearm=(-22, 4),
)
OUTFITS_WORN = ["print_tee", "striped_long", "tank_shorts", "tee_skirt", "summer_dress"]


class Body:
    """The layers that are no arm's, laid over each other. claimed: H x W bool; parts, rgb: what lies on top."""

    def __init__(self, appearance: Appearance) -> None:
        shape = appearance.person.matte.shape
        self.claimed = np.zeros(shape, bool)
        self.parts, self.rgb = np.zeros(shape, np.uint8), np.zeros((*shape, 3), np.uint8)
        for layer in appearance.layers.values():
            if layer.carrier not in ARMS and not layer.beside:
                rgba = on_photo(layer, layer.rgba)
                solid = rgba[..., 3] > 127
                self.claimed |= solid
                self.parts[solid] = on_photo(layer, layer.parts)[solid]
                self.rgb[solid] = rgba[..., :3][solid]


def behind(truth: Drawn) -> np.ndarray:
    """H x W bool: where an arm covers something or the background, away from the shoulders."""
    covered = np.logical_or.reduce(list(truth.arms.values()))
    return covered & away_from_shoulders(truth.figure, 0.6)


@pytest.mark.parametrize("outfit", OUTFITS_WORN)
@pytest.mark.parametrize("pose", ["hand_on_hip", "arm_bent_front", ON_THIGHS, CROSSING])
def test_the_body_goes_on_behind_an_arm_and_ends_where_it_ends(pose: FigurePose | str, outfit: str) -> None:
    truth, appearance = taken_apart(pose, outfit)
    body, covered = Body(appearance), behind(truth)
    hidden = covered & (truth.armless.matte > 0.5)
    assert hidden.sum() > 300, "the pose must hide something"
    claimed = body.claimed[hidden].mean()
    assert claimed > 0.85
    beyond = (body.claimed & covered & (truth.armless.matte <= 0.5)).sum() / covered.sum()
    assert beyond < 0.04


@pytest.mark.parametrize("outfit", OUTFITS_WORN)
@pytest.mark.parametrize("pose", ["hand_on_hip", "arm_bent_front"])
def test_it_is_claimed_by_the_right_garment(pose: str, outfit: str) -> None:
    truth, appearance = taken_apart(pose, outfit)
    body = Body(appearance)
    both = behind(truth) & (truth.armless.matte > 0.5) & body.claimed
    right = (body.parts == truth.armless.parsing)[both].mean()
    assert right > 0.8
    assert np.isin(body.parts[both], (Part.LEFT_ARM, Part.RIGHT_ARM)).mean() < 0.2


@pytest.mark.parametrize("outfit", ["tank_shorts", "tee_skirt"])
def test_plain_cloth_is_completed_in_its_own_colour(outfit: str) -> None:
    truth, appearance = taken_apart("arm_bent_front", outfit)
    body = Body(appearance)
    both = behind(truth) & (truth.armless.matte > 0.5) & body.claimed
    off = np.abs(body.rgb.astype(int) - truth.armless.photo)[both].mean(axis=1)
    assert np.median(off) < 14
    skin = np.median(truth.figure.photo[truth.figure.parsing == Part.LEFT_ARM], axis=0)
    like_skin = np.linalg.norm(body.rgb[both] - skin, axis=1) < 25
    assert like_skin.mean() < 0.05, "something of the arm stayed on the cloth"


def test_beside_the_body_nothing_is_claimed() -> None:
    for outfit in ("print_tee", "striped_long", "summer_dress"):
        for pose in ("standing", "legs_apart", "arms_raised"):
            truth, appearance = taken_apart(pose, outfit)
            away = behind(truth) & (cv2.dilate((truth.armless.matte > 0.1).astype(np.uint8), np.ones((7, 7))) == 0)
            assert Body(appearance).claimed[away].mean() < 0.01, (pose, outfit)


def test_what_is_behind_an_arm_is_not_called_real() -> None:
    truth, appearance = taken_apart("arm_bent_front", "print_tee")
    hidden = behind(truth) & (truth.armless.matte > 0.5)
    hidden = cv2.erode(hidden.astype(np.uint8), np.ones((5, 5))) > 0
    real = on_photo(appearance.layers["upper"], appearance.layers["upper"].real) > 0
    assert hidden.sum() > 100
    assert real[hidden].mean() < 0.05


def test_the_trunk_goes_on_under_the_head() -> None:
    _, appearance = taken_apart("standing", "tee_skirt")
    under = [on_photo(one, one.rgba)[..., 3] for one in appearance.layers.values() if one.carrier not in (HEAD, *ARMS)]
    head = [on_photo(one, one.real) > 0 for one in appearance.layers.values() if one.carrier == HEAD]
    both = (np.maximum.reduce(under) > 127) & np.logical_or.reduce(head)
    assert both.sum() > 30, "hair falls over the shoulders, which must go on under it"
