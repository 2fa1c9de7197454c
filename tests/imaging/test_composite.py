"""Composition: exact at full and at no alpha, straight alpha when transparent."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.imaging.composite import composite, fitted_background, plain_background, reduced
from tryon_service.types import Rendered


@pytest.fixture
def rendered() -> Rendered:
    rgb = np.full((4, 6, 3), 200, np.uint8)
    alpha = np.zeros((4, 6), np.float32)
    alpha[:, 2:4] = 0.5
    alpha[:, 4:] = 1.0
    return Rendered(rgb, alpha, np.ones_like(alpha), np.zeros((4, 6), np.uint8))


def test_over_a_plain_background(rendered: Rendered) -> None:
    picture = composite(rendered, plain_background((100, 0, 50), (6, 4)))
    np.testing.assert_array_equal(picture[0, 0], (100, 0, 50))
    np.testing.assert_array_equal(picture[0, 2], (150, 100, 125))
    np.testing.assert_array_equal(picture[0, 5], (200, 200, 200))


def test_transparent(rendered: Rendered) -> None:
    picture = composite(rendered, None)
    assert picture.shape == (4, 6, 4)
    np.testing.assert_array_equal(picture[0, :, 3], (0, 0, 128, 128, 255, 255))


@pytest.mark.parametrize("size", [(10, 30), (30, 10), (20, 20), (7, 5)])
def test_a_fitted_background_covers_the_frame(size: tuple[int, int]) -> None:
    rgb = np.full((20, 30, 3), 7, np.uint8)
    assert fitted_background(rgb, size).shape == (size[1], size[0], 3)


def test_a_reduced_picture_keeps_its_colours_at_the_outline() -> None:
    """Hidden colours (green here) beside a red shape don't show when four pixels become one."""
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :3] = (200, 0, 0, 255)
    picture[:, 3:] = (0, 255, 0, 0)
    small = reduced(picture, (4, 4))
    assert small.shape == (4, 4, 4)
    np.testing.assert_array_equal(small[:, 1], [[200, 0, 0, 128]] * 4)
    assert reduced(picture, (8, 8)) is picture
    np.testing.assert_array_equal(reduced(picture[..., :3], (4, 4))[:, 0], [[200, 0, 0]] * 4)
