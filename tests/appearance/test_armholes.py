"""The edge of a sleeveless garment lies over the arm; a sleeve's never does."""

from __future__ import annotations

import numpy as np
import pytest
from undressing import drawn

from tryon_service.appearance.decompose import decompose
from tryon_service.renderers.warp import drawing_order
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Part


@pytest.mark.parametrize(("outfit", "sleeveless"), [("tank_shorts", True), ("sport", True), ("striped_long", False)])
def test_only_a_sleeveless_garment_has_armholes(outfit: str, sleeveless: bool) -> None:
    layers = decompose(drawn("standing", outfit).person).layers
    assert {layer.over for layer in layers.values() if layer.over} == (
        {"left_arm", "right_arm"} if sleeveless else set()
    )


def test_an_armhole_shows_real_cloth_beside_the_shoulder() -> None:
    person = drawn("standing", "tank_shorts").person
    for layer in decompose(person).layers.values():
        if layer.over:
            shows = layer.rgba[..., 3] > 128
            (x, y), (height, width) = layer.origin, layer.parts.shape
            assert shows.sum() > 20
            assert (layer.parts[shows] == Part.UPPER).mean() > 0.98
            photo = person.photo.rgb[y : y + height, x : x + width]
            off = np.abs(layer.rgba[shows][:, :3].astype(int) - photo[shows]).max(axis=1)
            assert (off <= 3).mean() > 0.9, "but at the silhouette, where the background's share is taken out"


def test_an_armhole_is_drawn_after_its_arm() -> None:
    person = drawn("standing", "tank_shorts").person
    appearance = decompose(person)
    order = drawing_order(appearance, retarget(person, person.keypoints))
    carriers = [name for name, _ in order]
    for arm in ("left_arm", "right_arm"):
        after = [layer.over for _, layers in order[carriers.index(arm) + 1 :] for layer in layers]
        assert arm in after
