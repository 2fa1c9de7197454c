"""Whether drawn limbs are whole, along the lines that they are drawn along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tryon_service.appearance.decompose import decompose
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.perception.skeletons import LIMBS
from tryon_service.quality import measure, worst_limb
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.rig import build_rig
from tryon_service.types import Appearance, Float32Array, Person, Rendered, RenderInput, TargetPose

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def appearance(person_of: MakePerson) -> Appearance:
    return decompose(person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE)))


def rendered_in(appearance: Appearance, pose: str) -> tuple[Rendered, TargetPose]:
    target = retarget(appearance.person, draw_figure(pose, size=SIZE).keypoints)
    (rendered,) = WarpRenderer().render([RenderInput(appearance, target)])
    return rendered, target


def thin_limb(target: TargetPose, carrier: str) -> Float32Array:
    """H x W: nothing but one limb, five pixels wide along its curve."""
    alpha = np.zeros(SIZE[::-1], np.float32)
    curve = build_rig(target.keypoints, target.scale).limbs[carrier].points
    cv2.polylines(alpha, [np.rint(curve).astype(np.int32)], False, 1.0, 5)
    return alpha


@pytest.mark.parametrize("pose", ["arm_bent_front", "hand_on_hip", "arms_raised", "one_arm_up"])
def test_arms_that_are_drawn_whole_are_whole(appearance: Appearance, pose: str) -> None:
    rendered, target = rendered_in(appearance, pose)
    scores = measure(rendered, appearance, target)
    assert scores["limbs_whole"] > 0.95
    assert {f"whole_{name}" for name in LIMBS} <= set(scores)


def test_a_thin_bent_arm_is_whole_though_it_bulges_beside_its_straight_bones(appearance: Appearance) -> None:
    rendered, target = rendered_in(appearance, "hand_on_hip")
    scores = measure(replace(rendered, alpha=thin_limb(target, "left_arm")), appearance, target)
    assert scores["whole_left_upper_arm"] > 0.95
    assert scores["whole_left_forearm"] > 0.95
    assert scores["whole_right_forearm"] < 0.3


def torn(rendered: Rendered, target: TargetPose, limb: str) -> Rendered:
    """Rendered without the middle of a limb."""
    alpha = rendered.alpha.copy()
    x, y = target.keypoints.xy[list(LIMBS[limb])].mean(axis=0).astype(int)
    alpha[y - 15 : y + 15, x - 15 : x + 15] = 0
    return replace(rendered, alpha=alpha)


@pytest.mark.parametrize("limb", ["left_forearm", "right_upper_arm", "left_shin"])
def test_a_gap_is_found_and_its_limb_is_named(appearance: Appearance, limb: str) -> None:
    rendered, target = rendered_in(appearance, "arms_out")
    scores = measure(torn(rendered, target, limb), appearance, target)
    assert scores["limbs_whole"] == scores[f"whole_{limb}"] < 0.6
    assert worst_limb(scores) == limb
    assert worst_limb({"limbs_whole": 0.5}) == ""


def test_what_the_matte_lost_is_missing_from_a_limb_that_moves_and_not_from_one_that_stays(
    appearance: Appearance,
) -> None:
    rendered, target = rendered_in(appearance, "standing")
    lost = torn(rendered, target, "left_forearm").alpha
    gapped = replace(appearance, person=replace(appearance.person, matte=lost))
    assert measure(replace(rendered, alpha=lost), gapped, target)["whole_left_forearm"] > 0.95
    moved, target = rendered_in(appearance, "arms_out")
    moved = torn(moved, target, "left_forearm")
    assert measure(moved, gapped, target)["whole_left_forearm"] < 0.6
    assert measure(moved, gapped, replace(target, held=frozenset({"left_forearm"})))["whole_left_forearm"] > 0.75


def test_a_line_beside_its_limb_says_nothing(appearance: Appearance) -> None:
    rendered, target = rendered_in(appearance, "standing")
    person = appearance.person
    xyz = person.keypoints.xyz.copy()
    xyz[list(LIMBS["left_forearm"]), 0] += 40
    astray = replace(appearance, person=replace(person, keypoints=replace(person.keypoints, xyz=xyz)))
    scores = measure(rendered, astray, target)
    assert "whole_left_forearm" not in scores
    assert scores["limbs_whole"] > 0.95
