"""Poses as numbers and as drawings: what the networks of one person are shown, and pictures and parsing beside them."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.appearance.labels import ADGAN
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.renderers.nets.generator_input import one_hot, to_levels, to_picture
from tryon_service.renderers.pose_vector import LANDMARKS, POSE_NUMBERS, pose_vector
from tryon_service.renderers.skeleton_drawing import DRAWN, draw_skeleton
from tryon_service.types import Part

SEEN = np.ones(33, bool)


def test_thirteen_joints_make_twenty_six_numbers() -> None:
    assert POSE_NUMBERS == 26
    names = [Landmark(landmark).name.lower().replace("left_", "").replace("right_", "") for landmark in LANDMARKS]
    assert set(names) == {"nose", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"}


def test_numbers_run_from_edge_to_edge_x_before_y() -> None:
    xy = np.zeros((33, 2), np.float32)
    xy[Landmark.NOSE] = (-0.5, 63.5)
    xy[Landmark.LEFT_SHOULDER] = (63.5, 31.5)
    xy[Landmark.RIGHT_SHOULDER] = (500, -500)
    vector = pose_vector(xy, (64, 64))
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector[:6], [-1, 1, 1, 0, 1, -1], atol=1e-6)
    np.testing.assert_allclose(pose_vector(2 * xy + 0.5, (128, 128)), vector, atol=1e-6)


def test_each_bone_has_its_own_colour_and_lies_on_its_joints() -> None:
    colours = set()
    for bone in DRAWN:
        xy = np.full((33, 2), 20.0, np.float32)
        xy[bone[1]] = (44.0, 32.0)
        only = np.zeros(33, bool)
        only[list(bone)] = True
        drawing = draw_skeleton(xy, only, (64, 64))
        assert drawing.shape == (64, 64, 3)
        assert drawing[20, 20].any()
        assert drawing[32, 44].any()
        assert not drawing[40:, :].any()
        colours.add(tuple(drawing[26, 32]))
    assert len(colours) == len(DRAWN)
    assert set(LIMBS.values()) <= set(DRAWN)


def test_bones_without_an_end_are_left_out() -> None:
    xy = np.random.default_rng(0).uniform(8, 56, (33, 2)).astype(np.float32)
    assert not draw_skeleton(xy, ~SEEN, (64, 64)).any()
    without = SEEN.copy()
    without[Landmark.LEFT_WRIST] = False
    assert (draw_skeleton(xy, SEEN, (64, 64)) != draw_skeleton(xy, without, (64, 64))).any()


@pytest.mark.parametrize("far", [1e9, -1e9])
def test_joints_far_outside_are_no_trouble(far: float) -> None:
    xy = np.random.default_rng(0).uniform(8, 56, (33, 2)).astype(np.float32)
    xy[Landmark.LEFT_WRIST] = far
    assert draw_skeleton(xy, SEEN, (64, 64)).any()
    assert np.abs(pose_vector(xy, (64, 64))).max() == 1


def test_pictures_come_back_as_they_went_in() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (2, 8, 6, 3)).astype(np.uint8)
    levels = to_levels(rgb)
    assert levels.shape == (2, 3, 8, 6)
    assert (levels.dtype, levels.min() >= -1, levels.max() <= 1) == (np.float32, True, True)
    np.testing.assert_array_equal(to_picture(levels), rgb)
    np.testing.assert_array_equal(to_picture(np.float32([[[-9.0]], [[9.0]], [[0.0]]])), [[[0, 255, 128]]])


def test_every_part_is_one_attribute() -> None:
    parsing = np.arange(len(Part), dtype=np.uint8).reshape(3, 5)
    layers = one_hot(parsing)
    assert layers.shape == (8, 3, 5)
    np.testing.assert_array_equal(layers.sum(axis=0), 1)
    names = list(ADGAN)
    worn = {Part.BACKGROUND: "background", Part.DRESS: "upper", Part.SKIRT: "skirt", Part.RIGHT_ARM: "arm"}
    for part, name in worn.items():
        assert layers[names.index(name)].ravel()[part] == 1
