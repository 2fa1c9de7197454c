"""Bodies turned about the vertical: the torso as a tapered elliptic cylinder textured from the photo, so that it shows
the right part of the print instead of a squeezed front, and the head as an ellipsoid.

Convention: across is a point's offset from the part's curve in source pixels, positive towards the picture's right in
an upright pose; yaw and turn are radians, positive towards the picture's right (retarget/view.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tryon_service.retarget.curves import FrameCurve
from tryon_service.types import BoolArray

TORSO_DEPTH = 0.6
"""Depth of a torso's cross-section over its width."""
RIM = np.radians(60.0)
"""Angle from the silhouette within which texture is compressed or stretched instead of hidden or missing."""
MAX_TURN = np.radians(50.0)
MAX_HEAD_TURN = np.radians(18.0)
SAMPLES = 160

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cylinder:
    """levels: K places along the part's curve, increasing; low, high: K distances in pixels from the curve to the
    silhouette on the sides of negative and positive across; yaw: radians, in the photo; depth: of the cross-section
    over its width."""

    levels: Array
    low: Array
    high: Array
    yaw: float
    depth: float

    def turn(self, level: Array, across: Array, angle: float) -> Array:
        """New offsets across (N) after a turn; the identity for angle 0."""
        angle = float(np.clip(angle, -MAX_TURN, MAX_TURN))
        before, after = self._phase(0.0), self._phase(angle)
        low, high = np.interp(level, self.levels, self.low), np.interp(level, self.levels, self.high)
        centre, half = (high - low) / 2, np.maximum((high + low) / 2, 1e-6)
        u = (across - centre) / half
        theta = np.arccos(np.clip(u, -1.0, 1.0))
        moved = np.cos(_shift_within(theta, after[0] - before[0]))
        widened = after[1] / before[1]
        moved = np.where(np.abs(u) > 1, u, moved) * half * widened
        return np.asarray(moved + centre * widened)

    def _phase(self, turn: float) -> tuple[float, float]:
        """(angle of the silhouette point on the ellipse, half-width of the silhouette in units of the lateral
        half-axis). Seen from behind, the same turn runs the other way round."""
        angle = self.yaw + turn if np.cos(self.yaw) >= 0 else np.pi - self.yaw - turn
        sine, cosine = self.depth * np.sin(angle), np.cos(angle)
        return float(np.arctan2(sine, cosine)), float(np.hypot(cosine, sine))


def _shift_within(theta: Array, delta: float) -> Array:
    """theta - delta on [0, pi], monotone and onto: compressed towards the edge that turns away, stretched from the
    other."""
    rim = min(max(RIM, 1.5 * abs(delta)), np.pi / 2)
    knots = np.array([0.0, rim, np.pi - rim, np.pi]) if rim < np.pi / 2 else np.array([0.0, np.pi / 2, np.pi])
    values = knots - delta
    values[0], values[-1] = 0.0, np.pi
    values[1:-1] = np.clip(values[1:-1], 0.15, np.pi - 0.15)
    return np.asarray(np.interp(theta, knots, values))


@dataclass(frozen=True)
class Ellipsoid:
    """A head. centre: height on the spine; height, width: half-axes, in spine units and in pixels; middle: offset of
    its axis across, in pixels."""

    centre: float
    height: float
    width: float
    middle: float

    def turn(self, level: Array, across: Array, angle: float) -> Array:
        """New offsets across (N): features move over the front of the head, its silhouette stays. Small angles only:
        what a head shows of its side is stretched, not seen."""
        angle = float(np.clip(angle, -MAX_HEAD_TURN, MAX_HEAD_TURN))
        inside = 1.0 - ((across - self.middle) / self.width) ** 2 - ((level - self.centre) / self.height) ** 2
        return np.asarray(across + self.width * np.sin(angle) * np.clip(inside, 0.0, 1.0))


def measure_ellipsoid(levels: Array, across: Array) -> Ellipsoid:
    """The extent of a head whose points lie at these heights and offsets (N each)."""
    low, high = np.percentile(levels, (2.0, 98.0))
    left, right = np.percentile(across, (2.0, 98.0))
    return Ellipsoid(
        centre=float(low + high) / 2,
        height=max(float(high - low) / 2, 1e-3),
        width=max(float(right - left) / 2, 1.0),
        middle=float(left + right) / 2,
    )


def spine_rows(spine: FrameCurve, levels: Array) -> tuple[Array, Array]:
    """(points, across), K x 2 each: the spine's cross-sections, continued straight beyond hips and head."""
    inside = np.clip(levels, spine.t[0], spine.t[-1])
    across, along, points = (
        np.stack([np.interp(inside, spine.t, values[:, k]) for k in (0, 1)], axis=1)
        for values in (spine.across, spine.along, spine.points)
    )
    lengths = np.where(levels < 0, spine.reach[0], spine.reach[-1])
    return points + along * ((levels - inside) * lengths)[:, None], across


def measure_cylinder(
    solid: BoolArray, rows: tuple[Array, Array], levels: Array, reach: float, *, yaw: float, depth: float
) -> Cylinder:
    """How far a part reaches to both sides of its curve.

    solid: H x W bool, the part with what it has behind others; rows: K x 2 points of its curve and K x 2 unit vectors
    across; reach: pixels from the curve within which it ends.
    """
    points, across = rows
    steps = np.linspace(0.0, reach, SAMPLES)
    h, w = solid.shape
    widths = []
    for sign in (-1.0, 1.0):
        rays = points[:, None] + sign * across[:, None] * steps[None, :, None]
        x, y = np.round(rays[..., 0]).astype(int), np.round(rays[..., 1]).astype(int)
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        outside = ~(inside & solid[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)])
        outside[:, 0] = False
        widths.append(np.where(outside.any(axis=1), steps[np.argmax(outside, axis=1)], steps[-1]))
    low, high = (np.maximum(_smooth(width), 0.13 * reach) for width in widths)
    return Cylinder(levels, low, high, yaw, depth)


def _smooth(values: Array) -> Array:
    return np.convolve(np.pad(values, 3, mode="edge"), np.ones(7) / 7, mode="valid")
