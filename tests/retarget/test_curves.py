"""Framed curves: the identity exactly, straight bones rigidly, bends with the width kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tryon_service.retarget.curves import carry, limb_curve, locate, place, unwrap_towards

ZONES = [0.2]
STRAIGHT = np.array([[50.0, 10.0], [50.0, 60.0], [50.0, 110.0]])
joint = st.tuples(st.floats(0, 200), st.floats(0, 200))


def around(joints: np.ndarray, seed: int = 0, spread: float = 12.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    share = rng.random(60)[:, None] * (len(joints) - 1)
    k = np.minimum(share.astype(int), len(joints) - 2)[:, 0]
    on_bone = joints[k] + (share - k[:, None]) * (joints[k + 1] - joints[k])
    return on_bone + rng.normal(0, spread, (60, 2))


@settings(max_examples=60, deadline=None)
@given(joints=st.lists(joint, min_size=3, max_size=3), seed=st.integers(0, 99))
def test_the_same_curve_is_the_identity(joints: list[tuple[float, float]], seed: int) -> None:
    curve = limb_curve(np.array(joints) + [[0, 0], [3, 0], [6, 3]], ZONES)
    points = around(np.array(joints), seed)
    moved, _ = carry(points, curve, curve)
    np.testing.assert_allclose(moved, points, atol=1e-6)


def test_joints_lie_on_the_curve() -> None:
    bent = np.array([[50.0, 10.0], [50.0, 60.0], [95.0, 75.0]])
    curve = limb_curve(bent, ZONES)
    np.testing.assert_allclose(curve.points[[0, 24, 48]], bent, atol=1e-9)


def test_a_turned_limb_turns_rigidly() -> None:
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    target = STRAIGHT @ turn.T
    points = around(STRAIGHT, spread=6)
    moved, _ = carry(points, limb_curve(STRAIGHT, ZONES), limb_curve(target, ZONES))
    np.testing.assert_allclose(moved, points @ turn.T, atol=1e-6)


def test_a_longer_bone_stretches_along_itself_only() -> None:
    longer = STRAIGHT * [1.0, 1.5]
    points = np.array([[56.0, 30.0], [44.0, 80.0]])
    moved, _ = carry(points, limb_curve(STRAIGHT, ZONES), limb_curve(longer, ZONES))
    np.testing.assert_allclose(moved, points * [1.0, 1.5], atol=0.2)


def test_a_bent_elbow_keeps_its_width() -> None:
    bent = np.array([[50.0, 10.0], [50.0, 60.0], [100.0, 60.0]])
    source, target = limb_curve(STRAIGHT, ZONES), limb_curve(bent, ZONES)
    ys = np.linspace(15, 105, 40)
    outer, _ = carry(np.stack([np.full(40, 42.0), ys], axis=1), source, target)
    inner, _ = carry(np.stack([np.full(40, 58.0), ys], axis=1), source, target)
    width = np.linalg.norm(outer - inner, axis=1)
    assert (width > 16.0 * 0.99).all(), "it must not pinch"
    assert (width < 16.0 * 1.15).all(), "but for its point it stays as wide as it was"
    np.testing.assert_allclose(width[np.abs(ys - 60) > 20], 16.0, rtol=0.02)


def test_beyond_the_ends_it_continues_rigidly() -> None:
    target = STRAIGHT + [20.0, 5.0]
    beyond = np.array([[52.0, 140.0], [47.0, -15.0]])
    moved, _ = carry(beyond, limb_curve(STRAIGHT, ZONES), limb_curve(target, ZONES))
    np.testing.assert_allclose(moved, beyond + [20.0, 5.0], atol=1e-6)


def test_locate_and_place_are_inverse() -> None:
    bent = np.array([[50.0, 10.0], [60.0, 60.0], [100.0, 80.0]])
    curve = limb_curve(bent, ZONES)
    points = around(bent, spread=8)
    np.testing.assert_allclose(place(*locate(points, curve), curve, curve), points, atol=1e-6)


@given(angle=st.floats(-50, 50), reference=st.floats(-50, 50))
def test_unwrapped_angles_are_near_and_equal(angle: float, reference: float) -> None:
    near = unwrap_towards(angle, reference)
    assert abs(near - reference) <= np.pi + 1e-9
    assert np.isclose(np.cos(near), np.cos(angle), atol=1e-6)
    assert np.isclose(np.sin(near), np.sin(angle), atol=1e-6)
