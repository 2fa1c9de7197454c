"""Turned torsos, limbs and heads against the geometry of ellipses."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.renderers.turn import (
    MAX_HEAD_TURN,
    TORSO_DEPTH,
    Cylinder,
    Ellipsoid,
    measure_cylinder,
    measure_ellipsoid,
    spine_rows,
)
from tryon_service.retarget.rig import build_rig
from tryon_service.types import Keypoints

LEVELS = np.linspace(-1.5, 1.2, 33)


def cylinder(yaw: float = 0.0, low: float = 50.0, high: float = 50.0, depth: float = TORSO_DEPTH) -> Cylinder:
    return Cylinder(LEVELS, np.full(33, low), np.full(33, high), yaw, depth)


HEIGHT = np.full(101, 0.5)
ACROSS = np.linspace(-50, 50, 101)
HEAD = Ellipsoid(centre=1.6, height=0.4, width=30.0, middle=4.0)


@pytest.mark.parametrize("depth", [TORSO_DEPTH, 1.0])
@pytest.mark.parametrize("yaw", [0.0, 0.4, -0.3, 3.0])
def test_no_turn_changes_nothing(yaw: float, depth: float) -> None:
    shape = cylinder(yaw, low=35.0, high=55.0, depth=depth)
    across = np.linspace(-80, 80, 161)
    np.testing.assert_allclose(shape.turn(np.full(161, 0.5), across, 0.0), across, atol=1e-9)


@pytest.mark.parametrize("degrees", [-50, -30, 15, 45])
def test_the_silhouette_is_the_ellipses(degrees: float) -> None:
    turned = cylinder().turn(HEIGHT, ACROSS, np.radians(degrees))
    half = 50 * np.hypot(np.cos(np.radians(degrees)), TORSO_DEPTH * np.sin(np.radians(degrees)))
    assert turned[-1] == pytest.approx(half)
    assert turned[0] == pytest.approx(-half)
    assert (np.diff(turned) >= 0).all(), "texture must not fold over"


@pytest.mark.parametrize("degrees", [-45, -10, 20, 50])
def test_a_round_limb_keeps_its_silhouette(degrees: float) -> None:
    turned = cylinder(low=35.0, high=55.0, depth=1.0).turn(HEIGHT, np.linspace(-35, 55, 101), np.radians(degrees))
    assert turned[0] == pytest.approx(-35)
    assert turned[-1] == pytest.approx(55)
    assert (np.diff(turned) >= 0).all()


def test_beyond_the_silhouette_the_same_scale_goes_on() -> None:
    for degrees in (-40, 25):
        turned = cylinder().turn(np.full(3, 0.5), np.array([-60.0, 50.0, 60.0]), np.radians(degrees))
        np.testing.assert_allclose(turned, turned[1] * np.array([-1.2, 1.0, 1.2]))


def test_the_print_moves_to_the_side_it_is_turned_to() -> None:
    turned = cylinder().turn(HEIGHT, ACROSS, np.radians(20))
    assert turned[50] == pytest.approx(50 * TORSO_DEPTH * np.sin(np.radians(20)), abs=1.0)
    assert cylinder().turn(HEIGHT, ACROSS, np.radians(-20))[50] < -5


def test_seen_from_behind_the_same_turn_runs_the_other_way() -> None:
    behind = cylinder(yaw=np.pi).turn(HEIGHT, ACROSS, np.radians(20))
    assert behind[50] == pytest.approx(-50 * TORSO_DEPTH * np.sin(np.radians(20)), abs=1.0)


def grid(shape: Ellipsoid) -> tuple[np.ndarray, np.ndarray]:
    levels = np.linspace(shape.centre - 1.5 * shape.height, shape.centre + 1.5 * shape.height, 61)
    across = np.linspace(shape.middle - 1.5 * shape.width, shape.middle + 1.5 * shape.width, 61)
    level, offset = np.meshgrid(levels, across, indexing="ij")
    return level.ravel(), offset.ravel()


def test_a_head_that_does_not_turn_stays() -> None:
    level, across = grid(HEAD)
    np.testing.assert_array_equal(HEAD.turn(level, across, 0.0), across)


@pytest.mark.parametrize("angle", [-MAX_HEAD_TURN, -0.1, 0.2, 1.0])
def test_a_turned_head_keeps_its_silhouette_and_moves_its_features(angle: float) -> None:
    level, across = grid(HEAD)
    turned = HEAD.turn(level, across, angle)
    outside = ((across - HEAD.middle) / HEAD.width) ** 2 + ((level - HEAD.centre) / HEAD.height) ** 2 >= 1
    np.testing.assert_array_equal(turned[outside], across[outside])
    nose = HEAD.turn(np.array([HEAD.centre]), np.array([HEAD.middle]), angle)[0] - HEAD.middle
    assert nose == pytest.approx(HEAD.width * np.sin(np.clip(angle, -MAX_HEAD_TURN, MAX_HEAD_TURN)))
    rows = turned.reshape(61, 61)
    assert (np.diff(rows, axis=1) > 0).all(), "features must not fold over"


def test_a_head_is_measured_from_its_points() -> None:
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, 4000), np.sqrt(rng.uniform(0, 1, 4000))
    found = measure_ellipsoid(1.6 + 0.4 * radius * np.sin(angle), 4 + 30 * radius * np.cos(angle))
    assert found.centre == pytest.approx(1.6, abs=0.02)
    assert found.middle == pytest.approx(4, abs=1)
    assert 0.8 * 0.4 < found.height <= 0.4
    assert 0.8 * 30 < found.width <= 30


def test_measured_from_a_drawn_trunk() -> None:
    xyz = np.zeros((33, 3), np.float32)
    xyz[[11, 12, 23, 24, 7, 8, 2, 5], :2] = [
        (140, 60),
        (60, 60),
        (130, 160),
        (70, 160),
        (110, 30),
        (90, 30),
        (105, 28),
        (95, 28),
    ]
    for name, first in (("arm", 13), ("leg", 25)):
        xyz[first : first + 8, 1] = np.linspace(100, 180, 8) if name == "arm" else np.linspace(180, 280, 8)
    rig = build_rig(Keypoints(xyz, xyz / 100, np.ones(33, np.float32), np.ones(33, bool)))
    solid = np.zeros((300, 200), bool)
    solid[40:200, 50:160] = True
    rows = spine_rows(rig.spine, LEVELS)
    measured = measure_cylinder(solid, rows, LEVELS, 90.0, yaw=0.2, depth=TORSO_DEPTH)
    at = int(np.argmin(np.abs(LEVELS - 0.5)))
    left, right = measured.low[at], measured.high[at]
    if rows[1][at, 0] < 0:
        left, right = right, left
    assert left == pytest.approx(50, abs=2)
    assert right == pytest.approx(60, abs=2)
    assert (measured.yaw, measured.depth) == (0.2, TORSO_DEPTH)
