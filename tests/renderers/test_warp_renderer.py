"""The warp renderer on drawn people: it moves what it should, in the right order, and only real pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.appearance.attributes import HEAD, TRUNK
from tryon_service.appearance.decompose import decompose
from tryon_service.figures import OUTFITS, Figure, FigurePose, draw_figure
from tryon_service.imaging.composite import composite
from tryon_service.perception.skeletons import Landmark
from tryon_service.renderers.carriers import analyse, move
from tryon_service.renderers.warp import WarpRenderer, drawing_order
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.rig import ARMS, build_rig
from tryon_service.types import Appearance, Layer, Part, Person, Rendered, RenderInput, TargetPose

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def appearance(person_of: MakePerson) -> Appearance:
    return decompose(person_of(draw_figure("arms_out", OUTFITS["print_tee"], SIZE)))


@pytest.fixture(scope="module")
def on_hip(person_of: MakePerson) -> Appearance:
    return decompose(person_of(draw_figure("hand_on_hip", OUTFITS["tee_skirt"], SIZE)))


def own_pose(appearance: Appearance) -> TargetPose:
    return TargetPose(appearance.person.keypoints, turn=0.0, size=SIZE)


def render(appearance: Appearance, target: TargetPose) -> Rendered:
    return WarpRenderer().render([RenderInput(appearance, target)])[0]


def posed(appearance: Appearance, pose: str) -> tuple[Rendered, Figure]:
    """The figure moved onto the joints of the same figure drawn in another pose, and that drawing."""
    truth = draw_figure(pose, OUTFITS["print_tee"], SIZE)
    target = retarget(appearance.person, truth.keypoints, frame="shopper", shopper_size=SIZE)
    return render(appearance, target), truth


@pytest.mark.parametrize("pose", ["standing", "one_arm_up", "arms_raised", "legs_apart"])
def test_skin_lies_along_the_target_forearms(appearance: Appearance, pose: str) -> None:
    truth = draw_figure(pose, OUTFITS["print_tee"], SIZE)
    target = retarget(appearance.person, truth.keypoints)
    rendered = render(appearance, target)
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


def carriers_of(order: list[tuple[str, list[Layer]]]) -> list[str]:
    return [name for name, _ in order]


def test_every_layer_is_drawn_once_with_its_carrier(appearance: Appearance) -> None:
    order = drawing_order(appearance, own_pose(appearance))
    assert sorted(layer.name for _, layers in order for layer in layers) == sorted(appearance.layers)
    assert all(layer.carrier == name for name, layers in order for layer in layers)
    names = carriers_of(order)
    assert names.index(TRUNK) < names.index(HEAD) < min(names.index(arm) for arm in ARMS)


def test_hair_behind_the_shoulders_is_drawn_first(appearance: Appearance) -> None:
    hair = replace(appearance.layers["hair"], name="hair_behind")
    order = drawing_order(replace(appearance, layers={**appearance.layers, "hair_behind": hair}), own_pose(appearance))
    assert [layer.name for layer in order[0][1]] == ["hair_behind"]


def test_a_hand_behind_the_back_is_drawn_first(appearance: Appearance) -> None:
    target = own_pose(appearance)
    world = target.keypoints.world.copy()
    world[15] = world[[11, 12]].mean(axis=0) + [0.0, 0.3, 0.3]
    hidden = replace(target, keypoints=replace(target.keypoints, world=world))
    assert carriers_of(drawing_order(appearance, hidden))[0] == "left_arm"


def test_the_crossed_leg_nearer_to_the_camera_is_drawn_later(appearance: Appearance) -> None:
    target = own_pose(appearance)
    world = target.keypoints.world.copy()
    world[[25, 27], 2] -= 0.4
    nearer = replace(target, keypoints=replace(target.keypoints, world=world))
    order = carriers_of(drawing_order(appearance, nearer))
    assert order.index("right_leg") < order.index("left_leg") < order.index(TRUNK)


@pytest.mark.parametrize("nearer", ["left", "right"])
def test_the_arm_nearer_to_the_camera_covers_the_other(appearance: Appearance, nearer: str) -> None:
    crossed = FigurePose(
        left_upper_arm=(10, 10), left_forearm=(-80, 0), right_upper_arm=(10, 10), right_forearm=(-80, 0)
    )
    keypoints = draw_figure(crossed, size=SIZE).keypoints
    world = keypoints.world.copy()
    world[[13, 15] if nearer == "left" else [14, 16], 2] -= 0.3
    target = retarget(appearance.person, replace(keypoints, world=world), frame="shopper", shopper_size=SIZE)
    assert carriers_of(drawing_order(appearance, target))[-1] == f"{nearer}_arm"


@pytest.mark.parametrize("pose", ["standing", "hand_on_hip", "waving", "contrapposto"])
@pytest.mark.parametrize("outfit", ["print_tee", "tee_skirt"])
def test_its_own_pose_is_the_photo(person_of: MakePerson, pose: str, outfit: str) -> None:
    person = person_of(draw_figure(pose, OUTFITS[outfit], SIZE))
    appearance = decompose(person)
    rendered = render(appearance, own_pose(appearance))
    inside = person.matte > 0.5
    off = np.abs(composite(rendered, appearance.background).astype(int) - person.photo.rgb).max(axis=2)
    assert off[inside].mean() < 2.0
    assert np.percentile(off[inside], 95) < 12
    assert (rendered.parsing == person.parsing)[inside].mean() > 0.97
    assert np.abs(rendered.alpha - person.matte).mean() < 0.01


def test_what_shows_a_hands_nearness_goes_with_the_hand(on_hip: Appearance) -> None:
    """The rim that a hand leaves on the cloth is drawn while the hand is there, and is completed cloth afterwards."""
    beside = [layer for layer in on_hip.layers.values() if layer.beside == "left_arm"]
    assert beside
    lifted = draw_figure(FigurePose(left_upper_arm=(80, 0), left_forearm=(85, 0)), size=SIZE).keypoints
    away = retarget(on_hip.person, lifted)
    without = replace(on_hip, layers={n: one for n, one in on_hip.layers.items() if one.beside != "left_arm"})
    np.testing.assert_array_equal(render(on_hip, away).rgb, render(without, away).rgb)
    there = own_pose(on_hip)
    assert (render(on_hip, there).rgb != render(without, there).rgb).any()


def test_a_bare_hand_leaves_no_skin_on_the_skirt(on_hip: Appearance) -> None:
    lifted = draw_figure(FigurePose(left_upper_arm=(80, 0), left_forearm=(85, 0)), size=SIZE).keypoints
    rendered = render(on_hip, retarget(on_hip.person, lifted))
    person = on_hip.person
    skin = np.median(person.photo.rgb[person.parsing == Part.LEFT_ARM], axis=0)
    wrist, index = (person.keypoints.xy[mark] for mark in (Landmark.LEFT_WRIST, Landmark.LEFT_INDEX))
    x, y = ((wrist + index) / 2).astype(int)
    patch = np.s_[y - 14 : y + 14, x - 14 : x + 10]
    cloth = np.isin(rendered.parsing[patch], (Part.UPPER, Part.SKIRT, Part.LEFT_ARM)) & (rendered.alpha[patch] > 0.9)
    like_skin = np.linalg.norm(rendered.rgb[patch].astype(float) - skin, axis=2) < 25
    assert cloth.sum() > 200
    assert (like_skin & cloth).mean() < 0.03


def held(appearance: Appearance, pose: FigurePose) -> TargetPose:
    shopper = draw_figure(pose, size=SIZE).keypoints
    return retarget(appearance.person, shopper, anchored=frozenset({"left_arm"}))


def test_an_anchored_arm_keeps_its_place_on_the_torso_while_the_rest_follows(on_hip: Appearance) -> None:
    leaning = FigurePose(lean=10.0, right_upper_arm=(100, 0), right_forearm=(110, 0), left_upper_arm=(90, 0))
    target = held(on_hip, leaning)
    assert target.held == {"left_upper_arm", "left_forearm"}
    before, after = on_hip.person.keypoints, target.keypoints
    marks = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP]

    def on_torso(xy: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """Points in the affine frame of shoulders and hips."""
        ones = np.ones((4, 1))
        frame, *_ = np.linalg.lstsq(np.hstack([marked, ones]), before.xy[marks], rcond=None)
        return np.hstack([xy, np.ones((len(xy), 1))]) @ frame

    hand = [Landmark.LEFT_WRIST, Landmark.LEFT_ELBOW]
    torso = np.linalg.norm(before.xy[[11, 12]].mean(axis=0) - before.xy[[23, 24]].mean(axis=0))
    moved = np.linalg.norm(on_torso(after.xy[hand], after.xy[marks]) - before.xy[hand], axis=1)
    assert moved.max() < 0.06 * torso, "the hand stays in its pocket"
    right = before.xy[Landmark.RIGHT_WRIST] - after.xy[Landmark.RIGHT_WRIST]
    assert np.hypot(*right) > 0.5 * torso, "the other arm follows"


def test_of_an_arm_the_root_moves_with_the_trunk_and_the_rest_with_its_bone(appearance: Appearance) -> None:
    analysis = analyse(appearance)
    truth = draw_figure("standing", OUTFITS["print_tee"], SIZE)
    target = retarget(appearance.person, truth.keypoints)
    rig = build_rig(target.keypoints, target.scale)
    vertices = analysis.carriers["left_arm"].mesh.vertices
    moved = move("left_arm", analysis, rig, target)
    for name in ("ELBOW", "WRIST"):
        before, after = (k.xy[Landmark[f"LEFT_{name}"]] for k in (appearance.person.keypoints, target.keypoints))
        nearest = np.argsort(np.linalg.norm(vertices - before, axis=1))[:4]
        np.testing.assert_allclose(moved[nearest].mean(axis=0) - after, 0, atol=12)
        assert np.linalg.norm(moved[nearest].mean(axis=0) - after) < 0.3 * np.linalg.norm(before - after)


def test_unmoved_carriers_stay_where_they_are(on_hip: Appearance) -> None:
    analysis, target = analyse(on_hip), own_pose(on_hip)
    rig = build_rig(target.keypoints)
    for name, carrier in analysis.carriers.items():
        np.testing.assert_allclose(move(name, analysis, rig, target), carrier.mesh.vertices, atol=1e-3, err_msg=name)
