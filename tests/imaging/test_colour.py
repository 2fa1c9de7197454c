"""Pixels told apart by colour, whatever their light."""

from __future__ import annotations

import numpy as np

from tryon_service.imaging.colour import alike


def picture() -> np.ndarray:
    """Skin lit from the left in the upper half, blue cloth below."""
    light = np.linspace(0.7, 1.1, 60)[None, :, None]
    rgb = np.empty((40, 60, 3))
    rgb[:20] = np.array([200, 150, 120]) * light
    rgb[20:] = np.array([60, 80, 160]) * light
    return np.clip(rgb, 0, 255).astype(np.uint8)


def test_the_same_colour_in_another_light_is_found() -> None:
    samples = np.zeros((40, 60), bool)
    samples[5:15, 20:30] = True
    found = alike(picture(), samples)
    assert found[:17].mean() > 0.95
    assert found[23:].mean() < 0.02


def test_hardly_any_samples_find_nothing() -> None:
    assert not alike(picture(), np.zeros((40, 60), bool)).any()
