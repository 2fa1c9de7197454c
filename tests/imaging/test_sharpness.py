"""Sharpness of a drawn person, sharp and blurred, small and large."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.sharpness import blur_effect


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return draw_figure("standing", OUTFITS["print_tee"], (384, 512)).photo


def test_more_blur_more_effect(photo: np.ndarray) -> None:
    effects = [blur_effect(photo), *(blur_effect(cv2.GaussianBlur(photo, (0, 0), sigma)) for sigma in (1, 2, 4))]
    assert effects == sorted(effects)
    assert effects[0] < 0.5
    assert effects[2] > 0.55


def test_size_hardly_matters(photo: np.ndarray) -> None:
    large = cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert blur_effect(large) == pytest.approx(blur_effect(photo), abs=0.06)


def test_a_plain_picture_is_a_number() -> None:
    assert 0 <= blur_effect(np.full((40, 30, 3), 128, np.uint8)) <= 1
