"""Drawn figures: the truth they come with is true, whole and reproducible."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS, POSES, FigurePose, Outfit, crop, draw_figure, headless, waist_up
from tryon_service.perception.skeletons import LIMBS, MIRRORED, Landmark
from tryon_service.types import Part

SMALL = (192, 256)
BODY_JOINTS = [*range(Landmark.LEFT_SHOULDER, Landmark.RIGHT_WRIST + 1), *range(Landmark.LEFT_HIP, 29)]
TRUNK = {Part.UPPER, Part.DRESS, Part.TORSO_SKIN}
HIPS = {Part.UPPER, Part.DRESS, Part.TROUSERS, Part.SKIRT}


@pytest.fixture(scope="module")
def figures():
    outfits = list(OUTFITS.values())
    return {
        name: (draw_figure(pose, outfits[i % len(outfits)], seed=i), outfits[i % len(outfits)])
        for i, (name, pose) in enumerate(POSES.items())
    }


def part_at(figure, landmark):
    x, y = figure.keypoints.xy[landmark].round().astype(int)
    return Part(figure.parsing[y, x])


@pytest.mark.parametrize("name", POSES)
def test_joints_lie_in_their_parts(figures, name):
    figure, outfit = figures[name]
    for side in ("LEFT", "RIGHT"):
        arm, leg = Part[f"{side}_ARM"], Part[f"{side}_LEG"]
        assert part_at(figure, Landmark[f"{side}_SHOULDER"]) in {arm, *TRUNK}
        sleeved = {outfit.top_part} if outfit.top == "long_sleeve" else {arm}
        assert part_at(figure, Landmark[f"{side}_ELBOW"]) in sleeved
        assert part_at(figure, Landmark[f"{side}_WRIST"]) in {arm, outfit.top_part}
        for finger in ("INDEX", "PINKY", "THUMB"):
            assert part_at(figure, Landmark[f"{side}_{finger}"]) is arm
        # A hand on the hip may cover it.
        assert part_at(figure, Landmark[f"{side}_HIP"]) in {*HIPS, arm}
        covered = outfit.top != "dress" and outfit.bottom in ("trousers", "leggings")
        assert part_at(figure, Landmark[f"{side}_KNEE"]) is (Part.TROUSERS if covered else leg)
        assert part_at(figure, Landmark[f"{side}_ANKLE"]) in {Part.TROUSERS, leg, Part.SHOES}
        assert part_at(figure, Landmark[f"{side}_FOOT_INDEX"]) is Part.SHOES
        assert part_at(figure, Landmark[f"{side}_EYE"]) is Part.FACE
    assert part_at(figure, Landmark.NOSE) is Part.FACE


@pytest.mark.parametrize("name", POSES)
def test_parsing_and_matte_agree(figures, name):
    figure, outfit = figures[name]
    assert figure.photo.dtype == np.uint8
    assert figure.parsing.dtype == np.uint8
    assert figure.matte.dtype == np.float32
    assert figure.matte.min() >= 0
    assert figure.matte.max() <= 1
    np.testing.assert_array_equal(figure.parsing > 0, figure.matte >= 0.5)
    soft = (figure.matte > 0.05) & (figure.matte < 0.95)
    assert 0 < soft.mean() < 0.05
    drawn = set(np.unique(figure.parsing))
    assert {Part.HAIR, Part.FACE, Part.SHOES, Part.LEFT_ARM, Part.RIGHT_ARM, outfit.top_part} <= drawn


@pytest.mark.parametrize("name", POSES)
def test_every_joint_is_inside_and_seen(figures, name):
    keypoints = figures[name][0].keypoints
    assert keypoints.seen.all()
    assert keypoints.xyz.shape == keypoints.world.shape == (33, 3)
    assert keypoints.xyz.dtype == keypoints.world.dtype == np.float32


def test_left_is_on_the_pictures_right(figures):
    xy = figures["standing"][0].keypoints.xy
    for joint in ("EYE", "SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE"):
        assert xy[Landmark[f"LEFT_{joint}"], 0] > xy[Landmark[f"RIGHT_{joint}"], 0]
    parsing = figures["standing"][0].parsing
    assert np.nonzero(parsing == Part.LEFT_ARM)[1].mean() > np.nonzero(parsing == Part.RIGHT_ARM)[1].mean()


def test_world_and_picture_are_one_pose(figures):
    """The camera is orthographic: the picture is the world scaled and moved, and the hips' middle is its origin."""
    for figure, _ in figures.values():
        keypoints = figure.keypoints
        hips = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
        np.testing.assert_allclose(keypoints.world[hips].mean(0), 0, atol=1e-4)
        span = np.ptp(keypoints.xyz[:, 1]) / np.ptp(keypoints.world[:, 1])
        expected = keypoints.world * span + np.append(keypoints.xy[hips].mean(0), 0)
        np.testing.assert_allclose(keypoints.xyz, expected, atol=0.05)


angle = st.floats(-30, 170)


