"""Texture continued into holes whose truth is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.imaging.extend import mirror_fill
from tryon_service.imaging.offsets import Frame, dominant_offsets
from tryon_service.imaging.patch_fill import texture_fill

SHAPE = (200, 220)
SCALE = 200.0


def limb() -> np.ndarray:
    """A forearm, 36 pixels wide, across the cloth."""
    mask = np.zeros(SHAPE, np.uint8)
    cv2.line(mask, (70, 30), (150, 170), 1, 36)
    return mask > 0


def stripes(period: float, angle: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    phase = (y * np.cos(angle) + x * np.sin(angle)) / period
    wave = 130 + 90 * np.tanh(6 * np.sin(2 * np.pi * phase))
    return np.repeat(wave[..., None], 3, axis=2).astype(np.uint8)


def checks(period: float) -> np.ndarray:
    across, down = stripes(period).astype(int), stripes(period, np.pi / 2).astype(int)
    return ((across + down) // 2).astype(np.uint8)


def completed(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
    damaged = np.where(hole[..., None], 7, rgb).astype(np.uint8)
    return texture_fill(damaged, ~hole, hole, SCALE)


def error(filled: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    return float(np.abs(filled.astype(int) - truth)[hole].mean())


@pytest.mark.parametrize("period", [7, 12, 20])
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_stripes_go_on_in_phase(period: float, angle: float) -> None:
    truth, hole = stripes(period, angle), limb()
    mirrored = mirror_fill(np.where(hole[..., None], 7, truth).astype(np.uint8), ~hole, hole, 0.05 * SCALE)
    filled = completed(truth, hole)
    assert error(filled, truth, hole) < 12
    assert error(filled, truth, hole) < 0.4 * error(mirrored, truth, hole)


@pytest.mark.parametrize("period", [10, 16])
def test_checks_go_on_in_both_directions(period: float) -> None:
    truth, hole = checks(period), limb()
    assert error(completed(truth, hole), truth, hole) < 8


def test_stripes_known_on_one_side_only() -> None:
    truth = stripes(14)
    hole = np.zeros(SHAPE, bool)
    hole[:, 180:] = True
    assert error(completed(truth, hole), truth, hole) < 8


def test_noise_keeps_its_variance() -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 30, SHAPE).astype(np.float32), (0, 0), 1.0)
    truth = np.repeat(np.clip(130 + noise, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    hole = limb()
    filled = completed(truth, hole)
    assert 0.82 < filled[hole].std() / truth[~hole].std() < 1.15


def test_shading_is_completed_apart_from_texture() -> None:
    light = np.linspace(0.6, 1.2, SHAPE[1])[None, :, None]
    truth, hole = (stripes(9) * light).clip(0, 255).astype(np.uint8), limb()
    assert error(completed(truth, hole), truth, hole) < 20


def test_a_logo_stays_single() -> None:
    truth = np.full((*SHAPE, 3), 200, np.uint8)
    cv2.putText(truth, "AX", (10, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 6)
    hole = limb()
    truth[hole] = 200
    filled = completed(truth, hole)
    assert (filled[hole] < 150).mean() < 0.02


def test_known_pixels_stay_and_the_result_is_the_same_every_time() -> None:
    rgb = np.random.default_rng(5).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    hole = limb()
    filled = completed(rgb, hole)
    np.testing.assert_array_equal(filled[~hole], rgb[~hole])
    np.testing.assert_array_equal(filled, completed(rgb, hole))


def test_thin_rims_are_mirrored() -> None:
    rgb = np.random.default_rng(6).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    hole = np.zeros(SHAPE, bool)
    hole[:, :8] = True
    np.testing.assert_array_equal(texture_fill(rgb, ~hole, hole, SCALE), mirror_fill(rgb, ~hole, hole, 0.05 * SCALE))


@pytest.mark.parametrize("known", ["none", "all", "one", "corner"])
def test_next_to_nothing_is_known(known: str) -> None:
    rgb = np.full((60, 50, 3), 90, np.uint8)
    mask = np.zeros((60, 50), bool)
    mask[: {"none": 0, "all": 60, "one": 1, "corner": 9}[known], : 50 if known == "all" else 9] = True
    filled = texture_fill(rgb, mask, ~mask, 40.0)
    np.testing.assert_array_equal(filled, rgb)


@pytest.mark.parametrize("period", [9, 14])
def test_whole_periods_are_among_the_offsets(period: int) -> None:
    hole = limb()
    frame = Frame.around(checks(period), ~hole, hole, 18.0)
    periods = dominant_offsets(frame, 16) / period
    assert (np.abs(periods - np.round(periods)).max(axis=1) < 0.12).sum() >= 8
