"""A torso turned about the vertical: an elliptic cylinder textured from the photo, so that a turned body shows the
right
part of the print instead of a squeezed front.

Convention: across is a point's offset from the spine in source pixels, positive towards the person's left in a front
view; yaw and turn are radians, positive towards the picture's right (retarget/view.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tryon_service.retarget.curves import FrameCurve
from tryon_service.types import Float32Array

DEPTH = 0.6
"""Depth of a torso's cross-section over its width."""
RIM = np.radians(60.0)
"""Angle from the silhouette within which texture is compressed or stretched instead of hidden or missing."""
MAX_TURN = np.radians(50.0)
LEVELS = 33
HEAD = 1.15
"""Spine parameter above which nothing turns: the neck."""
FULL = 0.85


@dataclass(frozen=True)
class Cylinder:
    """levels: K spine heights (t; below the hips in negative torso lengths); left, right: K half-widths in pixels, on
    the person's own sides; yaw: radians, in the photo."""

    levels: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    yaw: float

    def turn(self, height: NDArray[np.float64], across: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
        """New offsets across (N) after a turn; the identity for angle 0."""
        angle = float(np.clip(angle, -MAX_TURN, MAX_TURN))
        before, after = _phase(self.yaw, 0.0), _phase(self.yaw, angle)
        share = np.clip((HEAD - height) / (HEAD - FULL), 0.0, 1.0)
        left, right = np.interp(height, self.levels, self.left), np.interp(height, self.levels, self.right)
        centre, half = (left - right) / 2, np.maximum((right + left) / 2, 1e-6)
        u = (across - centre) / half
        theta = np.arccos(np.clip(u, -1.0, 1.0))
        moved = np.cos(_shift_within(theta, after[0] - before[0]))
        widened = after[1] / before[1]
        beyond = np.abs(u) > 1
        moved = np.where(beyond, u, moved) * half * widened
        return np.asarray(across + share * (moved + centre * widened - across))


def _phase(yaw: float, turn: float) -> tuple[float, float]:
    """(angle of the silhouette point on the ellipse, half-width of the silhouette in units of the lateral half-axis).

    Seen from behind, the person's left lies on the other side, so the same turn runs the other way round.
    """
    angle = yaw + turn if np.cos(yaw) >= 0 else np.pi - yaw - turn
    return float(np.arctan2(DEPTH * np.sin(angle), np.cos(angle))), float(
        np.hypot(np.cos(angle), DEPTH * np.sin(angle))
    )


def _shift_within(theta: NDArray[np.float64], delta: float) -> NDArray[np.float64]:
    """theta - delta on [0, pi], monotone and onto: compressed towards the edge that turns away, stretched from the
    other."""
    rim = max(RIM, 1.5 * abs(delta))
    rim = min(rim, np.pi / 2)
    knots = np.array([0.0, rim, np.pi - rim, np.pi]) if rim < np.pi / 2 else np.array([0.0, np.pi / 2, np.pi])
    values = knots - delta
    values[0], values[-1] = 0.0, np.pi
    values[1:-1] = np.clip(values[1:-1], 0.15, np.pi - 0.15)
    return np.asarray(np.interp(theta, knots, values))


def measure_cylinder(alpha: Float32Array, spine: FrameCurve, yaw: float) -> Cylinder:
    """The trunk's half-widths along the spine, from the alpha of its layer (torso behind the arms completed)."""
    levels = np.linspace(-1.5, 1.2, LEVELS)
    hips, neck = spine.points[0], spine.points[(len(spine.points) - 1) // 2]
    axis = neck - hips
    across = np.stack([np.interp(levels, spine.t, spine.across[:, k]) for k in (0, 1)], axis=1)
    centres = hips + levels[:, None] * axis
    reach = float(np.hypot(*axis))
    steps = np.linspace(0.0, 0.9 * reach, 160)
    h, w = alpha.shape
    widths = []
    for sign in (1.0, -1.0):  # across points to the person's left
        rays = centres[:, None] + sign * across[:, None] * steps[None, :, None]
        x, y = np.round(rays[..., 0]).astype(int), np.round(rays[..., 1]).astype(int)
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        solid = inside & (alpha[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)] > 0.5)
        outside = ~solid
        outside[:, 0] = False
        widths.append(np.where(outside.any(axis=1), steps[np.argmax(outside, axis=1)], steps[-1]))
    floor = 0.12 * reach
    left, right = (np.maximum(_smooth(width), floor) for width in widths)
    return Cylinder(levels, left, right, yaw)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(np.pad(values, 3, mode="edge"), np.ones(7) / 7, mode="valid")
