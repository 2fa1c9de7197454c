"""Parsings a few pixels off, on drawn cloth whose true edges are known."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.perception.snap_edges import snap_edges
from tryon_service.types import Part, UInt8Array

COLOURS = {Part.BACKGROUND: 240, Part.UPPER: 60, Part.TROUSERS: 140, Part.ACCESSORIES: 20, Part.FACE: 190}


def drawn(hem: int, height: int = 800) -> UInt8Array:
    """A shirt above a slanting hem, trousers below it, a face on top."""
    parts = np.zeros((height, 300), np.uint8)
    parts[40:760, 60:240] = Part.TROUSERS
    slant = hem + np.arange(180) // 12
    parts[40:760, 60:240][np.arange(720)[:, None] < slant - 40] = Part.UPPER
    parts[40:140, 60:240] = Part.FACE
    return parts


def photo(parts: UInt8Array, noise: float = 6.0) -> UInt8Array:
    levels = np.zeros(256)
    for part, level in COLOURS.items():
        levels[part] = level
    grey = levels[parts] + np.random.default_rng(0).normal(0, noise, parts.shape)
    return np.asarray(np.clip(np.dstack([grey, grey * 0.9, grey * 0.8]), 0, 255), np.uint8)


@pytest.mark.parametrize("off", [-4, 3])
def test_a_hem_some_pixels_off_comes_back(off: int) -> None:
    truth, wrong = drawn(400), drawn(400 + off)
    snapped = snap_edges(photo(truth), wrong)
    assert (snapped != truth).sum() < 0.25 * (wrong != truth).sum()


def test_a_hem_further_off_is_believed() -> None:
    truth, wrong = drawn(400), drawn(430)
    assert (snap_edges(photo(truth), wrong) == wrong).mean() > 0.99


def test_a_right_parsing_stays() -> None:
    truth = drawn(400)
    assert (snap_edges(photo(truth), truth) == truth).mean() > 0.999


def test_the_background_and_thin_parts_stay() -> None:
    parts = drawn(400)
    parts[500:504, 80:220] = Part.ACCESSORIES
    snapped = snap_edges(photo(drawn(400)), parts)
    assert ((snapped == 0) == (parts == 0)).all()
    assert (snapped[501:503, 85:215] == Part.ACCESSORIES).mean() > 0.95


def test_edges_that_the_photo_does_not_show_hardly_move() -> None:
    parts = drawn(400)
    even = np.full((*parts.shape, 3), 90, np.uint8)
    assert (snap_edges(even, parts) == parts).mean() > 0.99


@pytest.mark.parametrize("value", [0, int(Part.UPPER)])
def test_one_part_alone_stays(value: int) -> None:
    parts = np.full((50, 40), value, np.uint8)
    assert (snap_edges(np.zeros((50, 40, 3), np.uint8), parts) == parts).all()
