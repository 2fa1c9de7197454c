"""The outline of the photographed person, tied to the bones that carry it: where every stretch of it goes in another
pose, and which stretches are no outline at all but the photo's edge cutting through the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import FrameCurve, Points, locate, place
from tryon_service.retarget.rig import ARMS, LEGS, Rig, build_rig, middle
from tryon_service.types import BoolArray, Float32Array, Keypoints, Part, Person, UInt8Array

SAMPLES = 480
"""Points of an outline, about."""
SHORTEST_CUT = 0.006
"""Cuts shorter than this are a touch, not a cut; shares of the photo's longer side."""
FINGERTIP = 0.06
"""The same for a hand, torso lengths: one finger that grazes the edge is no hand cut off."""
RADII = {"spine": 0.30, "arm": 0.09, "leg": 0.15}
"""How thick the flesh round a curve is, torso lengths: a point belongs to the curve that is nearest in these units."""
NEVER_ON = {
    "spine": (Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG, Part.SHOES),
    "arm": (Part.HAIR, Part.FACE, Part.SKIRT, Part.TROUSERS, Part.LEFT_LEG, Part.RIGHT_LEG, Part.SHOES),
    "leg": (Part.HAIR, Part.FACE, Part.LEFT_ARM, Part.RIGHT_ARM),
}
"""What each kind of curve doesn't carry, unless nothing else is near."""
KNUCKLES = 3.5
"""Along an arm's curve: beyond this it carries nothing but the hand itself, no cloth or bag that hangs below it."""
FAR = 3.0
PARTS = {
    "spine": ((1.05, "torso"), (1.45, "neck"), (np.inf, "head")),
    "arm": ((2.0, "upper_arm"), (2.8, "forearm"), (np.inf, "hand")),
    "leg": ((0.9, "torso"), (2.0, "thigh"), (2.9, "shin"), (np.inf, "foot")),
}
"""What a curve carries, up to which parameter."""


@dataclass(frozen=True)
class Outline:
    """N points of a person's outline.

    points: N x 2 (x, y) pixels. curves: N names of curves; t, along, across: N, the place on them (curves.locate).
    parts: N names of what is there, "head", "left_hand" ... cut: N x 4 bool, whether the photo's left, top, right or
    bottom edge cuts the body at the point.
    """

    points: Points
    curves: NDArray[np.str_]
    t: NDArray[np.float64]
    along: NDArray[np.float64]
    across: NDArray[np.float64]
    parts: NDArray[np.str_]
    cut: BoolArray
    source: Rig
    torso: float

    def carried(self, keypoints: Keypoints, scale: float = 1.0) -> Points:
        """Where the points go when the person takes this pose; N x 2 (x, y). scale: as in TargetPose."""
        target = _curves(build_rig(keypoints, scale))
        out = np.empty_like(self.points)
        for name, source in _curves(self.source).items():
            mine = self.curves == name
            out[mine] = place(self.t[mine], self.along[mine], self.across[mine], source, target[name])
        return out


def trace(person: Person) -> Outline:
    """The outline of a photographed person; depends on that photo only."""
    points = _contour(person.matte)
    rig = build_rig(person.keypoints)
    torso = _torso(person.keypoints)
    names = list(_curves(rig))
    places = [locate(points, curve) for curve in _curves(rig).values()]
    away = [
        np.hypot(along, across) / (RADII[_kind(name)] * torso)
        for name, (_, along, across) in zip(names, places, strict=True)
    ]
    shown = person.parsing[points[:, 1].astype(int), points[:, 0].astype(int)]
    foreign = [_foreign(_kind(name), place[0], shown) for name, place in zip(names, places, strict=True)]
    nearest = np.argmin(np.where(foreign, FAR, 0.0) + away, axis=0)
    t, along, across = (np.choose(nearest, [place[k] for place in places]) for k in range(3))
    curves = np.array(names)[nearest]
    parts = _parts(curves, t)
    return Outline(points, curves, t, along, across, parts, _cuts(points, parts, person.matte.shape, torso), rig, torso)


def _curves(rig: Rig) -> dict[str, FrameCurve]:
    return {"spine": rig.spine, **{name: rig.limbs[name] for name in (*ARMS, *LEGS)}}


def _kind(curve: str) -> str:
    return curve.rsplit("_", maxsplit=1)[-1]


def _foreign(kind: str, t: NDArray[np.float64], shown: UInt8Array) -> BoolArray:
    """N bool: what a curve of this kind can't carry at t; shown: N, Part ids."""
    foreign = np.isin(shown, NEVER_ON[kind])
    if kind == "arm":
        foreign |= (t > KNUCKLES) & ~np.isin(shown, (Part.LEFT_ARM, Part.RIGHT_ARM))
    return foreign


def _parts(curves: NDArray[np.str_], t: NDArray[np.float64]) -> NDArray[np.str_]:
    """N names: what the curve carries at the parameter."""
    out = np.empty(len(t), dtype="<U16")
    for curve in np.unique(curves):
        mine, table = curves == curve, PARTS[_kind(str(curve))]
        side = "" if curve == "spine" else str(curve).split("_", maxsplit=1)[0] + "_"
        names = np.array([name if name == "torso" else side + name for _, name in table])
        out[mine] = names[np.searchsorted([end for end, _ in table], t[mine], side="right")]
    return out


def _torso(keypoints: Keypoints) -> float:
    spine = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER) - middle(
        keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP
    )
    return float(max(np.hypot(*spine), 4.0))


def _contour(matte: Float32Array) -> Points:
    """About SAMPLES points round all larger pieces of the matte, N x 2; at least one. What comes within a pixel of the
    photo's edge lies on it."""
    contours, _ = cv2.findContours((matte > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max((len(c) for c in contours), default=0)
    kept = [c[:, 0] for c in contours if len(c) >= 0.05 * longest]
    if not kept:
        return np.array([[(matte.shape[1] - 1) / 2, (matte.shape[0] - 1) / 2]])
    points = np.concatenate(kept).astype(np.float64)
    points = points[:: max(1, len(points) // SAMPLES)]
    last = np.array(matte.shape[::-1], np.float64) - 1
    return np.where(points <= 1, 0.0, np.where(points >= last - 1, last, points))


def _cuts(points: Points, parts: NDArray[np.str_], shape: tuple[int, ...], torso: float) -> BoolArray:
    """N x 4 bool: left, top, right, bottom. A part that hardly touches an edge isn't cut by it."""
    height, width = shape
    x, y = points.T
    on_edge = np.stack([x == 0, y == 0, x == width - 1, y == height - 1], axis=1)
    for side in range(4):
        for part in np.unique(parts[on_edge[:, side]]):
            mine = on_edge[:, side] & (parts == part)
            touch = FINGERTIP * torso if str(part).endswith("hand") else SHORTEST_CUT * max(shape)
            if np.ptp(points[mine, 1 - side % 2]) < touch:
                on_edge[mine, side] = False
    return on_edge
