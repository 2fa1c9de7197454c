"""Overlays show what was found where it was found, and leave the photo as it is elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tryon_service.appearance.decompose import decompose
from tryon_service.errors import InputError
from tryon_service.evaluation import overlays
from tryon_service.evaluation.drawing import PALETTE
from tryon_service.figures import Figure, draw_figure
from tryon_service.types import Appearance, Part, Person


@pytest.fixture(scope="module")
def appearance(person_of: Callable[[Figure], Person]) -> Appearance:
    return decompose(person_of(draw_figure("standing", size=(192, 256))))


def test_the_skeleton_lies_on_the_joints(appearance: Appearance) -> None:
    drawn, photo = overlays.overlay(appearance, "pose"), appearance.person.photo.rgb
    assert drawn.shape == photo.shape
    changed = (drawn != photo).any(axis=2)
    for x, y in np.round(appearance.person.keypoints.xy[appearance.person.keypoints.seen]).astype(int):
        assert changed[y - 1 : y + 2, x - 1 : x + 2].any()
    assert changed.mean() < 0.15


def test_parts_are_coloured_and_the_ground_is_not(appearance: Appearance) -> None:
    drawn, person = overlays.overlay(appearance, "parsing").astype(float), appearance.person
    photo, ground = person.photo.rgb.astype(float), person.parsing == Part.BACKGROUND
    assert (drawn[ground] == photo[ground]).all()
    wanted = overlays.COLOUR * PALETTE[person.parsing] + (1 - overlays.COLOUR) * photo
    assert np.abs(drawn - wanted)[~ground].max() <= 1.0


def test_every_layer_has_a_tile_and_the_background_the_last(appearance: Appearance) -> None:
    drawn = overlays.overlay(appearance, "layers")
    count, (wide, tall) = len(appearance.layers) + 1, overlays.TILE
    rows = -(-count // overlays.COLUMNS)
    assert drawn.shape == (
        rows * (tall + overlays.CAPTION + 4) - 4,
        min(count, overlays.COLUMNS) * (wide + 4) - 4,
        3,
    )
    row, column = divmod(count - 1, overlays.COLUMNS)
    top, left = row * (tall + overlays.CAPTION + 4), column * (wide + 4)
    last = drawn[top : top + tall, left : left + wide]
    mean = last[tall // 4 : 3 * tall // 4, wide // 4 : 3 * wide // 4].mean(axis=(0, 1))
    assert np.abs(mean - appearance.background[64:192, 48:144].mean(axis=(0, 1))).max() < 3.0


def test_another_kind_is_refused(appearance: Appearance) -> None:
    with pytest.raises(InputError) as caught:
        overlays.overlay(appearance, "x-ray")
    assert (caught.value.code, caught.value.field) == ("invalid_option", "kind")
