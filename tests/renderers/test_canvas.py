"""Painting against the textbook: Porter & Duff's over operator with straight alpha."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.imaging.warp import Mesh, SourceMap, grid_mesh, source_map
from tryon_service.renderers.canvas import Canvas
from tryon_service.types import Layer, Part

SIZE = (40, 30)


def layer_of(rgba: np.ndarray, origin: tuple[int, int] = (0, 0), part: Part = Part.UPPER, real: int = 255) -> Layer:
    parts = np.full(rgba.shape[:2], part, np.uint8)
    return Layer("upper", "trunk", origin, rgba, parts, np.full(parts.shape, real, np.uint8))


def noise(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4)).astype(np.uint8)


def unmoved(size: tuple[int, int] = SIZE) -> SourceMap:
    mesh: Mesh = grid_mesh(np.ones((size[1], size[0]), bool), 5)
    return source_map(mesh, mesh.vertices, size)


def over(layers: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(rgb, alpha) in float64, h x w x 3 in [0, 255] and h x w in [0, 1]."""
    rgb, alpha = np.zeros((*layers[0].shape[:2], 3)), np.zeros(layers[0].shape[:2])
    for layer in layers:
        share = layer[..., 3] / 255.0
        out = share + alpha * (1 - share)
        mixed = layer[..., :3] * share[..., None] + rgb * (alpha * (1 - share))[..., None]
        rgb = np.where(out[..., None] > 0, mixed / np.maximum(out, 1e-12)[..., None], 0.0)
        alpha = out
    return rgb, alpha


def test_painting_is_the_over_operator_within_one_level() -> None:
    layers = [noise(seed) for seed in range(4)]
    canvas = Canvas.empty(SIZE)
    for index, rgba in enumerate(layers, start=1):
        canvas.paint(layer_of(rgba), unmoved())
        rgb, alpha = over(layers[:index])
        visible = alpha > 0.05
        assert np.abs(canvas.rgba[..., :3][visible] - rgb[visible]).max() <= index, "a rounding per layer"
        np.testing.assert_allclose(canvas.alpha, alpha, atol=1e-5)


def test_opaque_covers_and_clear_leaves_alone() -> None:
    below, above = noise(0), noise(1)
    below[..., 3] = 255
    above[:, :20, 3], above[:, 20:, 3] = 255, 0
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(below), unmoved())
    canvas.paint(layer_of(above, part=Part.LEFT_ARM, real=0), unmoved())
    np.testing.assert_array_equal(canvas.rendered().rgb[:, :20], above[:, :20, :3])
    np.testing.assert_array_equal(canvas.rendered().rgb[:, 20:], below[:, 20:, :3])
    made = canvas.rendered()
    assert (made.parsing[:, :20] == Part.LEFT_ARM).all()
    assert (made.parsing[:, 20:] == Part.UPPER).all()
    assert (made.coverage[:, :20] == 0).all()
    assert (made.coverage[:, 20:] == 1).all()


def test_coverage_is_the_visible_share_of_what_is_real() -> None:
    below, above = noise(0), noise(1)
    below[..., 3], above[..., 3] = 255, 102
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(below), unmoved())
    canvas.paint(layer_of(above, real=0), unmoved())
    np.testing.assert_allclose(canvas.rendered().coverage, 0.6, atol=1e-5)
    assert (canvas.rendered().parsing == Part.UPPER).all(), "what covers less than half leaves the label"


@pytest.mark.parametrize("opacity", [0.0, 0.25, 1.0])
def test_opacity_scales_alpha(opacity: float) -> None:
    below, above = noise(0), noise(1)
    below[..., 3] = above[..., 3] = 255
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(below), unmoved())
    canvas.paint(layer_of(above), unmoved(), opacity)
    expected = below[..., :3] * (1 - opacity) + above[..., :3] * opacity
    assert np.abs(canvas.rendered().rgb - expected).max() <= 1
    assert (canvas.rendered().alpha == 1).all()


def test_a_layer_lands_where_it_was_cut_from() -> None:
    rgba = noise(2, (12, 9))
    rgba[..., 3] = 255
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(rgba, origin=(15, 7)), unmoved())
    np.testing.assert_array_equal(canvas.rendered().rgb[7:16, 15:27], rgba[..., :3])
    outside = np.ones((SIZE[1], SIZE[0]), bool)
    outside[6:17, 14:28] = False
    assert canvas.rendered().alpha[outside].max() == 0


def test_a_layer_beyond_the_frame_is_not_drawn() -> None:
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(noise(3, (12, 9)), origin=(200, 7)), unmoved())
    assert canvas.rendered().alpha.max() == 0
    assert canvas.rendered().coverage.max() == 0


def test_what_begins_outside_the_photo_comes_in_when_moved() -> None:
    """A layer continued beyond the photo's left edge, drawn ten pixels to the right."""
    rgba = noise(4, (20, 30))
    rgba[..., 3] = 255
    solid = np.ones((30, 20), bool)
    mesh = grid_mesh(solid, 5, (-10, 0))
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(rgba, origin=(-10, 0)), source_map(mesh, mesh.vertices + np.float32([10, 0]), SIZE))
    np.testing.assert_array_equal(canvas.rendered().rgb[:, :20], rgba[..., :3])


def test_two_layers_that_fade_into_each_other_let_no_background_through() -> None:
    left, right = noise(0), noise(0)
    ramp = np.linspace(0, 255, 20).astype(np.uint8)
    left[..., 3], right[..., 3] = 255, 255
    left[:, 10:30, 3], left[:, 30:, 3] = ramp[::-1], 0
    right[:, 10:30, 3], right[:, :10, 3] = ramp, 0
    canvas = Canvas.empty(SIZE)
    for rgba in (left, right):
        canvas.paint(layer_of(rgba), unmoved())
    assert canvas.alpha.min() < 0.8
    rendered = canvas.rendered()
    assert rendered.alpha[5:-5, 5:-5].min() == 1.0
    np.testing.assert_allclose(rendered.rgb[5:-5, 5:-5], left[5:-5, 5:-5, :3], atol=2)


@pytest.mark.parametrize(("part", "kept"), [(Part.UPPER, False), (Part.HAIR, True)])
def test_soft_edges_stay_and_hair_stays_thin(part: Part, kept: bool) -> None:
    rgba = noise(0)
    rgba[..., 3] = 140
    rgba[:, :10, 3] = 0
    canvas = Canvas.empty(SIZE)
    canvas.paint(layer_of(rgba, part=part), unmoved())
    alpha = canvas.rendered().alpha
    assert alpha[15, 12] == pytest.approx(140 / 255, abs=0.01), "an edge"
    assert bool(alpha[15, 25] < 1.0) == kept
