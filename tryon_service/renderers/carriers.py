"""Where the pixels of each carrier go: arms and legs with their bones, the trunk with the spine, turned about the
vertical, and below the hips with both legs at once; the head with the neck, turned on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tryon_service.appearance.attributes import HEAD, TRUNK
from tryon_service.imaging.warp import Mesh, grid_mesh
from tryon_service.perception.skeletons import Landmark
from tryon_service.renderers.turn import (
    TORSO_DEPTH,
    Array,
    Cylinder,
    Ellipsoid,
    measure_cylinder,
    measure_ellipsoid,
    spine_rows,
)
from tryon_service.retarget.curves import FrameCurve, Points, locate, place
from tryon_service.retarget.rig import ARMS, LEGS, Rig, build_rig
from tryon_service.retarget.view import narrowing, yaw
from tryon_service.types import Appearance, BoolArray, Float32Array, Keypoints, Layer, TargetPose

CELLS = 64
"""Grid cells along the photo's longer side."""
TORSO_LEVELS = np.linspace(-1.5, 1.2, 33)
ARM_ROOT, LEG_ROOT = (0.35, 1.0), (0.6, 1.3)
"""Along a limb's curve: before the first it moves with the trunk, after the second on its own."""
CROTCH, PARTED = (1.3, 1.7), 0.3
"""Along a leg's curve: the bounds on where the legs part, and over what distance each begins to move alone."""
ACROSS = 64
"""Samples from one leg's bone to the other's."""
SHOULDER_END = (0.95, 1.7)
"""Along an arm's curve: where the trunk stops following the arm."""
SHOULDER_RADIUS = (0.08, 0.45)
"""How far from the arm's bone it does so, torso lengths."""
TORSO_END = (0.85, 1.15)
"""Heights between which the torso's turn ends: from the chest to the neck."""
CHIN = 1.3
"""Height from which hair and face count as the head."""
LEAVES = 0.02
"""How far an arm goes, in torso lengths, until the body beside it shows nothing of its nearness any more."""

Coordinates = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Carrier:
    """mesh: over everything it carries, in the photo's pixels; coordinates: where the mesh's vertices lie on the curves
    that move them, (t, along, across) per curve; head: what turns on its own, the head only."""

    mesh: Mesh
    coordinates: Mapping[str, Coordinates]
    head: Ellipsoid | None = None


@dataclass(frozen=True)
class WarpAnalysis:
    """The product photo's part of the work. torso: what carries the trunk and the roots of the limbs when it turns;
    parting: along the legs' curves, where the photo begins to show something between them."""

    rig: Rig
    carriers: Mapping[str, Carrier]
    torso: Cylinder
    parting: float


def analyse(appearance: Appearance) -> WarpAnalysis:
    keypoints = appearance.person.keypoints
    rig = build_rig(keypoints)
    names = dict.fromkeys(layer.carrier for layer in appearance.layers.values())
    carriers = {}
    for name in names:
        layers = [layer for layer in appearance.layers.values() if layer.carrier == name]
        carriers[name] = _carrier(name, layers, appearance, rig)
    body = [layer for layer in appearance.layers.values() if layer.carrier == TRUNK] or list(appearance.layers.values())
    return WarpAnalysis(rig, carriers, _torso(*_union(body), rig, keypoints), _parting(appearance.person.matte, rig))


