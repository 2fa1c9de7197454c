"""The parser's crop and maps put every pixel and joint where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.perception.nets.parser_input import (
    IMAGE_CHANNELS,
    POINTS,
    POSE_CHANNELS,
    crop_matrix,
    cropped,
    image_tensor,
    pose_tensor,
    shown_joints,
    transformed,
)

SIZE = (48, 64)


def test_crop_matrix_centres_the_box() -> None:
    matrix = crop_matrix((10, 20, 30, 60), SIZE, margin=0.0)
    corners = transformed(np.array([[9.5, 19.5], [29.5, 59.5]], np.float32), matrix)
    assert corners[:, 1] == pytest.approx([-0.5, 63.5])
    assert corners[:, 0].mean() == pytest.approx(23.5)


@pytest.mark.parametrize("factor", [1, 2, 6])
def test_crop_takes_the_right_pixels_at_every_scale(factor: int) -> None:
    """A photo enlarged by a whole factor gives the same crop, without a shift."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (64, 48), dtype=np.uint8)
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    matrix = crop_matrix((0, 0, 48 * factor, 64 * factor), SIZE, margin=0.0)
    found = cropped(large, matrix, SIZE).astype(float)
    if factor == 1:
        assert np.array_equal(found, small)
    assert np.corrcoef(found.ravel(), small.ravel())[0, 1] > 0.8
    assert np.corrcoef(found[:, 1:].ravel(), small[:, :-1].ravel())[0, 1] < 0.3


def test_image_tensor() -> None:
    tensor = image_tensor(np.full((4, 6, 3), 255, np.uint8), np.full((4, 6), 0.75, np.float32))
    assert tensor.shape == (IMAGE_CHANNELS, 4, 6)
    assert tensor.dtype == np.float32
    assert tensor[:, 0, 0] == pytest.approx([127.5 / 64] * 3 + [0.5])


def test_pose_maps_peak_at_the_joints() -> None:
    xy = np.full((33, 2), -100, np.float32)
    present = np.zeros(33, bool)
    xy[0], present[0] = (25.5, 13.5), True  # the nose, on the centre of map cell (6, 3)
    maps = pose_tensor(xy, present, SIZE)
    assert maps.shape == (POSE_CHANNELS, 16, 12)
    assert np.unravel_index(maps[0].argmax(), maps[0].shape) == (3, 6)
    assert maps[0].max() == pytest.approx(1)
    assert maps[1:].max() == 0


def test_pose_maps_know_no_sides_and_skip_bones_with_a_missing_end() -> None:
    xy = np.zeros((33, 2), np.float32)
    xy[11], xy[13], xy[12], xy[14] = (30, 10), (30, 30), (10, 10), (10, 30)
    present = np.zeros(33, bool)
    present[[11, 13, 12]] = True
    maps = pose_tensor(xy, present, SIZE)
    upper_arm = maps[len(POINTS)]
    assert upper_arm[5, 7] > 0.9
    assert upper_arm[5, 2] < 0.1
    mirrored = xy.copy()
    mirrored[:, 0] = SIZE[0] - 1 - xy[:, 0]
    order = [11, 12, 13, 14]
    swapped, there = mirrored.copy(), present.copy()
    swapped[order], there[order] = mirrored[[12, 11, 14, 13]], present[[12, 11, 14, 13]]
    assert pose_tensor(swapped, there, SIZE) == pytest.approx(maps[..., ::-1], abs=1e-6)


def test_shown_joints_lie_in_the_frame_and_are_not_doubted() -> None:
    xy = np.array([[5, 5], [-1, 5], [5, 20], [5, 5]], np.float32)
    assert shown_joints(xy, np.array([0.9, 0.9, 0.9, 0.1], np.float32), (10, 10, 3)).tolist() == [True] + 3 * [False]
