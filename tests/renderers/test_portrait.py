"""Frames of portraits: exact in their points, whole in what they show, the same whatever the picture's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tryon_service.figures import OUTFITS, POSES, Figure, draw_figure, waist_up
from tryon_service.renderers.portrait import FILLED, PortraitFrame, over_white
from tryon_service.types import Keypoints, Person

SIZE = (176, 256)
PHOTO = (288, 384)
MakePerson = Callable[[Figure], Person]


def frame_of(person: Person, size: tuple[int, int] = SIZE) -> PortraitFrame:
    return PortraitFrame.of(person.keypoints, size, (person.matte.shape[1], person.matte.shape[0]))


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("size", [SIZE, (64, 64)])
def test_nothing_of_a_body_is_cut_and_it_fills_the_frame(
    pose: str, size: tuple[int, int], person_of: MakePerson
) -> None:
    person = person_of(draw_figure(pose, OUTFITS["tee_skirt"], PHOTO))
    frame = frame_of(person, size)
    _, inside = frame.back(np.zeros((size[1], size[0], 3), np.uint8))
    assert person.matte[~inside].sum() == 0
    shown = frame.cut_mask(person.matte) > 0.5
    rows, columns = shown.any(axis=1).sum() / size[1], shown.any(axis=0).sum() / size[0]
    assert 0.72 < max(rows, columns) <= FILLED + 0.01
    middle = np.argwhere(shown).mean(axis=0)[::-1] / size
    assert np.abs(middle - 0.5).max() < 0.12


def test_somebody_cut_by_the_photo_is_shown_to_the_cut(person_of: MakePerson) -> None:
    person = person_of(waist_up(draw_figure("standing", OUTFITS["print_tee"], PHOTO)))
    frame = frame_of(person)
    portrait = frame.cut(person.photo.rgb)
    _, inside = frame.back(portrait)
    assert inside[-1].any(), "the photo's lower edge is part of the portrait"
    assert person.matte[~inside].sum() == 0
    assert (portrait[-1] == 255).all(), "below it is white"


def test_the_same_body_has_the_same_frame_at_any_size(person_of: MakePerson) -> None:
    person = person_of(draw_figure("hand_on_hip", OUTFITS["print_tee"], PHOTO))
    large = PortraitFrame.of(person.keypoints.moved(4.0), SIZE, (4 * PHOTO[0], 4 * PHOTO[1]))
    apart = large.coco18(person.keypoints.moved(4.0)) - frame_of(person).coco18(person.keypoints)
    assert np.abs(apart).max() < 1.0, "whole pixels of the smaller picture"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0.1, 3000),
    size=st.tuples(st.integers(16, 300), st.integers(16, 300)),
    picture=st.tuples(st.integers(16, 2048), st.integers(16, 2048)),
)
def test_points_go_there_and_back(seed: int, spread: float, size: tuple[int, int], picture: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    xyz = rng.normal(0, spread, (33, 3)).astype(np.float32) + np.float32([picture[0] / 2, picture[1] / 2, 0])
    seen = rng.random(33) > 0.5
    frame = PortraitFrame.of(Keypoints(xyz, np.zeros_like(xyz), np.ones(33, np.float32), seen), size, picture)
    inside = rng.uniform(0, picture, (20, 2))
    np.testing.assert_allclose(frame.points_back(frame.points(inside)), inside, atol=0.01)
    x0, y0, width, height = frame.region
    corners = np.array([[x0 + 0.5, y0 + 0.5], [x0 + width - 1.5, y0 + height - 1.5]])
    assert (frame.points(corners) > -1).all()
    assert (frame.points(corners) < size).all()


@pytest.mark.parametrize("place", [0.0, 1.0, -5000.0, 1e6])
def test_joints_on_one_spot_or_far_outside_have_a_frame_too(place: float) -> None:
    xyz = np.full((33, 3), place, np.float32)
    keypoints = Keypoints(xyz, xyz, np.zeros(33, np.float32), np.zeros(33, bool))
    frame = PortraitFrame.of(keypoints, SIZE, PHOTO)
    assert frame.cut(np.zeros((PHOTO[1], PHOTO[0], 3), np.uint8)).shape == (SIZE[1], SIZE[0], 3)
    assert np.isfinite(frame.coco18(keypoints)).all()


def test_points_lie_where_the_picture_shows_them(person_of: MakePerson) -> None:
    """A dot drawn at a joint is cut out at the joint's place, and goes back there."""
    person = person_of(draw_figure("standing", OUTFITS["print_tee"], PHOTO))
    frame = frame_of(person)
    x, y = 140, 97
    dots = np.zeros((PHOTO[1], PHOTO[0], 3), np.uint8)
    cv2.rectangle(dots, (x - 3, y - 3), (x + 3, y + 3), (255, 0, 0), -1)
    white = frame.cut_mask(np.ones(PHOTO[::-1], np.float32)) < 1
    portrait = np.where(white[..., None], 0, frame.cut(dots))
    found = np.argwhere(portrait[..., 0] > 127).mean(axis=0)[::-1]
    np.testing.assert_allclose(found, frame.points(np.array([x, y], np.float64)), atol=0.6)
    back, inside = frame.back(portrait.astype(np.uint8))
    found = np.argwhere((back[..., 0] > 127) & inside).mean(axis=0)[::-1]
    np.testing.assert_allclose(found, (x, y), atol=1.0)


def test_joints_that_are_not_seen_are_said_so(person_of: MakePerson) -> None:
    person = person_of(draw_figure("standing", OUTFITS["print_tee"], PHOTO))
    seen = person.keypoints.seen.copy()
    seen[15] = False
    rows = frame_of(person).coco18(replace(person.keypoints, seen=seen))
    assert [index for index, row in enumerate(rows) if not row[2]] == [7], "the left wrist"


def test_people_lie_over_white(person_of: MakePerson) -> None:
    person = person_of(draw_figure("standing", OUTFITS["print_tee"], PHOTO))
    shown = over_white(person.photo.rgb, person.matte)
    np.testing.assert_array_equal(shown[person.matte == 0], 255)
    np.testing.assert_array_equal(shown[person.matte == 1], person.photo.rgb[person.matte == 1])
