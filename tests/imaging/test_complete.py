"""Completion against pictures whose hidden part is known."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.imaging.complete import complete_background
from tryon_service.imaging.extend import at_pixels, extend_colours, mirror_fill, nearest_known, push_pull


def hole(shape: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def test_nearest_known_is_the_nearest() -> None:
    known = np.zeros((20, 30), bool)
    known[5, 4] = known[15, 25] = True
    nearest = nearest_known(known)
    assert np.unravel_index(nearest[6, 5], known.shape) == (5, 4)
    assert np.unravel_index(nearest[19, 29], known.shape) == (15, 25)
    values = np.arange(20 * 30 * 2).reshape(20, 30, 2)
    assert at_pixels(values, nearest)[6, 5].tolist() == values[5, 4].tolist()


def test_known_pixels_are_never_changed() -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)
    mask = hole((40, 50), (10, 10, 25, 30))
    for filled in (
        extend_colours(rgb, ~mask),
        mirror_fill(rgb, ~mask, mask, 6.0),
        push_pull(rgb, ~mask),
    ):
        np.testing.assert_array_equal(filled[~mask], rgb[~mask])


def test_mirroring_keeps_stripes_sharp() -> None:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[::4] = 255
    rgb[1::4] = 255
    mask = hole((40, 60), (40, 0, 60, 40))
    damaged = np.where(mask[..., None], 128, rgb).astype(np.uint8)
    filled = mirror_fill(damaged, ~mask, mask, 8.0)
    assert np.abs(filled.astype(int) - rgb).mean() < 2


@pytest.mark.parametrize("axis", [0, 1])
def test_a_gradient_backdrop_is_continued(axis: int) -> None:
    ramp = np.linspace(60, 200, 120 if axis else 90)
    rgb = np.broadcast_to(ramp[None, :, None] if axis else ramp[:, None, None], (90, 120, 3)).astype(np.uint8)
    mask = hole((90, 120), (45, 10, 75, 80))
    damaged = np.where(mask[..., None], 0, rgb).astype(np.uint8)
    filled = complete_background(damaged, mask)
    assert np.abs(filled.astype(int) - rgb)[mask].mean() < 4


def test_a_floor_line_is_continued_behind_the_person() -> None:
    rgb = np.full((90, 120, 3), 210, np.uint8)
    rgb[60:] = 120
    mask = hole((90, 120), (45, 10, 75, 90))
    filled = complete_background(np.where(mask[..., None], 0, rgb).astype(np.uint8), mask)
    assert abs(int(filled[50, 60, 0]) - 210) < 8
    assert abs(int(filled[75, 60, 0]) - 120) < 8


def test_nobody_in_the_photo_and_nothing_but_a_person() -> None:
    rgb = np.full((30, 30, 3), 90, np.uint8)
    np.testing.assert_array_equal(complete_background(rgb, np.zeros((30, 30), bool)), rgb)
    assert complete_background(rgb, np.ones((30, 30), bool)).shape == rgb.shape


def test_smooth_completion_never_darkens_far_from_what_is_known() -> None:
    rgb = np.full((400, 90, 3), 170, np.uint8)
    known = np.zeros((400, 90), bool)
    known[380:, 30:60] = True
    damaged = np.where(known[..., None], rgb, 0).astype(np.uint8)
    np.testing.assert_array_equal(push_pull(damaged, known), rgb)
