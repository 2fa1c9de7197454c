"""Framed curves: how a limb or a spine carries the pixels around it from one pose to another.

A curve is a polyline of joints whose direction turns gradually within a zone around each joint instead of at once, so
a bent elbow keeps its width. A point is described by where it projects on the source curve and by its offsets along
and across; put on the target curve with the same description it keeps its place on the limb. Equal curves give the
identity exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

SAMPLES_PER_BONE = 24
STRIDE = 3
BULGE = 0.5
MAX_MITRE = np.radians(50.0)


@dataclass(frozen=True)
class FrameCurve:
    """Samples of a framed curve.

    t: M, increasing; one unit per bone, the joints lie at 0, 1, 2, ...
    points: M x 2 (x, y) pixels.
    along, across: M x 2 unit vectors; across need not be perpendicular to along (a tilted shoulder line).
    width: M, factor on offsets across.
    reach: M, factor on offsets along.
    bulge: M, by how much offsets across grow on the outer side of a bend: on the positive side where it is positive, on
        the negative where it is negative.
    """

    t: NDArray[np.float64]
    points: Points
    along: Points
    across: Points
    width: NDArray[np.float64]
    reach: NDArray[np.float64]
    bulge: NDArray[np.float64]


def unit(vector: Points) -> Points:
    length = np.sqrt(vector[..., :1] ** 2 + vector[..., 1:] ** 2)  # numpy is slow to sum over two
    return np.asarray(np.where(length > 1e-9, vector / np.maximum(length, 1e-9), (0.0, 1.0)))


def unwrap_towards(angle: float, reference: float) -> float:
    """The same angle within half a turn of the reference."""
    return reference + (angle - reference + np.pi) % (2 * np.pi) - np.pi


def _turning(angles: list[float], zones: list[float], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction at parameter t: constant along each bone, turning smoothly within +-zone around each inner joint."""
    out = np.full_like(t, angles[0])
    for joint in range(1, len(angles)):
        turn = unwrap_towards(angles[joint], angles[joint - 1]) - angles[joint - 1]
        zone = zones[joint - 1]
        out = out + turn * np.clip((t - joint + zone) / (2 * zone), 0.0, 1.0)
        angles[joint] = angles[joint - 1] + turn
    return out


