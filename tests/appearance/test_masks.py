"""Tools on masks that only look at the window a mask fills, against the same done all over the frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.appearance.masks import closed, disc, opened, smoothed, widened, window, without_specks
from tryon_service.types import BoolArray

PLACES = [(0, 0), (30, 40), (71, 88), (35, 0)]
"""Top-left pixels: in corners, at an edge, in the middle."""


def blot(place: tuple[int, int]) -> BoolArray:
    """120 x 140 bool, with a ragged 49 x 52 patch at (row, column)."""
    noise = np.random.default_rng(0).random((49, 52), np.float32)
    mask = np.zeros((120, 140), bool)
    mask[place[0] : place[0] + 49, place[1] : place[1] + 52] = cv2.GaussianBlur(noise, (0, 0), 2.0) > 0.5
    return mask


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [1, 4, 9])
def test_opening_and_closing_are_those_of_the_whole_frame(place: tuple[int, int], radius: int) -> None:
    mask = blot(place)
    for ours, operation in ((opened, cv2.MORPH_OPEN), (closed, cv2.MORPH_CLOSE)):
        whole = cv2.morphologyEx(mask.astype(np.uint8), operation, disc(radius)) > 0
        np.testing.assert_array_equal(ours(mask, disc(radius)), whole)


@pytest.mark.parametrize("place", PLACES)
def test_widening_reaches_as_far_as_its_pixels(place: tuple[int, int]) -> None:
    mask = blot(place)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    for pixels in (2, 7):
        wide = widened(mask, pixels)
        assert wide[away <= 0.9 * pixels].all()
        assert not wide[away > 1.1 * pixels + 0.3].any()


@pytest.mark.parametrize("place", PLACES)
def test_smoothing_is_that_of_the_whole_frame(place: tuple[int, int]) -> None:
    mask = blot(place)
    np.testing.assert_array_equal(smoothed(mask, 3.0), cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3.0) > 0.5)


def test_specks_are_dropped_by_their_size() -> None:
    mask = np.zeros((30, 40), bool)
    mask[2:5, 2:5] = mask[20:29, 30:40] = True
    assert without_specks(mask, 10).sum() == 90
    assert without_specks(mask, 9).sum() == 99


def test_an_empty_mask_stays_empty() -> None:
    nothing = np.zeros((20, 30), bool)
    results = opened(nothing, disc(3)), closed(nothing, disc(3)), widened(nothing, 9), smoothed(nothing, 2.0)
    assert not any(result.any() for result in (*results, without_specks(nothing, 1)))
    assert window(nothing, 5) == (slice(0, 0), slice(0, 0))
