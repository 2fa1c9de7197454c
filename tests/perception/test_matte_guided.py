"""The matte on drawn people whose true alpha is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.perception.background import fit_background
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.guided_filter import guided_coefficients
from tryon_service.perception.matte_guided import GuidedMatter
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import LIMBS
from tryon_service.types import Float32Array, Keypoints, Photo, UInt8Array

SIDE = 4
"""Drawn that many times larger and reduced, so that edges are true mixtures."""


def draw_alpha(pose: Keypoints) -> Float32Array:
    """The standing body with a hole between each arm and the waist."""
    large = np.zeros((400 * SIDE, 300 * SIDE), np.uint8)

    def point(index: int) -> tuple[int, int]:
        x, y = pose.xy[index] * SIDE
        return int(x), int(y)

    for name, (near, far) in LIMBS.items():
        cv2.line(large, point(near), point(far), 255, (22 if "arm" in name else 34) * SIDE)
    cv2.fillConvexPoly(large, np.array([point(i) for i in (11, 12, 24, 23)]), 255)
    cv2.circle(large, point(0), 26 * SIDE, 255, -1)
    small = cv2.resize(large, (300, 400), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(255), np.float32)


def compose(alpha: Float32Array, background: Float32Array) -> tuple[UInt8Array, Float32Array]:
    """The photo, and the person's own colours."""
    y, x = np.mgrid[:400, :300]
    person = np.dstack([40 + 0.1 * y, 60 + 20 * np.sin(x / 9.0), np.full((400, 300), 90.0)]).astype(np.float32)
    share = alpha[..., np.newaxis]
    return np.rint(share * person + (1 - share) * background).astype(np.uint8), person


@pytest.fixture
def wall() -> Float32Array:
    """A plain wall, brighter at the left, with a little noise."""
    slope = np.linspace(235, 215, 300, dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, 1, (400, 300, 3))
    return np.asarray(slope[np.newaxis, :, np.newaxis] + noise, np.float32)


def estimate(pose: Keypoints, alpha: Float32Array, blur: float = 9.0) -> PoseEstimate:
    """A mask as soft as the network's, gaps closed."""
    closed = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8))
    return PoseEstimate(pose, np.asarray(cv2.GaussianBlur(closed, (0, 0), blur / 3), np.float32), 1.0)


