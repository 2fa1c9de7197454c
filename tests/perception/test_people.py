"""The choice of the person meant, on drawn masks."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.perception.people import Found, main_person, second_look, side_windows, thumbnail, whole
from tryon_service.types import BoolArray


def mask(left: int, top: int, right: int, bottom: int) -> BoolArray:
    drawn = np.zeros((128, 192), np.bool_)
    drawn[top:bottom, left:right] = True
    return drawn


def find(mask: BoolArray, confidence: float = 1.0, rank: float = 0.0, index: int = 0) -> Found:
    return Found(mask, confidence, rank, index)


def test_nobody_is_no_person() -> None:
    for finds in ([], [find(mask(0, 0, 2, 2))]):
        with pytest.raises(RefusedError) as caught:
            main_person(finds)
        assert caught.value.code == "no_person"


def test_the_same_person_found_twice_is_one_and_the_lower_rank_is_kept() -> None:
    person = main_person([find(mask(60, 10, 110, 120), rank=0.2, index=0), find(mask(62, 8, 108, 118), index=1)])
    assert person.index == 1


def test_two_people_of_one_size_are_refused_with_the_figure() -> None:
    with pytest.raises(RefusedError, match="90%") as caught:
        main_person([find(mask(10, 10, 60, 110)), find(mask(110, 20, 160, 110))])
    assert caught.value.code == "several_people"
    assert caught.value.reasons[0].value == pytest.approx(0.9)


@pytest.mark.parametrize(
    "other",
    [find(mask(150, 60, 180, 120)), find(mask(120, 10, 130, 110)), find(mask(120, 10, 170, 110), confidence=0.9)],
    ids=["shorter", "a sliver", "unsure"],
)
def test_a_passer_by_does_not_matter(other: Found) -> None:
    assert main_person([other, find(mask(40, 10, 90, 110), index=7)]).index == 7


def test_the_central_one_of_two_is_meant() -> None:
    edge, centre = find(mask(0, 10, 52, 120), confidence=0.8, index=0), find(mask(75, 20, 125, 120), index=1)
    assert main_person([edge, centre]).index == 1


def test_windows_stay_inside_the_photo_and_cover_it() -> None:
    size = (301, 457)
    columns = np.zeros(size[0], np.bool_)
    for window in (whole(size), *side_windows(size), *second_look(size)):
        assert 0 <= window.left < window.right <= size[0]
        assert 0 <= window.top < window.bottom <= size[1]
    for window in side_windows(size):
        columns[window.left : window.right] = True
    assert columns.all()


def test_a_thumbnail_keeps_the_shape() -> None:
    large = np.zeros((512, 256), np.float32)
    large[128:384, 64:192] = 1
    small = thumbnail(large)
    assert small.shape == (128, 64)
    assert small.mean() == pytest.approx(0.25, abs=0.01)