def _bulge(angles: list[float], zones: list[float], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elbows and knees have a point: two straight tubes would meet in a mitre, 1 / cos(half the bend) from the joint;
    flesh rounds that off to BULGE of it."""
    out = np.zeros_like(t)
    for joint, zone in enumerate(zones, start=1):
        turn = angles[joint] - angles[joint - 1]
        mitre = 1.0 / np.cos(np.clip(abs(turn) / 2, 0.0, MAX_MITRE)) - 1.0
        near = np.clip(1.0 - np.abs(t - joint) / (1.5 * zone), 0.0, 1.0)
        out -= np.sign(turn) * BULGE * mitre * near * near * (3 - 2 * near)
    return out


def limb_curve(joints: Points, zones: list[float], width: float = 1.0) -> FrameCurve:
    """A chain of bones with across perpendicular to along.

    joints: J x 2 (x, y) pixels; zones: J - 2 half-widths of the bending zones as shares of a bone, below one half.
    The curve passes through the first joint and ends as close to the last as the rounding of its bends allows.
    """
    bones = np.diff(joints, axis=0)
    lengths = np.linalg.norm(bones, axis=1)
    angles = [float(a) for a in np.arctan2(bones[:, 1], bones[:, 0])]
    t = np.linspace(0.0, len(bones), SAMPLES_PER_BONE * len(bones) + 1)
    theta = _turning(angles, zones, t)
    along = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    speed = np.interp(t, np.arange(len(bones)) + 0.5, lengths) if len(bones) > 1 else np.full_like(t, lengths[0])
    steps = 0.5 * (along[1:] * speed[1:, None] + along[:-1] * speed[:-1, None]) * np.diff(t)[:, None]
    points = np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)]) + joints[0]
    drift = joints[np.clip(np.round(t).astype(int), 0, len(bones))] - points
    at_joints = np.array([drift[k * SAMPLES_PER_BONE] for k in range(len(bones) + 1)])
    pull = np.stack([np.interp(t, np.arange(len(bones) + 1), at_joints[:, axis]) for axis in (0, 1)], axis=1)
    return FrameCurve(
        t, points + pull, along, across, np.full_like(t, width), np.full_like(t, width), _bulge(angles, zones, t)
    )


def carry(points: Points, source: FrameCurve, target: FrameCurve) -> tuple[Points, NDArray[np.float64]]:
    """Points N x 2 (x, y) moved with the curve; also their parameter t (N) on it.

    Beyond either end the last frame is continued rigidly. Both curves share t.
    """
    t, along, across = locate(points, source)
    return place(t, along, across, source, target), t


def locate(points: Points, curve: FrameCurve) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(t, offset along, offset across) of N x 2 points, each N: the nearest of every STRIDE-th sample, then Newton
    steps
    towards the foot of the perpendicular."""
    samples = curve.points[::STRIDE]
    distance = (samples**2).sum(axis=1) - 2.0 * points @ samples.T
    t = curve.t[::STRIDE][np.argmin(distance, axis=1)]
    tangent = np.gradient(curve.points, curve.t, axis=0)
    reach = STRIDE * (curve.t[1] - curve.t[0])
    for _ in range(2):
        base, speed = _interpolated(t, curve.t, curve.points), _interpolated(t, curve.t, tangent)
        step = np.einsum("nk,nk->n", points - base, speed) / np.maximum(np.einsum("nk,nk->n", speed, speed), 1e-9)
        t = np.clip(t + np.clip(step, -reach, reach), curve.t[0], curve.t[-1])
    base, e, n, _, _ = _at(curve, t)
    rest = points - base
    det = e[:, 0] * n[:, 1] - e[:, 1] * n[:, 0]
    det = np.where(np.abs(det) < 0.2, np.where(det < 0, -0.2, 0.2), det)
    along = (rest[:, 0] * n[:, 1] - rest[:, 1] * n[:, 0]) / det
    across = (e[:, 0] * rest[:, 1] - e[:, 1] * rest[:, 0]) / det
    return t, along, across


def place(
    t: NDArray[np.float64],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    source: FrameCurve,
    target: FrameCurve,
) -> Points:
    """The inverse of locate on another curve: N x 2 (x, y). Width and reach factors of both curves apply."""
    _, _, _, width0, reach0 = _at(source, t)
    base, e, n, width1, reach1 = _at(target, t)
    across = across * _outer(target, t, across) / _outer(source, t, across)
    return np.asarray(base + (along * reach1 / reach0)[:, None] * e + (across * width1 / width0)[:, None] * n)


def _outer(curve: FrameCurve, t: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bend's factor on each offset across."""
    return np.asarray(1.0 + np.maximum(np.sign(across) * np.interp(t, curve.t, curve.bulge), 0.0))


def _at(
    curve: FrameCurve, t: NDArray[np.float64]
) -> tuple[Points, Points, Points, NDArray[np.float64], NDArray[np.float64]]:
    """Position, unit along, unit across, width and reach at parameters t, linear between samples."""
    return (
        _interpolated(t, curve.t, curve.points),
        unit(_interpolated(t, curve.t, curve.along)),
        unit(_interpolated(t, curve.t, curve.across)),
        np.interp(t, curve.t, curve.width),
        np.interp(t, curve.t, curve.reach),
    )


def _interpolated(t: NDArray[np.float64], knots: NDArray[np.float64], values: Points) -> Points:
    return np.stack([np.interp(t, knots, values[:, 0]), np.interp(t, knots, values[:, 1])], axis=1)
