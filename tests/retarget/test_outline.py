"""Whose stretch of the outline is whose where the photo's edge cuts a body, on drawn figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.figures import OUTFITS, Figure, FigurePose, crop, draw_figure
from tryon_service.retarget.outline import trace
from tryon_service.types import Part, Person

SIZE = (432, 576)
MakePerson = Callable[[Figure], Person]
AT_THE_SEAMS = FigurePose(
    "hands on the thighs",
    left_upper_arm=(8, 0),
    left_forearm=(-6, 0),
    right_upper_arm=(8, 0),
    right_forearm=(-6, 0),
)
HANDS = (Part.LEFT_ARM, Part.RIGHT_ARM)


def cut_below_the_hands(rows: int) -> Figure:
    """Cut so many rows below the fingertips, or above them if negative."""
    figure = draw_figure(AT_THE_SEAMS, OUTFITS["print_tee"], SIZE)
    tips = int(np.nonzero(np.isin(figure.parsing, HANDS))[0].max())
    return crop(figure, (0, 0, SIZE[0], tips + 1 + rows))


def parts_cut(person: Person) -> set[str]:
    outline = trace(person)
    return {str(part) for part in outline.parts[outline.cut.any(axis=1)]}


@pytest.mark.parametrize("named", [Part.TROUSERS, Part.ACCESSORIES, Part.DRESS, Part.UPPER])
def test_what_hangs_below_a_whole_hand_is_no_hand(person_of: MakePerson, named: Part) -> None:
    """Cloth beside the fingertips is often taken for something else where the edge cuts it."""
    figure = cut_below_the_hands(4)
    parsing = figure.parsing.copy()
    parsing[-8:][parsing[-8:] == Part.TROUSERS] = named
    assert parts_cut(person_of(replace(figure, parsing=parsing))) <= {"left_thigh", "right_thigh", "torso"}


def test_a_fingertip_that_grazes_the_edge_is_no_hand_cut_off(person_of: MakePerson) -> None:
    assert not {part for part in parts_cut(person_of(cut_below_the_hands(0))) if part.endswith("hand")}


def test_a_hand_without_its_fingers_is_cut_off(person_of: MakePerson) -> None:
    assert {"left_hand", "right_hand"} <= parts_cut(person_of(cut_below_the_hands(-14)))