def _parting(matte: Float32Array, rig: Rig) -> float:
    """Where the legs part, along their curves. matte: the photo's."""
    left, right = (rig.limbs[name] for name in LEGS)
    across = np.linspace(0.0, 1.0, ACROSS)[:, None, None]
    points = (left.points * (1 - across) + right.points * across).astype(np.float32)
    shown = cv2.remap(matte, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = (shown.min(axis=0) < 0.5) & (left.t > CROTCH[0])
    return float(np.clip(left.t[np.argmax(gap)] if gap.any() else np.inf, *CROTCH))


def _carrier(name: str, layers: list[Layer], appearance: Appearance, rig: Rig) -> Carrier:
    solid, origin = _union(layers)
    step = max(4, round(max(appearance.person.matte.shape) / CELLS))
    mesh = grid_mesh(solid, step, origin)
    points = mesh.vertices.astype(np.float64)
    curves = {"spine": rig.spine, **rig.limbs}
    own = {TRUNK: (*LEGS, *ARMS), HEAD: ()}.get(name, LEGS if name in LEGS else (name,))
    wanted = ("spine", *own)
    coordinates = {curve: locate(points, curves[curve]) for curve in wanted if len(points)}
    if name == HEAD and len(points):
        return Carrier(mesh, coordinates, _ellipsoid(coordinates["spine"], rig.spine))
    return Carrier(mesh, coordinates)


def _ellipsoid(coordinates: Coordinates, spine: FrameCurve) -> Ellipsoid:
    height, across = _height(coordinates, spine), coordinates[2]
    above = height > CHIN
    chosen = above if above.any() else np.ones(len(height), bool)
    return measure_ellipsoid(height[chosen], across[chosen])


def _height(coordinates: Coordinates, spine: FrameCurve) -> Array:
    """How far up the spine, continued straight beyond its ends in lengths of its first and last bone."""
    t, along, _ = coordinates
    lengths = np.where(t <= 0.0, spine.reach[0], spine.reach[-1])
    return np.asarray(t + np.where((t <= 0.0) | (t >= spine.t[-1]), along / lengths, 0.0))


def _union(layers: list[Layer]) -> tuple[BoolArray, tuple[int, int]]:
    """What the layers cover together, h x w bool, and where its top-left pixel lies in the photo."""
    left, top = (min(layer.origin[k] for layer in layers) for k in (0, 1))
    right = max(layer.origin[0] + layer.parts.shape[1] for layer in layers)
    bottom = max(layer.origin[1] + layer.parts.shape[0] for layer in layers)
    solid = np.zeros((bottom - top, right - left), bool)
    for layer in layers:
        x, y = layer.origin[0] - left, layer.origin[1] - top
        height, width = layer.parts.shape
        solid[y : y + height, x : x + width] |= layer.rgba[..., 3] > 0
    return solid, (left, top)


def _torso(solid: BoolArray, origin: tuple[int, int], rig: Rig, keypoints: Keypoints) -> Cylinder:
    points, across = spine_rows(rig.spine, TORSO_LEVELS)
    rows = points - np.asarray(origin, np.float64), across
    reach = 0.9 * float(rig.spine.reach[0])
    return measure_cylinder(solid, rows, TORSO_LEVELS, reach, yaw=yaw(keypoints), depth=TORSO_DEPTH)


def move(name: str, analysis: WarpAnalysis, rig: Rig, target: TargetPose) -> Points:
    """Where the vertices of a carrier's mesh go, N x 2 (x, y) pixels of the output frame. rig: the target's."""
    carrier = analysis.carriers[name]
    if not carrier.coordinates:
        return np.zeros((0, 2))
    t, along, across = carrier.coordinates["spine"]
    source = analysis.rig.spine
    height = _height(carrier.coordinates["spine"], source)
    ends = 1.0 - smoothstep(height, *TORSO_END)
    offset = across + ends * (analysis.torso.turn(height, across, target.turn) - across)
    if carrier.head:
        offset = offset + carrier.head.turn(height, across, target.head_turn) - across
    body = place(t, along, offset, source, _narrowed(rig.spine, analysis.torso, target.turn))
    if name == HEAD:
        return body
    if name == TRUNK:
        return _shrug(_hang(body, height, carrier, analysis, rig), carrier, analysis, rig)
    return _limb(name, body, carrier, analysis, rig)


def _limb(name: str, body: Points, carrier: Carrier, analysis: WarpAnalysis, rig: Rig) -> Points:
    """An arm or a leg, at its root still part of the body. A limb looks the same from a little further round, so it
    isn't turned: that would stretch its silhouette and show nothing new. Above where legs part both are one piece."""
    limb = place(*carrier.coordinates[name], analysis.rig.limbs[name], rig.limbs[name])
    if name in LEGS:
        alone = smoothstep(carrier.coordinates[name][0], analysis.parting, analysis.parting + PARTED)[:, None]
        limb = limb * alone + _between_legs(carrier, analysis, rig) * (1 - alone)
    weight = smoothstep(carrier.coordinates[name][0], *(ARM_ROOT if name in ARMS else LEG_ROOT))[:, None]
    return np.asarray(body * (1 - weight) + limb * weight)


def _narrowed(spine: FrameCurve, trunk: Cylinder, turn: float) -> FrameCurve:
    """The target spine with the width that the turn already accounts for taken out again."""
    factor = 1.0 + (1.0 / narrowing(trunk.yaw, turn) - 1.0) * (1 - smoothstep(spine.t, 1.0, 1.45))
    return replace(spine, width=spine.width * factor)


def _hang(trunk: Points, height: Array, carrier: Carrier, analysis: WarpAnalysis, rig: Rig) -> Points:
    """What hangs below the hips follows both legs, each the more the nearer it is; height is in torso lengths."""
    low = smoothstep(-height, 0.05, 0.9)
    if not (low > 0).any():
        return trunk
    return np.asarray(trunk * (1 - low[:, None]) + _between_legs(carrier, analysis, rig) * low[:, None])


def _between_legs(carrier: Carrier, analysis: WarpAnalysis, rig: Rig) -> Points:
    """Where the vertices go if they follow both legs, each the more the nearer it is."""
    legs = [place(*carrier.coordinates[name], analysis.rig.limbs[name], rig.limbs[name]) for name in LEGS]
    left, right = (np.abs(carrier.coordinates[name][2]) for name in LEGS)
    share = smoothstep(right / np.maximum(left + right, 1e-6), 0.0, 1.0)[:, None]
    return np.asarray(legs[0] * share + legs[1] * (1 - share))


def _shrug(trunk: Points, carrier: Carrier, analysis: WarpAnalysis, rig: Rig) -> Points:
    """At the shoulders the trunk moves just as the arms' roots do, so that nothing opens between them."""
    out = trunk
    for name in ARMS:
        t, along, across = carrier.coordinates[name]
        away = np.hypot(across, np.where((t <= 0.0) | (t >= 4.0), along, 0.0)) / analysis.rig.spine.reach[0]
        weight = (
            smoothstep(t, *ARM_ROOT) * (1 - smoothstep(t, *SHOULDER_END)) * (1 - smoothstep(away, *SHOULDER_RADIUS))
        )
        if (weight > 0).any():
            arm = place(t, along, across, analysis.rig.limbs[name], rig.limbs[name])
            out = out * (1 - weight[:, None]) + arm * weight[:, None]
    return np.asarray(out)


def nearness(
    arm: str, carrier: str, analysis: WarpAnalysis, rig: Rig, appearance: Appearance, target: TargetPose
) -> float:
    """1 where elbow, wrist and knuckles lie on the carrier as they do in the photo, 0 where one has left its place."""
    side = arm.split("_", maxsplit=1)[0].upper()
    joints = [Landmark[f"{side}_{name}"] for name in ("ELBOW", "WRIST", "INDEX")]
    before, after = (k.xy[joints].astype(np.float64) for k in (appearance.person.keypoints, target.keypoints))
    source, moved = (r.spine if carrier == TRUNK else r.limbs[carrier] for r in (analysis.rig, rig))
    carried = place(*locate(before, source), source, moved)
    away = float(np.linalg.norm(carried - after, axis=1).max())
    return float(np.clip(1.0 - away / (LEAVES * target.scale * analysis.rig.spine.reach[0]), 0.0, 1.0))


def smoothstep(x: Array, start: float, end: float) -> Array:
    s = np.clip((x - start) / (end - start), 0.0, 1.0)
    return np.asarray(s * s * (3 - 2 * s))
