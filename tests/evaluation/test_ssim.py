from __future__ import annotations

import numpy as np
import pytest

from tryon_service.evaluation.ssim import C1, C2, ssim, ssim_map


def noise(seed: int, shape: tuple[int, ...] = (32, 40, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def reference(a: np.ndarray, b: np.ndarray, row: int, col: int) -> float:
    """Equation 13 at one pixel, spelled out with an explicit 11 x 11 window."""
    offsets = np.arange(-5, 6)
    bell = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / np.outer(bell, bell).sum()
    values = []
    for channel in range(3):
        x, y = (p[row - 5 : row + 6, col - 5 : col + 6, channel].astype(float) for p in (a, b))
        mx, my = (weights * x).sum(), (weights * y).sum()
        vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
        cov = (weights * (x - mx) * (y - my)).sum()
        values.append((2 * mx * my + C1) * (2 * cov + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2)))
    return float(np.mean(values))


def test_agrees_with_the_formula_spelled_out() -> None:
    a = noise(1)
    b = np.clip(a.astype(int) + noise(2).astype(int) // 4 - 32, 0, 255).astype(np.uint8)
    values = ssim_map(a, b)
    for row, col in ((5, 5), (12, 20), (26, 34)):
        assert values[row, col] == pytest.approx(reference(a, b, row, col), abs=1e-4)


def test_a_picture_is_like_itself_and_order_is_of_no_account() -> None:
    a, b = noise(1), noise(2)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-5)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-6)
    assert ssim(a, b) < 0.2


def test_flat_pictures_differ_by_brightness_alone() -> None:
    a, b = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 150, np.uint8)
    assert ssim(a, b) == pytest.approx((2 * 100 * 150 + C1) / (100**2 + 150**2 + C1), abs=1e-4)


def test_a_box_looks_only_inside() -> None:
    a = noise(1)
    b = a.copy()
    b[:, :15] = 0
    assert ssim(a, b, (25, 0, 40, 32)) == pytest.approx(1.0, abs=1e-5)
    assert ssim(a, b) < 0.8


def test_unlike_shapes_are_an_error() -> None:
    with pytest.raises(ValueError, match="can't be compared"):
        ssim(noise(1), noise(1, (32, 41, 3)))
