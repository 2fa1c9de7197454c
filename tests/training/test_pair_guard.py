"""The guard lets one person in one outfit pass in any pose, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tryon_service.figures import OUTFITS, Outfit, draw_figure
from tryon_service.renderers.portrait import PortraitFrame
from tryon_service.training.pair_guard import unlike
from tryon_service.training.portraits import Portrait
from tryon_service.types import Part

DRAWN = (264, 384)
OUTFIT = replace(OUTFITS["tank_shorts"], bottom="trousers")


def portrait(outfit: Outfit, pose: str = "standing") -> Portrait:
    figure = draw_figure(pose, outfit, DRAWN)
    frame = PortraitFrame.of(figure.keypoints, (88, 128), DRAWN)
    matte = np.rint(frame.cut_mask(figure.matte) * 255).astype(np.uint8)
    parsing = frame.cut_mask(figure.parsing)
    landmarks, seen = frame.points(figure.keypoints.xy), figure.keypoints.seen
    return Portrait("a", "catalogue", "a", None, frame.cut(figure.photo), matte, parsing, landmarks, seen)


@pytest.fixture(scope="module")
def standing() -> Portrait:
    return portrait(OUTFIT)


@pytest.mark.parametrize("name", list(OUTFITS))
def test_another_pose_is_no_difference(name: str) -> None:
    assert unlike(portrait(OUTFITS[name]), portrait(OUTFITS[name], "arms_out")) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"top_colour": (44, 70, 150)}, "other_garment"),
        ({"bottom_colour": (90, 90, 90)}, "other_garment"),
        ({"skin": (94, 62, 46)}, "other_person"),
        ({"shoes": (20, 20, 20)}, None),
        ({"top_colour": (50, 138, 134)}, None),
    ],
)
def test_other_colours_are_seen(standing: Portrait, change: dict[str, tuple[int, int, int]], why: str | None) -> None:
    """Shoes aren't looked at, and a shade's difference is the light's."""
    other = portrait(replace(OUTFIT, **change), "arms_out")  # type: ignore[arg-type]
    assert unlike(standing, other) == unlike(other, standing) == why


def test_a_garment_counts_under_whatever_name_the_parser_gives_it(standing: Portrait) -> None:
    renamed = np.where(standing.parsing == Part.UPPER, np.uint8(Part.DRESS), standing.parsing)
    assert unlike(standing, replace(standing, parsing=renamed)) is None
    recoloured = np.where((renamed == Part.DRESS)[..., None], np.uint8(30), standing.rgb)
    assert unlike(standing, replace(standing, parsing=renamed, rgb=recoloured)) == "other_garment"


def test_without_a_garment_in_common_nothing_speaks_for_a_pair(standing: Portrait) -> None:
    top = np.where(standing.parsing == Part.TROUSERS, np.uint8(0), standing.parsing)
    bottom = np.where(standing.parsing == Part.UPPER, np.uint8(0), standing.parsing)
    assert unlike(replace(standing, parsing=top), replace(standing, parsing=bottom)) == "other_garment"
