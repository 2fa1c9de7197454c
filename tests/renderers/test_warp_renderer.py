"""The warp renderer on drawn people: it moves what it should, and only real pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.appearance.decompose import decompose
from tryon_service.appearance.owners import TRUNK
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.renderers.warp import WarpRenderer, drawing_order
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Appearance, Part, Person, Rendered, RenderInput

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def appearance(person_of: MakePerson) -> Appearance:
    return decompose(person_of(draw_figure("arms_out", OUTFITS["print_tee"], SIZE)))


def posed(appearance: Appearance, pose: str) -> tuple[Rendered, Figure]:
    """The figure moved onto the joints of the same figure drawn in another pose, and that drawing."""
    truth = draw_figure(pose, OUTFITS["print_tee"], SIZE)
    target = retarget(appearance.person, truth.keypoints, frame="shopper", shopper_size=SIZE)
    return WarpRenderer().render([RenderInput(appearance, target)])[0], truth


@pytest.mark.parametrize("pose", ["standing", "one_arm_up", "arms_raised", "legs_apart"])
def test_skin_lies_along_the_target_forearms(appearance: Appearance, pose: str) -> None:
    truth = draw_figure(pose, OUTFITS["print_tee"], SIZE)
    target = retarget(appearance.person, truth.keypoints)
    (rendered,) = WarpRenderer().render([RenderInput(appearance, target)])
    for part, bone in ((Part.LEFT_ARM, (13, 15)), (Part.RIGHT_ARM, (14, 16))):
        start, end = target.keypoints.xy[list(bone)]
        for share in (0.3, 0.6, 0.9):
            x, y = np.round(start + share * (end - start)).astype(int)
            assert rendered.parsing[y, x] == part, (pose, part.name, share)


def test_the_same_figure_redrawn_in_the_target_pose_looks_alike(appearance: Appearance) -> None:
    rendered, truth = posed(appearance, "standing")
    both = (rendered.alpha > 0.5) & (truth.matte > 0.5)
    either = (rendered.alpha > 0.5) | (truth.matte > 0.5)
    assert both.sum() / either.sum() > 0.85
    assert (rendered.parsing[both] == truth.parsing[both]).mean() > 0.85


def test_most_of_the_person_is_real(appearance: Appearance) -> None:
    rendered, _ = posed(appearance, "standing")
    assert rendered.coverage[rendered.alpha > 0.5].mean() > 0.93


def test_a_hand_behind_the_back_is_drawn_first(appearance: Appearance) -> None:
    target = retarget(appearance.person, appearance.person.keypoints)
    world = target.keypoints.world.copy()
    world[15] = world[[11, 12]].mean(axis=0) + [0.0, 0.3, 0.3]
    hidden = replace(target, keypoints=replace(target.keypoints, world=world))
    assert drawing_order(appearance, hidden)[0] == "left_arm"
    order = drawing_order(appearance, target)
    assert order.index(TRUNK) < order.index("left_arm")


def test_the_crossed_leg_nearer_to_the_camera_is_drawn_later(appearance: Appearance) -> None:
    target = retarget(appearance.person, appearance.person.keypoints)
    world = target.keypoints.world.copy()
    world[[25, 27], 2] -= 0.4
    order = drawing_order(appearance, replace(target, keypoints=replace(target.keypoints, world=world)))
    assert order.index("right_leg") < order.index("left_leg") < order.index(TRUNK)
