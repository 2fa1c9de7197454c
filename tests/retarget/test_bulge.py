"""The point of a bent elbow: outside farther out than inside, nothing changed where nothing bends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tryon_service.figures import draw_figure
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import carry, limb_curve
from tryon_service.retarget.rig import FINGERS, build_rig, joint, middle

ZONES = [0.2]
STRAIGHT = np.array([[50.0, 10.0], [50.0, 60.0], [50.0, 110.0]])
HALF = 8.0


def bent(degrees: float) -> np.ndarray:
    """An arm that hangs to its elbow and goes on so many degrees towards the picture's right."""
    a = np.radians(degrees)
    return np.array([STRAIGHT[0], STRAIGHT[1], STRAIGHT[1] + 50 * np.array([np.sin(a), np.cos(a)])])


def distances(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """How far the outer and the inner edge of a straight arm lie from the bent arm's curve, along it."""
    ys = np.linspace(15, 105, 61)
    source, target = limb_curve(STRAIGHT, ZONES), limb_curve(bent(degrees), ZONES)
    axis = carry(np.stack([np.full(61, 50.0), ys], axis=1), source, target)[0]
    edges = [carry(np.stack([np.full(61, 50.0 + x), ys], axis=1), source, target)[0] for x in (-HALF, HALF)]
    left, right = (np.linalg.norm(edge - axis, axis=1) for edge in edges)
    return (left, right) if degrees > 0 else (right, left)


@settings(max_examples=40, deadline=None)
@given(first=st.floats(-170, 170), seed=st.integers(0, 99))
def test_the_same_bend_is_the_identity(first: float, seed: int) -> None:
    curve = limb_curve(bent(first), ZONES)
    points = bent(first)[1] + np.random.default_rng(seed).normal(0, 12, (40, 2))
    np.testing.assert_allclose(carry(points, curve, curve)[0], points, atol=1e-6)


@pytest.mark.parametrize("degrees", [-120, -80, 60, 90, 130])
def test_the_outer_side_of_a_bend_lies_farther_out(degrees: float) -> None:
    outer, inner = distances(degrees)
    assert outer[30] > 1.05 * inner[30]
    np.testing.assert_allclose(inner, HALF, rtol=0.03)
    assert outer.max() < 1.5 * HALF
    assert abs(int(np.argmax(outer)) - 30) <= 3, "farthest at the joint"


def test_the_more_it_bends_the_farther() -> None:
    points = [distances(degrees)[0][30] for degrees in (5, 40, 80, 120)]
    assert points == sorted(points)
    assert points[0] == pytest.approx(HALF, rel=0.01)


def test_away_from_the_bend_the_width_is_kept() -> None:
    outer, inner = distances(90)
    for edge in (outer, inner):
        np.testing.assert_allclose(edge[[0, 5, 10, 50, 55, 60]], HALF, rtol=0.02)


def test_bending_back_takes_the_point_away() -> None:
    ys = np.linspace(15, 105, 61)
    edge = np.stack([np.full(61, 50.0 - HALF), ys], axis=1)
    there = carry(edge, limb_curve(STRAIGHT, ZONES), limb_curve(bent(90), ZONES))[0]
    back = carry(there, limb_curve(bent(90), ZONES), limb_curve(STRAIGHT, ZONES))[0]
    np.testing.assert_allclose(back, edge, atol=2.0)


def test_an_arms_curve_ends_at_the_fingertips() -> None:
    standing = draw_figure("standing", size=(192, 256)).keypoints
    rig = build_rig(standing)
    for side in ("LEFT", "RIGHT"):
        wrist = joint(standing, Landmark[f"{side}_WRIST"])
        knuckles = middle(standing, Landmark[f"{side}_PINKY"], Landmark[f"{side}_INDEX"])
        curve = rig.limbs[f"{side.lower()}_arm"]
        assert curve.t[-1] == 4
        np.testing.assert_allclose(curve.points[-1], wrist + FINGERS * (knuckles - wrist), atol=0.05)
