"""Shadows of drawn figures: measured, taken out, cast again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.appearance.masks import widened
from tryon_service.appearance.shadow import FloorShadow, cast, darken, feet_of, find_shadow
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.complete import complete_background
from tryon_service.types import Person, UInt8Array

SIZE = (384, 512)
PersonOf = Callable[[Figure], Person]


def emptied(person: Person) -> UInt8Array:
    return complete_background(person.photo.rgb, widened(person.matte > 0.02, 5))


@pytest.fixture
def standing(person_of: PersonOf) -> Person:
    return person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE))


@pytest.fixture
def shadow(standing: Person) -> FloorShadow:
    found = find_shadow(standing, emptied(standing))
    assert found is not None
    return found


def test_taken_out_and_cast_again_the_floor_is_the_photos(standing: Person, shadow: FloorShadow) -> None:
    clean, photo = emptied(standing), standing.photo.rgb
    again = darken(clean, cast(shadow, shadow.feet, shadow.feet, 1.0, SIZE, wall=1.0))
    beside = ~widened(standing.matte > 0.02, 3)
    beside[: int(shadow.feet[:, 1].min()) - 10] = False
    before, after = (np.abs(picture.astype(int) - photo)[beside] for picture in (clean, again))
    assert before.max() > 25
    assert np.percentile(after, 99) <= 6
    assert after.mean() < 0.5 * before.mean()


def test_the_shadow_lies_at_the_feet(shadow: FloorShadow) -> None:
    ys, xs = np.nonzero(shadow.darkness > 0.1)
    assert abs(xs.mean() - shadow.feet[:, 0].mean()) < 0.2 * shadow.shin
    assert ys.min() > shadow.feet[:, 1].min() - 0.6 * shadow.shin


def test_the_shadow_moves_with_the_feet(shadow: FloorShadow) -> None:
    moved = cast(shadow, shadow.feet, shadow.feet + np.float32([30, -12]), 1.0, SIZE)
    still = cast(shadow, shadow.feet, shadow.feet, 1.0, SIZE)
    np.testing.assert_allclose(moved[300:488, 60:370], still[312:500, 30:340], atol=1e-3)


def test_each_foot_takes_its_own_shadow_along(shadow: FloorShadow) -> None:
    source = shadow.feet
    target = source + np.float32([[25, 0], [-25, 0]])
    multiplier = cast(shadow, source, target, 1.0, SIZE)
    for before, after in zip(source.round().astype(int), target.round().astype(int), strict=True):
        assert abs(multiplier[after[1], after[0]] - (1 - shadow.darkness[before[1], before[0]])) < 0.06


def test_feet_that_part_leave_light_between_them() -> None:
    size, feet = (300, 100), np.array([[170, 60], [130, 60]], np.float32)
    darkness = np.zeros((size[1], size[0]), np.float32)
    darkness[50:70, 115:185] = 0.4
    shadow = FloorShadow(darkness, np.zeros_like(darkness), feet, 40.0)
    multiplier = cast(shadow, feet, feet + np.float32([[60, 0], [-60, 0]]), 1.0, size)
    assert multiplier[60, 150] > 0.99
    np.testing.assert_allclose(multiplier[60, [70, 230]], 0.6, atol=0.01)
    np.testing.assert_allclose(cast(shadow, feet, feet, 1.0, size), 1 - darkness, atol=1e-5)


def test_a_lifted_foot_leaves_its_shadow_on_the_floor(shadow: FloorShadow) -> None:
    target = shadow.feet + np.float32([[0, -1.5 * shadow.shin], [0, 0]])
    multiplier = cast(shadow, shadow.feet, target, 1.0, SIZE)
    assert multiplier[: int(shadow.feet[0, 1] - shadow.shin)].min() > 0.99


def test_scaled_with_the_picture(shadow: FloorShadow) -> None:
    half = cast(shadow, shadow.feet, shadow.feet / 2, 0.5, (SIZE[0] // 2, SIZE[1] // 2))
    whole = cast(shadow, shadow.feet, shadow.feet, 1.0, SIZE)
    assert half.shape == (SIZE[1] // 2, SIZE[0] // 2)
    assert np.abs(half - whole[::2, ::2]).max() < 0.08


def test_feet_on_one_point_and_far_outside(shadow: FloorShadow) -> None:
    for target in (np.full((2, 2), 200.0, np.float32), np.full((2, 2), -5000.0, np.float32)):
        multiplier = cast(shadow, shadow.feet, target, 1.0, SIZE)
        assert np.isfinite(multiplier).all()
        assert 0 <= multiplier.min() <= multiplier.max() <= 1


def test_no_shadow_where_none_can_be_known(standing: Person, person_of: PersonOf) -> None:
    clean = emptied(standing)
    left, top, right, _ = standing.box
    assert find_shadow(replace(standing, box=(left, top, right, SIZE[1])), clean) is None  # feet cut off
    assert find_shadow(standing, standing.photo.rgb) is None  # nothing was taken out beside the person
    bricks = np.where(np.indices((SIZE[1], SIZE[0])).sum(axis=0)[..., None] // 9 % 2, 90, 170).astype(np.uint8)
    street = person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE, background=np.repeat(bricks, 3, axis=2)))
    assert find_shadow(street, emptied(street)) is None


def test_feet_are_where_the_soles_are(standing: Person) -> None:
    feet = feet_of(standing.keypoints)
    assert feet[0, 0] > feet[1, 0]  # the left foot is on the picture's right
    assert (np.abs(feet[:, 1] - standing.box[3]) < 0.1 * SIZE[1]).all()


def test_darken_leaves_the_rest_alone() -> None:
    background = np.full((20, 10, 3), 200, np.uint8)
    multiplier = np.ones((20, 10), np.float32)
    multiplier[15:] = 0.5
    out = darken(background, multiplier)
    assert (out[:15] == 200).all()
    assert (out[15:] == 100).all()
    assert (background == 200).all()
