"""Outlines on strips whose boundary is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tryon_service.appearance.contours import JUMP, STIFFNESS, Strip, cheapest_path, outline, rounded, sample
from tryon_service.retarget.curves import limb_curve

ROWS, STEPS = 60, 40
SMOOTH = 20 + 8 * np.sin(np.arange(ROWS) / 9)
NO_OPINION = np.full(ROWS, np.nan)
SLACK = np.full(ROWS, 5.0)


def strip_of(boundary: np.ndarray, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(evidence, colours) of a dark part up to its boundary and a light one beyond."""
    rng = np.random.default_rng(seed)
    inside = np.arange(STEPS) < boundary[:, None]
    evidence = np.where(inside, 1.0, -1.0) + rng.normal(0, noise, inside.shape)
    colours = np.where(inside[..., None], (60, 70, 90), (190, 180, 170)) + rng.normal(0, 20 * noise, (*inside.shape, 3))
    return evidence.astype(np.float32), np.clip(colours, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.0, 0.6])
def test_a_known_boundary_is_found_within_a_step(noise: float) -> None:
    found = outline(*strip_of(SMOOTH, noise), NO_OPINION, SLACK)
    assert np.abs(found - SMOOTH).mean() < 1.0
    assert np.abs(found - SMOOTH).max() <= 2.0


def test_the_outline_does_not_jump() -> None:
    cliff = np.where(np.arange(ROWS) < ROWS // 2, 8.0, 33.0)
    found = outline(*strip_of(cliff), NO_OPINION, SLACK)
    assert np.abs(np.diff(found)).max() <= JUMP
    assert found[0] == pytest.approx(8, abs=1)
    assert found[-1] == pytest.approx(33, abs=1)


def test_a_hole_or_a_sliver_does_not_dent_it() -> None:
    evidence, colours = strip_of(SMOOTH)
    evidence[25:28, 5:12] = -1.0
    evidence[40:42, 32:36] = 1.0
    found = outline(evidence, colours, NO_OPINION, SLACK)
    assert np.abs(found - SMOOTH).max() <= 1.5


def test_where_nothing_is_to_be_seen_it_goes_on_smoothly() -> None:
    straight = np.full(ROWS, 22.0)
    evidence, colours = strip_of(straight)
    evidence[20:35], colours[20:35] = 0.0, 128
    found = outline(evidence, colours, NO_OPINION, SLACK)
    assert np.abs(found - 22).max() <= 1.0


def test_without_evidence_anatomy_decides_and_clear_evidence_overrules_it() -> None:
    nothing = np.zeros((ROWS, STEPS), np.float32), np.full((ROWS, STEPS, 3), 128, np.uint8)
    np.testing.assert_allclose(outline(*nothing, np.full(ROWS, 15.0), SLACK), 15.0, atol=1.0)
    misled = outline(*strip_of(np.full(ROWS, 30.0)), np.full(ROWS, 24.0), SLACK)
    np.testing.assert_allclose(misled, 30.0, atol=1.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_path_is_the_cheapest_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(-2, 2, (5, 6))

    def price(path: tuple[int, ...] | np.ndarray) -> float:
        steps = np.diff(np.asarray(path, float))
        return float(cost[np.arange(5), list(map(int, path))].sum() + STIFFNESS * (steps**2).sum())

    allowed = [path for path in product(range(6), repeat=5) if np.abs(np.diff(path)).max() <= JUMP]
    assert price(cheapest_path(cost)) == pytest.approx(min(map(price, allowed)))


def test_rounding_keeps_length_and_level() -> None:
    np.testing.assert_allclose(rounded(np.full(30, 7.0)), 7.0)
    stairs = np.repeat(np.arange(10.0), 3)
    smooth = rounded(stairs, 7)
    assert len(smooth) == len(stairs)
    assert np.abs(np.diff(smooth)).max() < 0.5
    assert np.abs(smooth - stairs)[3:-3].max() <= 1.0


def test_a_strip_samples_across_its_curve() -> None:
    curve = limb_curve(np.array([[50.0, 10.0], [50.0, 50.0], [50.0, 90.0]]), [0.2])
    strip = Strip.along(curve, np.full(len(curve.t), 20.0), 10)
    ramp = np.broadcast_to(np.arange(100, dtype=np.float32), (100, 100)).copy()
    for side in (-1, 1):
        away = side * curve.across[:, :1] * 2.0 * np.arange(11)
        np.testing.assert_allclose(sample(ramp, strip.points(side)), 50 + away, atol=0.05)


def test_a_strips_mask_is_what_lies_between_its_outlines() -> None:
    curve = limb_curve(np.array([[50.0, 10.0], [50.0, 50.0], [50.0, 90.0]]), [0.2])
    strip = Strip.along(curve, np.full(len(curve.t), 20.0), 10)
    low, high = np.full(len(curve.t), 5.0), np.full(len(curve.t), 3.0)
    mask = strip.mask(low, high, (100, 100))
    assert np.flatnonzero(mask.any(axis=1))[[0, -1]].tolist() == [10, 90]
    columns = np.flatnonzero(mask[50])
    across = curve.across[0, 0]  # +-1: to which side of the picture the positive side lies
    expected = (50 - 10, 50 + 6) if across > 0 else (50 - 6, 50 + 10)
    assert (columns[0], columns[-1]) == expected
    assert mask[50].sum() == 17, "no gap where the sides meet"
