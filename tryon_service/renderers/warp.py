"""The warp renderer: the product photo's own pixels, moved. Nothing is generated, so prints and seams survive.

Each carrier of the Appearance lies on a grid of triangles whose vertices are moved by renderers/carriers.py; its layers
are drawn through that one map, and the carriers back to front.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tryon_service.appearance.attributes import HEAD, TRUNK
from tryon_service.imaging.warp import source_map
from tryon_service.perception.skeletons import Landmark
from tryon_service.renderers.base import RENDERERS, RendererInfo
from tryon_service.renderers.canvas import Canvas
from tryon_service.renderers.carriers import Carrier, WarpAnalysis, analyse, move, nearness
from tryon_service.retarget.rig import ARMS, LEGS, build_rig
from tryon_service.types import Appearance, Int32Array, Layer, Rendered, RenderInput, TargetPose

MIDDLE_JOINT = 2.0
"""Where elbow and knee lie on their curves."""
BEHIND = 0.12
"""Metres behind the hips from which a hand counts as behind the body."""
HAIR_BEHIND = "hair_behind"
"""The layer that is drawn before the trunk though the head carries it."""


class WarpRenderer:
    """See the module's docstring. prepare() gives a WarpAnalysis."""

    info = RendererInfo(name="warp", mark="compositeSynthetic")

    def prepare(self, appearance: Appearance) -> WarpAnalysis:
        return analyse(appearance)

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        return [self._render(item) for item in batch]

    def _render(self, item: RenderInput) -> Rendered:
        appearance, target = item.appearance, item.target
        analysis = item.prepared if item.prepared is not None else self.prepare(appearance)
        rig = build_rig(target.keypoints, target.scale)
        canvas = Canvas.empty(target.size)
        moved = {name: move(name, analysis, rig, target).astype(np.float32) for name in analysis.carriers}
        for name, layers in drawing_order(appearance, target):
            carrier = analysis.carriers[name]
            opacity = {
                layer.name: nearness(layer.beside, name, analysis, rig, appearance, target) if layer.beside else 1.0
                for layer in layers
            }
            for triangles in _halves(name, carrier, target):
                source = source_map(carrier.mesh, moved[name], target.size, triangles, backs=name in (TRUNK, HEAD))
                for layer in layers:
                    canvas.paint(layer, source, opacity[layer.name])
        return canvas.rendered()


def _halves(name: str, carrier: Carrier, target: TargetPose) -> list[Int32Array]:
    """A limb may be bent over itself, so its two halves are drawn one after the other, the one nearer to the camera
    last. Indices of triangles; trunk and head are one piece."""
    triangles = carrier.mesh.triangles
    if name not in (*ARMS, *LEGS) or not carrier.coordinates:
        return [np.arange(len(triangles), dtype=np.int32)]
    side = name.split("_", maxsplit=1)[0].upper()
    near, far = ("ELBOW", "WRIST") if name in ARMS else ("KNEE", "ANKLE")
    z = target.keypoints.world[:, 2]
    outer = carrier.coordinates[name][0][triangles].mean(axis=1) >= MIDDLE_JOINT
    halves = [np.flatnonzero(~outer).astype(np.int32), np.flatnonzero(outer).astype(np.int32)]
    return halves if z[Landmark[f"{side}_{far}"]] <= z[Landmark[f"{side}_{near}"]] else halves[::-1]


def drawing_order(appearance: Appearance, target: TargetPose) -> list[tuple[str, list[Layer]]]:
    """(carrier, its layers), back to front: hair behind the shoulders, legs by depth, trunk, head, arms by depth, each
    with the armhole that lies over it; an arm whose hand lies behind the body goes first."""
    z = target.keypoints.world[:, 2]

    def depth(name: str) -> float:
        side = name.split("_", maxsplit=1)[0].upper()
        far, near = ("WRIST", "ELBOW") if name in ARMS else ("ANKLE", "KNEE")
        return float(z[Landmark[f"{side}_{far}"]] + 0.5 * z[Landmark[f"{side}_{near}"]])

    def behind(name: str) -> bool:
        wrist = target.keypoints.world[Landmark[f"{name.split('_', maxsplit=1)[0].upper()}_WRIST"]]
        shoulders = target.keypoints.world[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER], 0]
        return bool(wrist[2] > BEHIND and shoulders.min() < wrist[0] < shoulders.max())

    layers = list(appearance.layers.values())
    present = {layer.carrier for layer in layers}
    legs, arms = (sorted((n for n in kind if n in present), key=depth, reverse=True) for kind in (LEGS, ARMS))
    order = [*(n for n in arms if behind(n)), *legs, TRUNK, HEAD, *(n for n in arms if not behind(n))]
    out = [(HEAD, [layer for layer in layers if layer.name == HAIR_BEHIND])]
    for name in order:
        out.append((name, [one for one in layers if one.carrier == name and one.name != HAIR_BEHIND and not one.over]))
        out.append((TRUNK, [one for one in layers if one.over == name]))
    return [(name, own) for name, own in out if own]


@RENDERERS.register("warp")
def _create() -> WarpRenderer:
    return WarpRenderer()
