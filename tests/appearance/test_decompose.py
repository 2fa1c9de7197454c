"""Layers of drawn people against the truth of the drawing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tryon_service.appearance.decompose import decompose, visible_limbs
from tryon_service.appearance.owners import TRUNK
from tryon_service.figures import OUTFITS, Figure, crop, draw_figure, waist_up
from tryon_service.retarget.rig import ARMS, LEGS
from tryon_service.types import Appearance, Part, Person

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


def shown(appearance: Appearance, name: str) -> np.ndarray:
    """The photo's pixels that the layer shows, H x W bool in the photo's frame."""
    height, width = appearance.person.matte.shape
    at = appearance.margin
    return appearance.layers[name].real[at : at + height, at : at + width] > 0.5


@pytest.fixture(scope="module")
def standing(person_of: MakePerson) -> Appearance:
    return decompose(person_of(draw_figure("arms_out", OUTFITS["print_tee"], SIZE)))


def test_every_layer_is_there_and_sound(standing: Appearance) -> None:
    assert set(standing.layers) == {TRUNK, *ARMS, *LEGS}
    for layer in standing.layers.values():
        assert layer.rgb.shape[:2] == layer.alpha.shape == layer.real.shape == standing.parsing.shape
        assert layer.alpha.min() >= 0
        assert layer.alpha.max() <= 1
        assert layer.alpha.max() > 0.9


def test_together_the_layers_show_the_whole_person(standing: Appearance) -> None:
    person = standing.person.matte > 0.9
    alpha = np.zeros(person.shape, np.float32)
    for layer in standing.layers.values():
        alpha = layer.alpha + alpha * (1 - layer.alpha)
    assert (alpha[person] > 0.9).mean() > 0.999
    assert alpha[standing.person.matte == 0].max() < 0.05


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_free_arm_is_cut_where_it_was_drawn(standing: Appearance, side: str) -> None:
    arm = shown(standing, f"{side}_arm")
    skin = standing.person.parsing == Part[f"{side.upper()}_ARM"]
    assert arm[skin].mean() > 0.97
    torso = np.isin(standing.person.parsing, (Part.HAIR, Part.FACE, Part.TROUSERS, Part.SHOES))
    assert arm[torso].mean() < 0.01


@pytest.mark.parametrize("side", ["left", "right"])
def test_legs_are_cut_along_the_gap(standing: Appearance, side: str) -> None:
    leg = shown(standing, f"{side}_leg")
    xs = np.nonzero(leg)[1]
    middle = standing.person.keypoints.xy[[23, 24], 0].mean()
    own_side = xs > middle if side == "left" else xs < middle
    assert own_side.mean() > 0.97


def test_the_torso_behind_a_crossing_arm_is_completed(person_of: MakePerson) -> None:
    appearance = decompose(person_of(draw_figure("arm_bent_front", OUTFITS["print_tee"], SIZE)))
    trunk = appearance.layers[TRUNK]
    forearm = np.zeros(trunk.alpha.shape, bool)
    for name in ARMS:
        forearm |= shown(appearance, name)
    body = appearance.person.keypoints.xy[[11, 12, 23, 24]]
    left, top = body.min(axis=0).astype(int) + 8
    right, bottom = body.max(axis=0).astype(int) - 8
    inside = np.zeros_like(forearm)
    inside[top:bottom, left:right] = True
    hidden = forearm & inside
    assert hidden.sum() > 100, "the pose must hide some torso"
    assert (trunk.alpha[hidden] > 0.9).mean() > 0.8
    assert trunk.real[hidden].mean() < 0.3


def test_the_background_keeps_nothing_of_the_person(standing: Appearance) -> None:
    empty = np.median(standing.background[standing.person.matte > 0.5].astype(int), axis=0)
    studio = np.median(standing.person.photo.rgb[standing.person.matte == 0].astype(int), axis=0)
    assert np.abs(empty - studio).max() < 12
    away = standing.person.matte == 0
    same = (standing.background == standing.person.photo.rgb).all(axis=-1)
    assert same[away].mean() > 0.7


def test_a_cut_body_goes_on_beyond_the_edge(person_of: MakePerson) -> None:
    person = person_of(waist_up(draw_figure("standing", OUTFITS["print_tee"], SIZE)))
    appearance = decompose(person)
    assert appearance.margin > 0
    trunk = appearance.layers[TRUNK]
    below = slice(appearance.margin + person.matte.shape[0], None)
    legs_and_trunk = np.maximum.reduce([layer.alpha[below] for layer in appearance.layers.values()])
    assert legs_and_trunk.max() > 0.9
    assert trunk.real[below].max() == 0, "what the photo doesn't show is not real"


def test_a_whole_body_has_no_margin(standing: Appearance) -> None:
    assert standing.margin == 0


def test_limbs_outside_the_frame_are_not_layers(person_of: MakePerson) -> None:
    figure = draw_figure("standing", OUTFITS["print_tee"], SIZE)
    knees = figure.keypoints.xy[[25, 26], 1].mean()
    hips = figure.keypoints.xy[[23, 24], 1].mean()
    cut = person_of(crop(figure, (0, 0, SIZE[0], int(hips + 0.3 * (knees - hips)))))
    assert visible_limbs(cut.keypoints, cut.matte.shape) == set(ARMS)
    assert set(decompose(cut).layers) == {TRUNK, *ARMS}


def test_decomposing_twice_gives_the_same_bytes(person_of: MakePerson) -> None:
    person = person_of(draw_figure("hand_on_hip", OUTFITS["print_tee"], (192, 256)))
    first, second = decompose(person), decompose(person)
    np.testing.assert_array_equal(first.background, second.background)
    for name in first.layers:
        np.testing.assert_array_equal(first.layers[name].rgb, second.layers[name].rgb)
        np.testing.assert_array_equal(first.layers[name].alpha, second.layers[name].alpha)