def error(matte: Float32Array, alpha: Float32Array) -> float:
    """Mean absolute difference where either is neither 0 nor 1 or they differ: the edge."""
    edge = cv2.dilate(((alpha > 0) & (alpha < 1)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return float(np.abs(matte - alpha)[edge].mean())


def test_a_soft_mask_becomes_the_true_edge(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    found = estimate(standing, alpha)
    matte = GuidedMatter().matte(Photo(rgb, (300, 400), ""), found)
    assert matte.dtype == np.float32
    assert matte.shape == (400, 300)
    assert 0 <= matte.min() <= matte.max() <= 1
    assert error(matte, alpha) < 0.06
    assert error(matte, alpha) < 0.4 * error(found.mask, alpha)


def test_gaps_between_arm_and_waist_are_open(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    filled = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((61, 61), np.uint8))
    gap = (filled > 0.9) & (alpha == 0)
    gap[:130] = gap[200:] = False
    assert gap.sum() > 100
    matte = GuidedMatter().matte(Photo(rgb, (300, 400), ""), estimate(standing, np.maximum(alpha, filled * gap)))
    assert matte[cv2.erode(gap.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0].mean() < 0.1


def test_the_body_has_no_holes_and_nothing_floats(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    cv2.circle(rgb, (20, 350), 10, (30, 30, 30), -1)
    matte = GuidedMatter().matte(Photo(rgb, (300, 400), ""), estimate(standing, alpha))
    assert matte[cv2.erode(alpha, np.ones((15, 15), np.uint8)) == 1].min() > 0.99
    assert matte[335:365, 5:35].max() == 0


def test_a_busy_background_is_no_worse_than_the_mask(standing: Keypoints) -> None:
    alpha = draw_alpha(standing)
    busy = np.random.default_rng(1).integers(0, 256, (50, 38, 3)).astype(np.float32)
    rgb, _ = compose(alpha, cv2.resize(busy, (300, 400)))
    found = estimate(standing, alpha)
    matte = GuidedMatter().matte(Photo(rgb, (300, 400), ""), found)
    assert error(matte, alpha) < error(found.mask, alpha)


def test_an_empty_mask_gives_an_empty_matte(standing: Keypoints, wall: Float32Array) -> None:
    empty = PoseEstimate(standing, np.zeros((400, 300), np.float32), 1.0)
    assert GuidedMatter().matte(Photo(wall.astype(np.uint8), (300, 400), ""), empty).max() == 0


def test_inputs_are_left_alone_and_runs_agree(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    found = estimate(standing, alpha)
    kept = rgb.copy(), found.mask.copy()
    first, second = (GuidedMatter().matte(Photo(rgb, (300, 400), ""), found) for _ in range(2))
    assert (first == second).all()
    assert (rgb == kept[0]).all()
    assert (found.mask == kept[1]).all()


def test_guided_filter_gives_back_a_target_that_the_guide_explains() -> None:
    guide = np.random.default_rng(2).uniform(0, 255, (40, 50, 3)).astype(np.float32)
    target = np.asarray(guide @ np.array([0.2, -0.1, 0.3], np.float32) + 4, np.float32)
    slopes, offset = guided_coefficients(guide, target, np.ones((40, 50), np.float32), 3, 1e-3)
    np.testing.assert_allclose(np.einsum("hwc,hwc->hw", slopes, guide) + offset, target, atol=0.05)


def test_guided_filter_equals_the_papers_formula_at_a_pixel() -> None:
    rng = np.random.default_rng(3)
    guide = rng.uniform(0, 255, (15, 15, 3)).astype(np.float32)
    target, weight = rng.uniform(0, 1, (2, 15, 15)).astype(np.float32)
    eps, radius = 50.0, 1
    slopes, _ = guided_coefficients(guide, target, weight, radius, eps)
    expected = np.zeros(3)
    for y in (6, 7, 8):
        for x in (6, 7, 8):
            window = np.s_[y - 1 : y + 2, x - 1 : x + 2]
            points, values, w = guide[window].reshape(-1, 3), target[window].ravel(), weight[window].ravel()
            mean, level = np.average(points, axis=0, weights=w), np.average(values, weights=w)
            spread = np.cov(points.T, aweights=w, ddof=0) + eps * np.eye(3)
            expected += np.linalg.solve(
                spread, np.average((points * values[:, None]), axis=0, weights=w) - mean * level
            )
    np.testing.assert_allclose(slopes[7, 7], expected / 9, rtol=1e-3)


def test_background_behind_the_person_is_continued(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    background = fit_background(rgb.astype(np.float32), alpha == 0, 200.0)
    smooth = np.linspace(235, 215, 300)[np.newaxis, :, np.newaxis]
    assert np.abs(background.colour - smooth).max() < 3
    assert background.plain.all()
    assert background.usual < 2


def test_decontaminated_colours_are_the_persons_own(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, person = compose(alpha, wall)
    clean = decontaminate(rgb, alpha)
    edge = (alpha > 0.1) & (alpha < 0.9)
    before, after = (np.abs(image.astype(np.float32) - person)[edge].mean() for image in (rgb, clean))
    assert after < 0.2 * before
    assert (clean[alpha == 1] == rgb[alpha == 1]).all()


def test_two_threads_at_once_get_the_same_bytes(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    photo, found = Photo(compose(alpha, wall)[0], (300, 400), ""), estimate(standing, alpha)
    alone = GuidedMatter().matte(photo, found)
    for together in side_by_side(lambda _: GuidedMatter().matte(photo, found), range(4)):
        assert together.tobytes() == alone.tobytes()


def test_a_large_photo_is_matted_as_well_as_a_small_one(standing: Keypoints, wall: Float32Array) -> None:
    alpha = draw_alpha(standing)
    rgb, _ = compose(alpha, wall)
    size = (900, 1200)
    large = PoseEstimate(standing.moved(3.0), cv2.resize(estimate(standing, alpha).mask, size), 1.0)
    matte = GuidedMatter().matte(Photo(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), size, ""), large)
    assert error(cv2.resize(matte, (300, 400), interpolation=cv2.INTER_AREA), alpha) < 0.06
