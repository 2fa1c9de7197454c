"""Plain studios with a drawn shadow, whose clean background is known."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.complete import complete_background
from tryon_service.imaging.grain import grain_like
from tryon_service.imaging.studio import fit_studio

SHAPE = (320, 240)


def studio(noise: float = 0.0) -> np.ndarray:
    """A wall with a light that falls off, and a darker floor below row 260."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    wall = 205 - 25 * ((x - 90) / 240) ** 2 - 20 * (y / 320)
    wall = wall - 15 * (1 + np.tanh((y - 260) / 4))
    grain = np.random.default_rng(0).normal(0, noise, SHAPE)
    return np.clip(np.round((wall + grain)[..., None] + np.array([0, 3, -4])), 0, 255).astype(np.uint8)


def person() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    cv2.ellipse(mask, (115, 170), (32, 115), 0, 0, 360, 1, -1)
    return mask > 0


def shadowed(clean: np.ndarray) -> np.ndarray:
    """A soft shadow on the wall beside the person and a darker one on the floor."""
    dark = np.zeros(SHAPE, np.float32)
    cv2.ellipse(dark, (150, 170), (30, 100), 0, 0, 360, 0.15, -1)
    cv2.ellipse(dark, (125, 288), (60, 8), 0, 0, 360, 0.4, -1)
    return np.round(clean * (1 - cv2.GaussianBlur(dark, (0, 0), 6))[..., None]).astype(np.uint8)


def test_person_and_shadow_leave_no_ghost() -> None:
    clean, mask = studio(), person()
    photo = shadowed(clean)
    photo[mask] = (60, 30, 90)
    emptied = complete_background(photo, mask)
    wrong = np.abs(emptied.astype(int) - clean).max(axis=2)
    assert np.abs(photo.astype(int) - clean)[~mask].max() > 30
    assert np.percentile(wrong, 99) <= 6
    assert wrong[mask].mean() < 3


def test_what_is_neither_person_nor_shadow_stays() -> None:
    clean, mask = studio(1.5), person()
    photo = shadowed(clean)
    emptied = complete_background(photo, mask)
    np.testing.assert_array_equal(emptied[:, 232:], photo[:, 232:])


def test_the_hole_has_the_photos_grain() -> None:
    clean, mask = studio(2.0), person()
    photo = clean.copy()
    photo[mask] = 0
    emptied = complete_background(photo, mask).astype(np.float32).mean(axis=2)
    fine = emptied - cv2.GaussianBlur(emptied, (0, 0), 3)
    inside, outside = fine[cv2.erode(mask.astype(np.uint8), np.ones((9, 9))) > 0], fine[:250, 190:]
    assert 0.8 < inside.std() / outside.std() < 1.25


def test_grain_is_measured() -> None:
    rng = np.random.default_rng(1)
    coarse = cv2.sepFilter2D(rng.standard_normal((200, 200)), -1, np.array([0.4, 1, 0.4]), np.array([0.4, 1, 0.4]))
    photo = np.repeat((120 + 2 * coarse / coarse.std())[..., None], 3, axis=2).round().astype(np.uint8)
    made = grain_like(photo, np.ones((200, 200), bool))[..., 0]
    assert 0.85 < made.std() / 2 < 1.15
    assert abs(np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1] - 0.606) < 0.1
    assert not grain_like(np.full((40, 40, 3), 255, np.uint8), np.ones((40, 40), bool)).any()


def test_a_patterned_wall_is_no_plain_studio() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    bricks = np.where((y // 12 + x // 12) % 2, 90, 170).astype(np.uint8)
    assert fit_studio(np.repeat(bricks[..., None], 3, axis=2), person()) is None
    assert fit_studio(studio(), person()) is not None
    assert fit_studio(studio(), np.ones(SHAPE, bool)) is None
