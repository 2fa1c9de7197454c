"""Surface maps put where they belong, of the person meant. detectron2 is a stand-in; the last test runs the real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.perception.small_plug_ins import answer_of_a_calm_network, detected, two_tones
from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.plug_ins import BUILD_DENSEPOSE, missing_packages, plug_in
from tryon_service.perception.surface_densepose import DensePose, placed, surface_of
from tryon_service.zoo.store import Store

FIGURE = draw_figure("standing", OUTFITS["print_tee"], (300, 400))
BODY = FIGURE.matte > 0.5
PERSON = detected(FIGURE.keypoints, BODY)


def shifted(x: float, y: float = 0.0) -> object:
    return replace(PERSON, box=PERSON.box + np.array([x, y, x, y], np.float32))


def test_charts_lie_where_the_box_begins() -> None:
    found = placed(PERSON, BODY.shape)
    assert np.array_equal(found.parts > 0, BODY)
    rows = np.flatnonzero(BODY.any(axis=1))
    assert found.parts[rows[0]].max() == 1
    assert found.parts[rows[-1]].max() == 3
    # u grows to the right, v downwards, each over the whole box.
    y, x = np.argwhere(BODY)[len(np.argwhere(BODY)) // 2]
    left, top, right, bottom = PERSON.box
    assert found.uv[y, x] == pytest.approx([(x - left) / (right - left - 1), (y - top) / (bottom - top - 1)], abs=1e-5)


@pytest.mark.parametrize("offset", [(-80, 0), (120, 0), (0, -100), (0, 150), (0.7, 0.7), (400, 0), (0, -500)])
def test_what_leaves_the_photo_is_cut_off(offset: tuple[float, float]) -> None:
    found = placed(shifted(*offset), BODY.shape)
    truth = np.zeros_like(BODY)
    left, top = (int(edge) for edge in PERSON.box[:2])
    to_left, to_top = (int(edge + step) for edge, step in zip(PERSON.box[:2], offset, strict=True))
    for y, x in np.argwhere(BODY):
        if 0 <= y - top + to_top < 400 and 0 <= x - left + to_left < 300:
            truth[y - top + to_top, x - left + to_left] = True
    assert np.array_equal(found.parts > 0, truth)


def test_values_beyond_their_range_are_mended() -> None:
    parts, uv = PERSON.parts.copy(), PERSON.uv.copy()
    parts[parts == 1] = 200
    uv[uv > 0.9], uv[:5] = 1.2, np.nan
    found = placed(replace(PERSON, parts=parts, uv=uv), BODY.shape)
    assert found.parts.max() == 3
    assert 0 <= found.uv.min() <= found.uv.max() <= 1


def test_the_person_meant_is_mapped() -> None:
    wide = np.hstack([BODY, BODY])
    mine = np.hstack([np.zeros_like(BODY), BODY])
    found = surface_of(two_tones(wide), mine, lambda _: [PERSON, shifted(300)])
    assert np.array_equal(found.parts > 0, mine)
    nobody = surface_of(two_tones(wide), mine, lambda _: [PERSON])
    assert not nobody.parts.any()
    assert not surface_of(two_tones(wide), mine, lambda _: []).parts.any()


@pytest.mark.skipif(not missing_packages(plug_in("densepose")), reason="densepose is installed")
def test_what_is_to_be_built_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError) as caught:
        DensePose(Store(tmp_path))
    assert caught.value.code == "network_missing"
    assert BUILD_DENSEPOSE in caught.value.detail


def test_the_real_network_answers_as_the_stand_in_does() -> None:
    """With random weights: what it sees is noise, how it says so must be what is read."""
    pytest.importorskip("densepose", reason="DensePose is not built here: DensePose itself was NOT checked")
    weights, found = answer_of_a_calm_network("densepose", two_tones(BODY))
    assert weights == pytest.approx(63.8e6, rel=0.01)
    assert found
    for person in found:
        assert person.parts.dtype == np.uint8
        assert person.parts.shape == person.uv.shape[:2]
        assert person.parts.max() <= 24
