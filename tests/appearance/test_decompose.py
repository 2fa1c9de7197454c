"""People taken apart: every layer there, nothing lost, and the same bytes every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from undressing import SIZE, drawn, on_photo, person_from, taken_apart

from tryon_service.appearance.attributes import HEAD, TRUNK
from tryon_service.appearance.decompose import decompose
from tryon_service.appearance.visible import visible_limbs
from tryon_service.figures import POSES, FigurePose, crop
from tryon_service.retarget.rig import ARMS, LEGS
from tryon_service.types import Appearance, Part

IN_POCKET = FigurePose("hand in the pocket", left_upper_arm=(18, -4), left_forearm=(-26, 6))


@pytest.fixture(scope="module")
def spread() -> Appearance:
    return taken_apart("arms_out", "print_tee")[1]


def over(appearance: Appearance) -> np.ndarray:
    """H x W float32: alpha of all layers laid over each other."""
    out = np.zeros(appearance.person.matte.shape, np.float32)
    for layer in appearance.layers.values():
        alpha = on_photo(layer, layer.rgba)[..., 3].astype(np.float32) / 255
        out = alpha + out * (1 - alpha)
    return out


def test_every_carrier_has_its_layers(spread: Appearance) -> None:
    assert {layer.carrier for layer in spread.layers.values()} == {TRUNK, HEAD, *ARMS, *LEGS}
    sides = [f"{side}_{part}" for side in ("left", "right") for part in ("arm", "hand", "leg", "shoe")]
    assert set(spread.layers) >= {"upper", "torso", "face", "hair", *sides}
    for name, layer in spread.layers.items():
        assert layer.name == name
        assert layer.rgba.shape == (*layer.parts.shape, 4)
        assert layer.real.shape == layer.parts.shape
        assert {layer.rgba.dtype, layer.parts.dtype, layer.real.dtype} == {np.dtype(np.uint8)}
        if not layer.beside:
            assert layer.rgba[..., 3].max() > 230, name


def test_layers_are_cut_to_size(spread: Appearance) -> None:
    together = sum(layer.parts.size for layer in spread.layers.values())
    assert together < 1.5 * spread.person.matte.size


@pytest.mark.parametrize("pose", ["arms_out", "standing", "hand_on_hip", "arm_bent_front"])
def test_together_the_layers_show_the_whole_person_and_nothing_else(pose: str) -> None:
    _, appearance = taken_apart(pose, "print_tee")
    alpha, person = over(appearance), appearance.person
    assert (alpha[person.matte > 0.9] > 0.9).mean() > 0.995
    assert alpha[person.matte == 0].mean() < 0.01


@pytest.mark.parametrize("side", ["left", "right"])
def test_legs_are_cut_along_the_gap(spread: Appearance, side: str) -> None:
    layer = spread.layers[f"{side}_leg"]
    rows, columns = np.nonzero(on_photo(layer, layer.real))
    hips, knees = (spread.person.keypoints.xy[pair].mean(axis=0) for pair in ([23, 24], [25, 26]))
    below = rows > knees[1] - 0.3 * (knees[1] - hips[1])
    own = columns[below] > hips[0] if side == "left" else columns[below] < hips[0]
    assert own.mean() > 0.97


def test_each_shoe_lies_on_its_own_side(spread: Appearance) -> None:
    ankles = spread.person.keypoints.xy[[27, 28]]
    for side, ankle in zip(("left", "right"), ankles, strict=True):
        layer = spread.layers[f"{side}_shoe"]
        shown = on_photo(layer, layer.real) > 0
        assert abs(np.nonzero(shown)[1].mean() - ankle[0]) < 0.4 * abs(ankles[0, 0] - ankles[1, 0])
        assert (spread.person.parsing[shown & (spread.person.matte > 0.5)] == Part.SHOES).mean() > 0.9


def test_the_background_keeps_nothing_of_the_person(spread: Appearance) -> None:
    photo, matte = spread.person.photo.rgb.astype(int), spread.person.matte
    empty, studio = spread.background[matte > 0.5], photo[matte == 0]
    assert np.abs(np.median(empty, axis=0) - np.median(studio, axis=0)).max() < 12
    feet = int(spread.person.keypoints.xy[[27, 28], 1].min())
    away = matte[:feet] == 0
    assert np.abs(spread.background[:feet].astype(int) - photo[:feet])[away].mean() < 2


@pytest.mark.parametrize("outfit", ["summer_dress", "striped_long"])
def test_clothes_to_the_floor_leave_no_legs(outfit: str) -> None:
    """A dress or a coat over the shoes: there is nothing of the legs to cut out."""
    figure = drawn("standing", outfit).figure
    worn = Part.DRESS if outfit == "summer_dress" else Part.OUTERWEAR
    low = np.isin(figure.parsing, (Part.TROUSERS, Part.LEFT_LEG, Part.RIGHT_LEG, Part.SHOES, Part.UPPER, Part.DRESS))
    gown = np.where(low, worn, figure.parsing).astype(np.uint8)
    appearance = decompose(person_from(replace(figure, parsing=gown)))
    assert {layer.carrier for layer in appearance.layers.values()} >= {TRUNK, HEAD, *ARMS}


@pytest.mark.parametrize(
    ("share", "limbs"), [(0.3, set(ARMS)), (0.8, {*ARMS, *LEGS})], ids=["above the thighs' middle", "below it"]
)
def test_limbs_outside_the_frame_are_not_layers(share: float, limbs: set[str]) -> None:
    figure = drawn("standing", "print_tee").figure
    hips, knees = (figure.keypoints.xy[pair, 1].mean() for pair in ([23, 24], [25, 26]))
    cut = person_from(crop(figure, (0, 0, SIZE[0], int(hips + share * (knees - hips)))))
    assert visible_limbs(cut.keypoints, cut.matte.shape) == limbs
    assert {layer.carrier for layer in decompose(cut).layers.values()} == {TRUNK, HEAD, *limbs}


def test_of_a_waist_down_photo_the_forearms_are_layers_too() -> None:
    figure = drawn("standing", "print_tee").figure
    elbows = figure.keypoints.xy[[13, 14], 1].mean()
    cut = person_from(crop(figure, (0, int(elbows) + 5, *SIZE)))
    carriers = {layer.carrier for layer in decompose(cut).layers.values()}
    assert carriers >= {*ARMS, *LEGS, TRUNK}
    assert HEAD not in carriers


def hidden_hand(side: str, pose: FigurePose) -> Appearance:
    """A figure whose hand is in its pocket: cloth painted over it."""
    figure = drawn(pose, "print_tee").figure
    wrist = figure.keypoints.xy[15 if side == "left" else 16].astype(int)
    photo, parsing = figure.photo.copy(), figure.parsing.copy()
    hand = np.s_[wrist[1] - 2 : wrist[1] + 40, wrist[0] - 22 : wrist[0] + 14]
    over_skin = parsing[hand] == (Part.LEFT_ARM if side == "left" else Part.RIGHT_ARM)
    photo[hand][over_skin], parsing[hand][over_skin] = (58, 74, 104), Part.TROUSERS
    return decompose(person_from(replace(figure, photo=photo, parsing=parsing)))


def test_an_arm_whose_hand_is_hidden_is_anchored() -> None:
    assert hidden_hand("left", IN_POCKET).anchored == {"left_arm"}


@pytest.mark.parametrize("pose", sorted(POSES))
def test_arms_whose_hands_are_seen_are_not(pose: str) -> None:
    assert taken_apart(pose, "print_tee")[1].anchored == frozenset()


def test_one_hand_on_the_other_forearm_anchors_both() -> None:
    folded = FigurePose(
        "hand on the other wrist",
        left_upper_arm=(14, 4),
        left_forearm=(-62, 16),
        right_upper_arm=(12, 2),
        right_forearm=(-52, 8),
    )
    assert taken_apart(folded, "print_tee")[1].anchored == set(ARMS)


def test_a_cut_off_hand_does_not_anchor_its_arm() -> None:
    figure = drawn("standing", "print_tee").figure
    wrists = figure.keypoints.xy[[15, 16], 1].min()
    assert decompose(person_from(crop(figure, (0, 0, SIZE[0], int(wrists) - 8)))).anchored == frozenset()


def test_decomposing_twice_gives_the_same_bytes() -> None:
    person = drawn("hand_on_hip", "print_tee", (192, 256)).person
    first, second = decompose(person), decompose(person)
    np.testing.assert_array_equal(first.background, second.background)
    assert list(first.layers) == list(second.layers)
    for name, layer in first.layers.items():
        np.testing.assert_array_equal(layer.rgba, second.layers[name].rgba)
        np.testing.assert_array_equal(layer.parts, second.layers[name].parts)
