"""Mesh warping against known truth: the identity, affine maps, and the slow twin."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tryon_service.imaging.warp import Mesh, SourceMap, grid_mesh, resample, source_map, source_map_reference

SIZE = (60, 44)


@pytest.fixture
def mesh() -> Mesh:
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[8:40, 12:52] = True
    return grid_mesh(mask, 8)


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(3)
    return cv2.GaussianBlur(rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8), (0, 0), 2)


def test_a_grid_covers_its_mask(mesh: Mesh) -> None:
    source = source_map(mesh, mesh.vertices, SIZE)
    left, top, _, _ = source.box
    covered = np.zeros((SIZE[1], SIZE[0]), bool)
    covered[top : top + source.drawn.shape[0], left : left + source.drawn.shape[1]] = source.drawn
    assert covered[8:40, 12:52].all()


def test_unmoved_mesh_gives_the_image_back_exactly(mesh: Mesh, image: np.ndarray) -> None:
    source = source_map(mesh, mesh.vertices, SIZE)
    left, top, right, bottom = source.box
    same = resample(image, source)
    np.testing.assert_array_equal(same[source.drawn], image[top:bottom, left:right][source.drawn])


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-3.0, 3.0),
    scale=st.floats(0.5, 2.0),
    shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
)
def test_an_affine_move_maps_every_pixel_back_by_its_inverse(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    mesh = grid_mesh(np.ones((SIZE[1], SIZE[0]), bool), 8)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[c, -s], [s, c]])
    target = (mesh.vertices - 25) @ matrix.T + 25 + shift
    source = source_map(mesh, target.astype(np.float32), SIZE)
    ys, xs = np.nonzero(source.drawn)
    points = np.stack([xs + source.box[0], ys + source.box[1]], axis=1)
    expected = (points - 25 - np.array(shift)) @ np.linalg.inv(matrix).T + 25
    np.testing.assert_allclose(source.xy[ys, xs], expected, atol=2e-2)


def test_fast_and_slow_agree_inside(mesh: Mesh) -> None:
    rng = np.random.default_rng(0)
    target = (mesh.vertices + rng.normal(0, 1.5, mesh.vertices.shape)).astype(np.float32)
    slow = source_map_reference(mesh, target, SIZE)
    fast = source_map(mesh, target, SIZE)
    window = slow[fast.box[1] : fast.box[3], fast.box[0] : fast.box[2]]
    both = fast.drawn & np.isfinite(window[..., 0])
    assert both.sum() > 800
    assert np.median(np.abs(fast.xy[both] - window[both])) < 1e-3
    assert np.quantile(np.abs(fast.xy[both] - window[both]), 0.99) < 0.5


def test_flipped_and_collapsed_triangles_are_not_drawn(mesh: Mesh) -> None:
    mirrored = mesh.vertices * [-1, 1] + [SIZE[0], 0]
    assert not source_map(mesh, mirrored.astype(np.float32), SIZE).drawn.any()
    assert not source_map(mesh, np.zeros_like(mesh.vertices), SIZE).drawn.any()


def test_nothing_outside_the_frame_is_touched(mesh: Mesh, image: np.ndarray) -> None:
    away = source_map(mesh, mesh.vertices + np.float32(500), SIZE)
    assert away.drawn.size == 0
    assert resample(image, away).size == 0


def test_later_triangles_win() -> None:
    vertices = np.float32([[0, 0], [10, 0], [10, 10], [20, 0], [30, 0], [30, 10]])
    mesh = Mesh(vertices, np.int32([[0, 1, 2], [3, 4, 5]]))
    on_top_of_each_other = np.concatenate([vertices[:3], vertices[:3]])
    first = source_map(mesh, on_top_of_each_other, SIZE, np.int32([1, 0]))
    last = source_map(mesh, on_top_of_each_other, SIZE, np.int32([0, 1]))
    assert first.xy[first.drawn][:, 0].max() <= 10.01
    assert last.xy[last.drawn][:, 0].min() >= 19.99


def test_a_grid_may_begin_outside_the_photo() -> None:
    mask = np.zeros((20, 30), bool)
    mask[3:17, 5:30] = True
    at_zero, shifted = grid_mesh(mask, 6), grid_mesh(mask, 6, (-12, 40))
    np.testing.assert_array_equal(shifted.triangles, at_zero.triangles)
    np.testing.assert_array_equal(shifted.vertices, at_zero.vertices + np.float32([-12, 40]))


def read_both_ways(source: SourceMap, window: tuple[int, int, int, int], image: np.ndarray) -> tuple[np.ndarray, ...]:
    """The frame drawn from a window (left, top, right, bottom) of the image: through within(), and by masking all that
    the whole map reads from elsewhere. And where both are certain: not at the window's border, nor where the map reads
    from halfway between two pixels, since neither is the nearest."""
    left, top, right, bottom = window
    part = source.within((left, top), (right - left, bottom - top))
    direct = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    if part.drawn.size:
        box = np.s_[part.box[1] : part.box[3], part.box[0] : part.box[2]]
        direct[box] = resample(image[top:bottom, left:right], part, cv2.INTER_NEAREST)
    masked = np.zeros_like(direct)
    whole = resample(image, source, cv2.INTER_NEAREST)
    x, y = source.xy[..., 0], source.xy[..., 1]
    inside = source.drawn & (x > left - 0.5) & (x < right - 0.5) & (y > top - 0.5) & (y < bottom - 0.5)
    box = np.s_[source.box[1] : source.box[3], source.box[0] : source.box[2]]
    masked[box] = np.where(inside[..., None], whole, 0)
    certain = np.zeros(direct.shape[:2], bool)
    halfway = (np.abs(source.xy % 1 - 0.5) < 1e-3).any(axis=2)
    certain[box] = ~source.drawn | (inside & ~halfway) | (x < left - 1) | (x > right) | (y < top - 1) | (y > bottom)
    return direct, masked, certain


@settings(max_examples=40, deadline=None)
@given(
    corner=st.tuples(st.integers(0, 50), st.integers(0, 34)),
    extent=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    angle=st.floats(-0.6, 0.6),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
)
@example((0, 1), (1, 2), 0.0, (0.0, 1.5))
def test_a_part_of_a_map_reads_what_the_whole_reads_there(
    corner: tuple[int, int], extent: tuple[int, int], angle: float, shift: tuple[float, float]
) -> None:
    image = np.random.default_rng(5).integers(1, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    mesh = grid_mesh(np.ones((SIZE[1], SIZE[0]), bool), 8)
    c, s = np.cos(angle), np.sin(angle)
    target = ((mesh.vertices - 25) @ np.array([[c, s], [-s, c]]) + 25 + shift).astype(np.float32)
    source = source_map(mesh, target, SIZE)
    window = (*corner, min(corner[0] + extent[0], SIZE[0]), min(corner[1] + extent[1], SIZE[1]))
    direct, masked, certain = read_both_ways(source, window, image)
    np.testing.assert_array_equal(direct[certain], masked[certain])


def test_a_part_that_nothing_reads_from_is_empty(mesh: Mesh, image: np.ndarray) -> None:
    part = source_map(mesh, mesh.vertices, SIZE).within((300, 300), (20, 20))
    assert part.box == (0, 0, 0, 0)
    assert resample(image[:20, :20], part).size == 0