@settings(max_examples=25, deadline=None)
@given(left=angle, right=angle, fore=angle, leg=st.floats(-5, 40), lean=st.floats(-10, 10), turn=st.floats(-20, 20))
def test_any_pose_keeps_bone_lengths_and_stays_inside(left, right, fore, leg, lean, turn):
    pose = FigurePose(
        left_upper_arm=(left, 0),
        right_upper_arm=(right, 10),
        left_forearm=(fore, 20),
        left_thigh=(leg, 0),
        lean=lean,
        turn=turn,
    )
    figure = draw_figure(pose, size=SMALL)
    assert figure.keypoints.seen.all()
    np.testing.assert_array_equal(figure.parsing > 0, figure.matte >= 0.5)
    standing = draw_figure("standing", size=SMALL).keypoints.world
    for start, end in LIMBS.values():
        length = np.linalg.norm(figure.keypoints.world[end] - figure.keypoints.world[start])
        assert length == pytest.approx(np.linalg.norm(standing[end] - standing[start]), abs=1e-4)


def test_angles_mean_what_they_say():
    pose = FigurePose(left_upper_arm=(90, 0), right_upper_arm=(0, 90))
    world = draw_figure(pose, size=SMALL).keypoints.world
    left = world[Landmark.LEFT_ELBOW] - world[Landmark.LEFT_SHOULDER]
    right = world[Landmark.RIGHT_ELBOW] - world[Landmark.RIGHT_SHOULDER]
    np.testing.assert_allclose(left / np.linalg.norm(left), [1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(right / np.linalg.norm(right), [0, 0, -1], atol=1e-5)


def test_mirrored_pose_is_the_mirror_picture():
    pose = POSES["contrapposto"]
    one, two = (draw_figure(p, size=SMALL).keypoints.world for p in (pose, pose.mirrored()))
    np.testing.assert_allclose(two, one[list(MIRRORED)] * (-1, 1, 1), atol=1e-5)


def test_same_seed_same_bytes():
    one, two, other = (draw_figure("waving", size=SMALL, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.photo, two.photo)
    assert np.any(one.photo != other.photo)
    np.testing.assert_array_equal(one.parsing, other.parsing)


def test_print_changes_colours_but_not_masks():
    plain, printed = (draw_figure(outfit=Outfit(pattern=pattern), size=SMALL) for pattern in ("plain", "print"))
    np.testing.assert_array_equal(plain.parsing, printed.parsing)
    changed = np.abs(plain.photo.astype(int) - printed.photo).max(2) > 40
    assert changed.sum() > 50
    assert set(np.unique(plain.parsing[changed])) == {Part.UPPER}


def test_own_background_shows_untouched_around_the_figure():
    background = np.random.default_rng(0).integers(0, 255, (256, 192, 3), np.uint8).astype(np.uint8)
    background[:] = background[:1, :1]
    figure = draw_figure(size=SMALL, background=background)
    clear = figure.matte == 0
    assert np.abs(figure.photo[clear].astype(int) - background[clear]).max() < 12


@pytest.mark.parametrize("cut", [waist_up, headless, lambda f: crop(f, (40, 30, 160, 200))])
def test_crop_maps_photo_masks_and_joints_alike(cut):
    whole = draw_figure("hand_on_hip", size=SMALL)
    part = cut(whole)
    offset = (whole.keypoints.xy - part.keypoints.xy)[0].round().astype(int)
    np.testing.assert_allclose(whole.keypoints.xy - part.keypoints.xy, np.tile(offset, (33, 1)), atol=1e-3)
    height, width = part.matte.shape
    window = slice(offset[1], offset[1] + height), slice(offset[0], offset[0] + width)
    for name in ("photo", "parsing", "matte"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[window])
    xy = part.keypoints.xy
    inside = np.all((xy >= -0.5) & (xy < np.array([width, height]) - 0.5), axis=1)
    np.testing.assert_array_equal(part.keypoints.seen, inside)


def test_waist_up_keeps_hips_and_loses_knees_and_headless_loses_the_face():
    figure = draw_figure(size=SMALL)
    upper, lower = waist_up(figure).keypoints.seen, headless(figure).keypoints.seen
    assert upper[[Landmark.LEFT_HIP, Landmark.NOSE]].all()
    assert not upper[[Landmark.LEFT_KNEE, Landmark.RIGHT_ANKLE]].any()
    assert not lower[: Landmark.LEFT_SHOULDER].any()
    assert lower[BODY_JOINTS].all()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_figure("flying"),
        lambda: draw_figure(size=(10, 10)),
        lambda: draw_figure(size=SMALL, background=np.zeros((5, 5, 3), np.uint8)),
        lambda: crop(draw_figure(size=SMALL), (0, 0, 193, 20)),
        lambda: crop(draw_figure(size=SMALL), (20, 0, 20, 20)),
    ],
)
def test_bad_arguments_are_named(draw):
    with pytest.raises(InputError) as caught:
        draw()
    assert caught.value.code == "invalid_option"
    assert caught.value.field in {"pose", "size", "background", "box"}


def test_figures_are_frozen():
    figure = draw_figure(size=SMALL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        figure.photo = None
