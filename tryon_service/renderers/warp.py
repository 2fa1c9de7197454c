"""The warp renderer: the product photo's own pixels, moved. Nothing is generated, so prints and seams survive.

Every layer of the Appearance lies on a grid of triangles whose vertices are carried by framed curves (retarget/curves):
arms and legs by their bones, the trunk by the spine, turned about the vertical as an elliptic cylinder, and below the
hips by both legs at once. The layers are then drawn back to front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.appearance.owners import TRUNK
from tryon_service.appearance.subject import torso_length
from tryon_service.imaging.warp import Mesh, SourceMap, grid_mesh, resample, source_map
from tryon_service.perception.skeletons import Landmark
from tryon_service.renderers.base import RENDERERS, RendererInfo
from tryon_service.renderers.turn import Cylinder, measure_cylinder
from tryon_service.retarget.curves import FrameCurve, Points, locate, place
from tryon_service.retarget.rig import ARMS, LEGS, Rig, build_rig
from tryon_service.retarget.view import narrowing, yaw
from tryon_service.types import Appearance, Int32Array, Keypoints, Layer, Rendered, RenderInput, TargetPose

CELLS = 64
"""Grid cells along the photo's longer side."""
MIDDLE_JOINT = 2.0
"""Where elbow and knee lie on their curves."""
BEHIND = 0.12
"""Metres behind the hips from which a hand counts as behind the body."""


@dataclass(frozen=True)
class _Placed:
    """A layer's mesh and where its vertices lie on the curves that carry it: (t, along, across) per curve name."""

    mesh: Mesh
    coordinates: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class WarpAnalysis:
    """The product photo's part of the work."""

    rig: Rig
    torso: float
    cylinder: Cylinder
    placed: Mapping[str, _Placed]


class WarpRenderer:
    """See the module's docstring. prepare() gives a WarpAnalysis."""

    info = RendererInfo(name="warp", mark="compositeSynthetic")

    def prepare(self, appearance: Appearance) -> WarpAnalysis:
        keypoints = _shifted(appearance.person.keypoints, appearance.margin)
        rig = build_rig(keypoints)
        placed = {name: _place_layer(layer, rig) for name, layer in appearance.layers.items()}
        trunk = appearance.layers[TRUNK]
        cylinder = measure_cylinder(trunk.alpha, rig.spine, yaw(keypoints))
        return WarpAnalysis(rig, torso_length(keypoints), cylinder, placed)

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        return [self._render(item) for item in batch]

    def _render(self, item: RenderInput) -> Rendered:
        appearance, target = item.appearance, item.target
        analysis = item.prepared if item.prepared is not None else self.prepare(appearance)
        rig = build_rig(target.keypoints, target.scale)
        canvas = _Canvas.empty(target)
        for name in drawing_order(appearance, target):
            placed, layer = analysis.placed[name], appearance.layers[name]
            vertices = _move(name, placed, analysis, rig, target)
            for triangles in _halves(name, placed, target):
                source = source_map(placed.mesh, vertices.astype(np.float32), target.size, triangles)
                canvas.paint(layer, appearance, source)
        return canvas.rendered()


def _shifted(keypoints: Keypoints, margin: int) -> Keypoints:
    return keypoints.moved(1.0, (margin, margin)) if margin else keypoints


def _place_layer(layer: Layer, rig: Rig) -> _Placed:
    step = max(4, round(max(layer.alpha.shape) / CELLS))
    mesh = grid_mesh(layer.alpha > 0.004, step)
    points = mesh.vertices.astype(np.float64)
    names = ["spine", *LEGS] if layer.name == TRUNK else ["spine", layer.name]
    curves = {"spine": rig.spine, **rig.limbs}
    return _Placed(mesh, {name: locate(points, curves[name]) for name in names if len(points)})


def _move(name: str, placed: _Placed, analysis: WarpAnalysis, rig: Rig, target: TargetPose) -> Points:
    """Where the layer's vertices go, N x 2 (x, y) pixels of the output frame."""
    if not placed.coordinates:
        return np.zeros((0, 2))
    t, along, across = placed.coordinates["spine"]
    height = t + np.where(t <= 0.0, along, 0.0) / analysis.torso
    turned = analysis.cylinder.turn(height, across, target.turn)
    trunk = place(t, along, turned, analysis.rig.spine, _narrowed(rig.spine, analysis, target.turn))
    if name == TRUNK:
        return _hang(trunk, height, placed, analysis, rig)
    limb = place(*placed.coordinates[name], analysis.rig.limbs[name], rig.limbs[name])
    start, end = (0.35, 1.0) if name in ARMS else (0.55, 1.0)
    weight = _smoothstep(placed.coordinates[name][0], start, end)[:, None]
    return np.asarray(trunk * (1 - weight) + limb * weight)


def _halves(name: str, placed: _Placed, target: TargetPose) -> list[Int32Array]:
    """A limb may be bent over itself, so its two halves are drawn one after the other, the one nearer to the camera
    last.
    Indices of triangles; a trunk is one piece."""
    triangles = placed.mesh.triangles
    if name not in placed.coordinates:
        return [np.arange(len(triangles), dtype=np.int32)]
    side = name.split("_", maxsplit=1)[0].upper()
    near, far = ("ELBOW", "WRIST") if name in ARMS else ("KNEE", "ANKLE")
    z = target.keypoints.world[:, 2]
    outer = placed.coordinates[name][0][triangles].mean(axis=1) >= MIDDLE_JOINT
    halves = [np.flatnonzero(~outer).astype(np.int32), np.flatnonzero(outer).astype(np.int32)]
    return halves if z[Landmark[f"{side}_{far}"]] <= z[Landmark[f"{side}_{near}"]] else halves[::-1]


