"""The fallback parser on drawn people: coarse, but never the wrong limb."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.parse_skeleton import SkeletonParser
from tryon_service.types import Part, Photo


@pytest.mark.parametrize("pose", ["standing", "arms_out", "one_arm_up"])
def test_bare_arms_head_and_halves(pose: str) -> None:
    figure = draw_figure(pose, OUTFITS["print_tee"], (288, 384))
    parsing = SkeletonParser().parse(Photo(figure.photo, (288, 384), ""), figure.keypoints, figure.matte)
    assert parsing.dtype == np.uint8
    assert (parsing[figure.matte < 0.5] == 0).all()
    assert (parsing[figure.matte >= 0.5] > 0).all()
    for side in ("LEFT", "RIGHT"):
        truth = figure.parsing == Part[f"{side}_ARM"]
        other = Part["RIGHT_ARM" if side == "LEFT" else "LEFT_ARM"]
        assert (parsing[truth] == Part[f"{side}_ARM"]).mean() > 0.7
        assert (parsing[truth] == other).mean() < 0.02
    head = np.isin(figure.parsing, (Part.HAIR, Part.FACE))
    assert np.isin(parsing[head], (Part.HAIR, Part.FACE)).mean() > 0.9
    assert (parsing[figure.parsing == Part.UPPER] == Part.UPPER).mean() > 0.8


def test_no_face_no_skin_but_still_a_parsing() -> None:
    figure = draw_figure("standing", OUTFITS["print_tee"], (288, 384))
    keypoints = figure.keypoints.moved(1.0, (0.0, -600.0))
    parsing = SkeletonParser().parse(Photo(figure.photo, (288, 384), ""), keypoints, figure.matte)
    assert (parsing[figure.matte >= 0.5] > 0).all()
