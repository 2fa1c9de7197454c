from __future__ import annotations

import numpy as np

from tryon_service.evaluation.drawing import PALETTE, coloured, fitted, note, over_chequers, rgb_of, sheet
from tryon_service.types import Part


def test_every_part_has_a_colour_of_its_own() -> None:
    assert len({tuple(colour) for colour in PALETTE.tolist()}) == len(Part)
    assert coloured(np.array([[Part.FACE]], np.uint8))[0, 0].tolist() == PALETTE[Part.FACE].tolist()


def test_a_tile_holds_the_whole_picture() -> None:
    picture = np.full((50, 20, 3), 7, np.uint8)
    tile = fitted(picture, (60, 100))
    assert tile.shape == (100, 60, 3)
    assert (tile[:, 10:50] == 7).all()
    assert (tile[:, :9] == 255).all()


def test_a_note_says_something_on_grey() -> None:
    tile = note((120, 160), "pose_too_different")
    assert tile.shape == (160, 120, 3)
    assert len(np.unique(tile)) > 2
    assert (tile[0] == tile[0, 0]).all()


def test_a_sheet_has_gaps() -> None:
    tile = np.zeros((10, 20, 3), np.uint8)
    whole = sheet([[tile, tile], [tile]], gap=4)
    assert whole.shape == (24, 44, 3)
    assert (whole[10:14] == 255).all()


def test_transparency_shows_as_chequers() -> None:
    clear = np.zeros((32, 32, 4), np.uint8)
    assert set(np.unique(rgb_of(clear))) == {160, 220}
    solid = np.full((4, 4, 3), 9, np.uint8)
    assert (over_chequers(solid, np.ones((4, 4), np.float32)) == 9).all()
