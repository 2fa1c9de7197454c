"""The posed person in the card's frame: whole where the photo shows it whole, cut where the photo cuts it.

A body that the product photo's edge cuts has nothing beyond the cut, so the cut must lie on or outside the frame's edge
again. A body that ends inside the photo keeps a margin. Both bound one scale and one offset, of which the least change
is taken; what can't be had is measured and left to the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import Points
from tryon_service.retarget.outline import Outline
from tryon_service.retarget.rig import middle
from tryon_service.types import Keypoints, Person, Size, TargetPose

SCALES = np.round(np.linspace(0.75, 1.12, 75), 4)
"""Scales to choose from, one of them 1; people may shrink more than they may grow, since growing enlarges pixels."""
SMALLEST_CUT = 0.85
"""Least scale of a body that the photo cuts."""
MARGIN = 0.02
"""Free border that a body keeps where the card's own is not narrower, as a share of the frame's side."""
TOLERANCE = 0.005
"""A cut this far inside the frame doesn't show: layers go on a little beyond the photo's edge. Share of the longer
side."""
FARTHEST = 0.12
"""How far the person may be shifted, as a share of the frame's side."""
COSTS = {"scale": 1.0, "shift": 0.5, "floor": 4.0, "outside": 300.0, "cut": 3000.0}
"""Price of the square of each change, all as shares: what is cheap is given up first."""
EXACT = 1e-4
"""Torso lengths below which nothing has moved."""
SOLES = (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX)


@dataclass(frozen=True)
class _Bounds:
    """Along one axis (x or y), for a person at scale 1 and offset 0.

    size: of the frame; cut: (the innermost cut point at the low edge, at the high edge), None where the body isn't cut;
    reach: (lowest, highest) point of what is whole; margins: free border at either end; anchor: what stays in place,
    (before, after) the pose; shift: the price of not keeping it there.
    """

    size: float
    cut: tuple[float | None, float | None]
    reach: tuple[float, float]
    margins: tuple[float, float]
    anchor: tuple[float, float]
    shift: float

    def solve(self, scales: NDArray[np.float64], slack: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each scale the best offset and what it costs. slack: pixels that a cut may lie inside."""
        kept = self.anchor[0] - scales * self.anchor[1]
        last = self.size - 1.0
        never = np.full_like(scales, np.inf)
        free_low = -never if self.cut[0] is not None else self.margins[0] - scales * self.reach[0]
        free_high = never if self.cut[1] is not None else last - self.margins[1] - scales * self.reach[1]
        cut_high = never if self.cut[0] is None else slack - scales * self.cut[0]
        cut_low = -never if self.cut[1] is None else last - slack - scales * self.cut[1]
        offset = _between(_between(kept, free_low, free_high), cut_low, cut_high)
        offset = np.clip(offset, kept - FARTHEST * self.size, kept + FARTHEST * self.size)
        showing = _excess(offset, cut_low, cut_high)
        beyond = _excess(offset, free_low, free_high)
        price = self.shift * (offset - kept) ** 2 + COSTS["cut"] * showing**2 + COSTS["outside"] * beyond**2
        return offset, price / self.size**2


def _excess(value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far value lies below low or above high, whichever is more."""
    return np.maximum(0.0, np.maximum(low - value, value - high))


def _between(value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """value moved into [low, high]; half-way where these exclude each other."""
    crossed = low > high
    half = np.where(crossed, low, 0.0) / 2 + np.where(crossed, high, 0.0) / 2
    return np.where(crossed, half, np.minimum(np.maximum(value, low), high))


def fit(target: TargetPose, product: Person, outline: Outline) -> TargetPose:
    """The target at the scale and place in the product photo's frame that show it whole and hide every cut, with what
    could not be had in `exposed` and `outside`. target: at scale 1, its hips where the photo has them."""
    posed = outline.carried(target.keypoints)
    axes = [_bounds(axis, target, product, outline, posed) for axis in (0, 1)]
    slack = TOLERANCE * max(target.size)
    solved = [bounds.solve(SCALES, slack) for bounds in axes]
    price = COSTS["scale"] * np.log(SCALES) ** 2 + solved[0][1] + solved[1][1]
    if outline.cut.any():  # a person cut elsewhere than in the photo is another picture of the card
        price = np.where(SCALES < SMALLEST_CUT, np.inf, price)
    best = int(np.argmin(price))
    scale, offset = float(SCALES[best]), np.array([solved[0][0][best], solved[1][0][best]])
    xyz = target.keypoints.xyz * np.float32(scale)
    xyz[:, :2] += offset.astype(np.float32)
    posed = posed * scale + offset
    return replace(
        target,
        keypoints=replace(target.keypoints, xyz=xyz),
        scale=scale,
        exposed=exposed(outline, posed, target.size, scale),
        outside=outside(outline, posed, target.size, scale),
    )


def exposed(outline: Outline, posed: Points, size: Size, scale: float) -> Mapping[str, float]:
    """TargetPose.exposed. posed: the outline's points in the target's frame."""
    inside = _edge_distances(posed, size).min(axis=1) / (outline.torso * scale)
    return _worst(outline.parts, np.where(outline.cut.any(axis=1), inside, 0.0))


def outside(outline: Outline, posed: Points, size: Size, scale: float) -> Mapping[str, float]:
    """TargetPose.outside; an edge that cuts the body anyway is open to what moves beyond it."""
    whole = ~outline.cut.any(axis=1)
    inside = np.where(outline.cut.any(axis=0), np.inf, _edge_distances(posed, size)).min(axis=1)
    return _worst(outline.parts, np.where(whole, -inside / (outline.torso * scale), 0.0))


def _edge_distances(points: Points, size: Size) -> Points:
    """N x 4: how far inside the left, top, right and bottom edge, negative outside; pixels."""
    x, y = points.T
    return np.stack([x, y, size[0] - 1 - x, size[1] - 1 - y], axis=1)


def _worst(parts: NDArray[np.str_], values: NDArray[np.float64]) -> Mapping[str, float]:
    """The largest value of each part, where there is one above rounding."""
    out = {str(part): float(values[parts == part].max()) for part in np.unique(parts)}
    return {part: value for part, value in out.items() if value > EXACT}


def _bounds(axis: int, target: TargetPose, product: Person, outline: Outline, posed: Points) -> _Bounds:
    size = float(target.size[axis])
    cuts = [outline.cut[:, axis], outline.cut[:, axis + 2]]
    whole = ~outline.cut.any(axis=1)
    reach = posed[whole if whole.any() else slice(None), axis]
    box = product.box[axis], size - product.box[axis + 2]
    margins = min(MARGIN * size, box[0]), min(MARGIN * size, box[1])
    anchor, shift = _anchor(axis, target.keypoints, product, feet=not cuts[1].any())
    return _Bounds(
        size,
        (posed[cuts[0], axis].max() if cuts[0].any() else None, posed[cuts[1], axis].min() if cuts[1].any() else None),
        (float(reach.min()), float(reach.max())),
        margins,
        anchor,
        shift,
    )


def _anchor(axis: int, posed: Keypoints, product: Person, *, feet: bool) -> tuple[tuple[float, float], float]:
    """What should stay in place: the floor under the lowest foot if the photo shows it, else the hips."""
    before, after = product.keypoints, posed
    if axis == 1 and feet:
        soles = [keypoints.xyz[list(SOLES), 1].max() for keypoints in (before, after)]
        return (float(soles[0]), float(soles[1])), COSTS["floor"]
    hips = [middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[axis] for keypoints in (before, after)]
    return (float(hips[0]), float(hips[1])), COSTS["shift"]
