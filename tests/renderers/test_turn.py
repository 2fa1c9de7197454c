"""The turned torso against an ellipse's own geometry."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.renderers.turn import DEPTH, Cylinder, measure_cylinder
from tryon_service.retarget.rig import build_rig
from tryon_service.types import Keypoints

LEVELS = np.linspace(-1.5, 1.2, 33)


def cylinder(yaw: float = 0.0, left: float = 50.0, right: float = 50.0) -> Cylinder:
    return Cylinder(LEVELS, np.full(33, left), np.full(33, right), yaw)


HEIGHT = np.full(101, 0.5)
ACROSS = np.linspace(-50, 50, 101)


@pytest.mark.parametrize("yaw", [0.0, 0.4, -0.3, 3.0])
def test_no_turn_changes_nothing(yaw: float) -> None:
    np.testing.assert_allclose(cylinder(yaw).turn(HEIGHT, ACROSS, 0.0), ACROSS, atol=1e-9)


@pytest.mark.parametrize("degrees", [-50, -30, 15, 45])
def test_the_silhouette_is_the_ellipses(degrees: float) -> None:
    turned = cylinder().turn(HEIGHT, ACROSS, np.radians(degrees))
    half = 50 * np.hypot(np.cos(np.radians(degrees)), DEPTH * np.sin(np.radians(degrees)))
    assert turned[-1] == pytest.approx(half)
    assert turned[0] == pytest.approx(-half)
    assert (np.diff(turned) >= 0).all(), "texture must not fold over"


def test_the_print_moves_to_the_side_it_is_turned_to() -> None:
    turned = cylinder().turn(HEIGHT, ACROSS, np.radians(20))
    assert turned[50] == pytest.approx(50 * DEPTH * np.sin(np.radians(20)), abs=1.0)
    assert cylinder().turn(HEIGHT, ACROSS, np.radians(-20))[50] < -5


def test_seen_from_behind_the_same_turn_runs_the_other_way() -> None:
    behind = cylinder(yaw=np.pi).turn(HEIGHT, ACROSS, np.radians(20))
    assert behind[50] == pytest.approx(-50 * DEPTH * np.sin(np.radians(20)), abs=1.0)


def test_the_head_does_not_turn() -> None:
    np.testing.assert_allclose(cylinder().turn(np.full(101, 1.5), ACROSS, 0.6), ACROSS)


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
    alpha = np.zeros((300, 200), np.float32)
    alpha[40:200, 50:160] = 1.0
    measured = measure_cylinder(alpha, rig.spine, 0.0)
    at = int(np.argmin(np.abs(measured.levels - 0.5)))
    assert measured.left[at] == pytest.approx(60, abs=2)
    assert measured.right[at] == pytest.approx(50, abs=2)
