"""Structured backgrounds continued behind a person, with known truth."""

from __future__ import annotations

import numpy as np

from tryon_service.imaging.complete import complete_background

SHAPE = (320, 240)


def street() -> np.ndarray:
    """A wall of bricks over a pavement of slabs."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    bricks = np.where((y % 10 < 2) | ((x + 12 * (y // 10 % 2)) % 24 < 2), 190, 110)
    slabs = np.where((y % 20 < 2) | (x % 40 < 2), 70, 150)
    grey = np.where(y < 200, bricks, slabs).astype(np.uint8)
    return np.stack([grey, grey - 20, grey - 40], axis=2)


def person() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[40:300, 95:150] = True
    return mask


def test_the_scene_goes_on_behind_the_person() -> None:
    truth, mask = street(), person()
    photo = truth.copy()
    photo[mask] = (200, 20, 20)
    emptied = complete_background(photo, mask)
    np.testing.assert_array_equal(emptied[~mask], truth[~mask])
    assert np.abs(emptied.astype(int) - truth)[mask].mean() < 12
    assert 0.85 < emptied[mask].std() / truth[mask].std() < 1.15


def test_a_person_without_surroundings() -> None:
    mask = np.ones(SHAPE, bool)
    mask[:3, :3] = False
    assert complete_background(street(), mask).shape == street().shape