def _narrowed(spine: FrameCurve, analysis: WarpAnalysis, turn: float) -> FrameCurve:
    """The target spine with the width that the turn already accounts for taken out again."""
    explained = narrowing(analysis.cylinder.yaw, turn)
    factor = 1.0 + (1.0 / explained - 1.0) * (1 - _smoothstep(spine.t, 1.0, 1.45))
    return FrameCurve(spine.t, spine.points, spine.along, spine.across, spine.width * factor, spine.reach)


def _hang(trunk: Points, height: NDArray[np.float64], placed: _Placed, analysis: WarpAnalysis, rig: Rig) -> Points:
    """What hangs below the hips follows both legs, each the more the nearer it is; height is in torso lengths."""
    low = _smoothstep(-height, 0.05, 0.9)
    if not (low > 0).any():
        return trunk
    legs = [place(*placed.coordinates[name], analysis.rig.limbs[name], rig.limbs[name]) for name in LEGS]
    _, _, left = placed.coordinates["left_leg"]
    _, _, right = placed.coordinates["right_leg"]
    share = _smoothstep(np.abs(right) / np.maximum(np.abs(left) + np.abs(right), 1e-6), 0.0, 1.0)
    both = legs[0] * share[:, None] + legs[1] * (1 - share[:, None])
    return np.asarray(trunk * (1 - low[:, None]) + both * low[:, None])


def _smoothstep(x: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    s = np.clip((x - start) / (end - start), 0.0, 1.0)
    return np.asarray(s * s * (3 - 2 * s))


def drawing_order(appearance: Appearance, target: TargetPose) -> list[str]:
    """Layer names back to front: legs by depth, trunk, arms by depth; an arm whose hand lies behind the body goes
    first."""
    z = target.keypoints.world[:, 2]

    def depth(name: str) -> float:
        side = name.split("_", maxsplit=1)[0].upper()
        far, near = ("WRIST", "ELBOW") if name in ARMS else ("ANKLE", "KNEE")
        return float(z[Landmark[f"{side}_{far}"]] + 0.5 * z[Landmark[f"{side}_{near}"]])

    def behind(name: str) -> bool:
        wrist = target.keypoints.world[Landmark[f"{name.split('_', maxsplit=1)[0].upper()}_WRIST"]]
        shoulders = target.keypoints.world[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER], 0]
        return bool(wrist[2] > BEHIND and shoulders.min() < wrist[0] < shoulders.max())

    present = [name for name in appearance.layers if name != TRUNK]
    legs = sorted((n for n in present if n in LEGS), key=depth, reverse=True)
    arms = sorted((n for n in present if n in ARMS), key=depth, reverse=True)
    return [*(n for n in arms if behind(n)), *legs, TRUNK, *(n for n in arms if not behind(n))]


@dataclass
class _Canvas:
    """Layers drawn so far, premultiplied float32."""

    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32]
    real: NDArray[np.float32]
    parsing: NDArray[np.uint8]

    @classmethod
    def empty(cls, target: TargetPose) -> _Canvas:
        width, height = target.size
        flat = np.zeros((height, width), np.float32)
        return cls(
            np.zeros((height, width, 3), np.float32), flat.copy(), flat.copy(), np.zeros((height, width), np.uint8)
        )

    def paint(self, layer: Layer, appearance: Appearance, source: SourceMap) -> None:
        left, top, right, bottom = source.box
        if right <= left or bottom <= top:
            return
        window = np.s_[top:bottom, left:right]
        alpha = resample(layer.alpha, source, cv2.INTER_LINEAR)
        real = resample(layer.real, source, cv2.INTER_LINEAR)
        colour = resample(layer.rgb, source, cv2.INTER_CUBIC).astype(np.float32)
        rest = 1.0 - alpha
        self.rgb[window] = colour * alpha[..., None] + self.rgb[window] * rest[..., None]
        self.real[window] = real * alpha + self.real[window] * rest
        self.alpha[window] = alpha + self.alpha[window] * rest
        ids = resample(appearance.parsing, source, cv2.INTER_NEAREST)
        self.parsing[window] = np.where((alpha > 0.5) & (ids > 0), ids, self.parsing[window])

    def rendered(self) -> Rendered:
        solid = np.maximum(self.alpha, 1e-6)
        rgb = np.clip(np.round(self.rgb / solid[..., None]), 0, 255).astype(np.uint8)
        coverage = np.clip(self.real / solid, 0.0, 1.0) * (self.alpha > 0)
        parsing = np.where(self.alpha > 0.5, self.parsing, 0).astype(np.uint8)
        return Rendered(rgb, np.clip(self.alpha, 0.0, 1.0), coverage.astype(np.float32), parsing)


@RENDERERS.register("warp")
def _create() -> WarpRenderer:
    return WarpRenderer()
