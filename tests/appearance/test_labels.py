"""The label tables are complete, and skin goes to the limb it lies on."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.appearance import labels
from tryon_service.figures import draw_figure
from tryon_service.perception.nets.nearest_limb import body_scale
from tryon_service.types import Part


@pytest.mark.parametrize(("table", "count"), [(labels.CCP, 59), (labels.LIP, 20), (labels.ATR, 18), (labels.ADGAN, 8)])
def test_tables_cover_their_sets(table: dict[str, int], count: int) -> None:
    assert len(table) == count
    assert set(table.values()) <= set(Part) | {labels.SKIN}


def test_ccp_names_are_in_the_order_of_their_ids() -> None:
    assert len(labels.CCP_NAMES) == 59
    assert labels.CCP_NAMES[:3] == ("null", "accessories", "bag")
    assert labels.CCP_NAMES[41] == "skin"
    assert labels.CCP_NAMES[-1] == "wedges"


def test_lookup_follows_the_tables_order() -> None:
    table = labels.lookup(labels.LIP)
    assert table[[0, 1, 2, 5, 14, 15, 19]].tolist() == [0, 13, 1, 3, 8, 9, 12]
    assert table[20:].max() == 0
    reordered = labels.lookup(labels.CCP, ["skin", "null", "wedges"])
    assert reordered[:3].tolist() == [labels.SKIN, Part.BACKGROUND, Part.SHOES]


def test_to_adgan_knows_every_part() -> None:
    order = list(labels.ADGAN)
    found = [order[label] for label in labels.to_adgan()[: len(Part)]]
    assert found[Part.TROUSERS] == "pants"
    assert found[Part.LEFT_ARM] == found[Part.RIGHT_ARM] == "arm"
    assert found[Part.SHOES] == "leg"


def test_merged_classes_share_out_all_parts() -> None:
    assert len(labels.MERGED) == 10
    assert sorted(part for parts in labels.MERGED.values() for part in parts) == list(Part)
    assert labels.merged_lookup()[Part.TORSO_SKIN] == labels.merged_lookup()[Part.FACE]


def test_split_skin_finds_a_drawn_figures_limbs() -> None:
    figure = draw_figure("arms_out", size=(240, 320))
    limbs = (Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG, Part.FACE)
    skin = np.isin(figure.parsing, limbs)
    found = labels.split_skin(skin, figure.keypoints.xy)
    assert (found[~skin] == 0).all()
    for part in limbs:
        true = figure.parsing == part
        if true.sum() > 40:
            assert (found[true] == part).mean() > 0.85, part.name


def test_split_skin_without_landmarks_is_torso_skin() -> None:
    skin = np.zeros((8, 8), bool)
    skin[2:5, 2:5] = True
    found = labels.split_skin(skin, np.full((33, 2), np.nan, np.float32))
    assert (found[skin] == Part.TORSO_SKIN).all()
    assert not labels.split_skin(np.zeros((4, 4), bool), np.zeros((33, 2), np.float32)).any()


def test_nearest_side() -> None:
    figure = draw_figure("standing", size=(240, 320))
    sides = (Part.LEFT_LEG, Part.RIGHT_LEG)
    ankles = figure.keypoints.xy[[27, 28]].round().astype(int)
    region = np.zeros(figure.parsing.shape, bool)
    for x, y in ankles:
        region[y, x - 1 : x + 2] = True
    found = labels.nearest_side(region, figure.keypoints.xy, *sides)
    assert [found[y, x] for x, y in ankles] == list(sides)
    blind = labels.nearest_side(region, np.full((33, 2), np.nan, np.float32), *sides)
    assert (blind == found).all(), "a figure seen from the front has its left on the picture's right"


def test_body_scale_takes_the_side_less_foreshortened() -> None:
    xy = np.full((33, 2), np.nan, np.float32)
    assert body_scale(xy) == 1.0
    xy[11], xy[12] = (60, 10), (40, 10)
    xy[23], xy[24] = (58, 106), (42, 106)
    assert body_scale(xy) == pytest.approx(96 / 0.48)
