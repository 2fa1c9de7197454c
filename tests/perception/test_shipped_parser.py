"""The weights that the package carries, on drawn people: they load, tell arms from sleeves and left from right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.backends import PARSER
from tryon_service.perception.base import Parser
from tryon_service.types import Part, Photo
from tryon_service.zoo.store import Store

MOST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def parser() -> Parser:
    return PARSER.create("network")


def test_small_enough_and_where_the_manifest_says(parser: Parser) -> None:
    path = Store().path("parser")
    assert path.stat().st_size <= MOST_BYTES
    assert path.is_relative_to(Path(__file__).parents[2] / "model_zoo"), "carried by the package, never fetched"
    assert [network.name for network in parser.networks] == ["parser"]


@pytest.mark.parametrize("pose", ["standing", "arms_out", "walking"])
def test_a_drawn_person(parser: Parser, pose: str) -> None:
    figure = draw_figure(pose, OUTFITS["print_tee"], (384, 512))
    parsing = parser.parse(Photo(figure.photo, (384, 512), ""), figure.keypoints, figure.matte)
    person = figure.matte >= 0.5
    assert (parsing[person] > 0).all()
    assert (parsing[~person] == 0).all()
    for side, other in (("LEFT", "RIGHT"), ("RIGHT", "LEFT")):
        arm = figure.parsing == Part[f"{side}_ARM"]
        assert (parsing[arm] == Part[f"{side}_ARM"]).mean() > 0.5
        assert (parsing[arm] == Part[f"{other}_ARM"]).mean() < 0.05
    assert np.isin(parsing[figure.parsing == Part.FACE], (Part.FACE, Part.HAIR)).mean() > 0.7
    assert (parsing[figure.parsing == Part.TROUSERS] == Part.TROUSERS).mean() > 0.5
