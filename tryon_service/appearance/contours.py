"""Smooth outlines of limbs and trunk, found along their curves.

A body part is unrolled along its curve into a strip whose rows are cross-sections. On either side of the curve its
outline is the cheapest path through the strip (dynamic programming as in Amini, Weymouth & Jain, "Using dynamic
programming for solving variational problems in vision", 1990): pixels inside should look like the part, pixels outside
like something else, the outline likes edges and the width that anatomy expects, and may not jump. One position per
cross-section leaves no room for holes and slivers, and where nothing is to be seen the outline goes on smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.retarget.curves import FrameCurve
from tryon_service.types import BoolArray, Float32Array, UInt8Array

JUMP = 2
"""Steps that an outline may move from one cross-section to the next."""
STIFFNESS = 0.35
"""Cost of a jump of one step, in units of one step through clear evidence; grows with the square."""
EDGE_LEVELS = 24.0
"""Colour difference that counts as a clear edge, in levels of 255."""
EDGE = 2.5
"""What a clear edge is worth, in the same units."""
CORE = 0.25
"""Share of the steps that lie inside the part for sure; edges there are its pattern's."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Strip:
    """Cross-sections of a body part. base: M x 2 (x, y) pixels; across: M x 2 unit vectors; steps: M pixels per step;
    count: steps to either side."""

    base: Array
    across: Array
    steps: Array
    count: int

    @classmethod
    def along(cls, curve: FrameCurve, reach: Array, count: int, rows: slice = slice(None)) -> Strip:
        """The rows of the curve's samples; reach: pixels (all samples) that count steps to either side cover."""
        return cls(curve.points[rows], curve.across[rows], reach[rows] / count, count)

    def points(self, side: int) -> Float32Array:
        """M x (count + 1) x 2 (x, y) of the steps on one side (-1 or 1)."""
        steps = self.steps[:, None] * np.arange(self.count + 1)
        return (self.base[:, None] + side * self.across[:, None] * steps[..., None]).astype(np.float32)

    def mask(self, low: Array, high: Array, shape: tuple[int, ...]) -> BoolArray:
        """H x W bool: what lies between the outlines, given in steps (M each) on the negative and positive side."""
        a = self.base - self.across * (low * self.steps)[:, None]
        b = self.base + self.across * (high * self.steps)[:, None]
        out = np.zeros(shape, np.uint8)
        quads = np.stack([a[:-1], b[:-1], b[1:], a[1:]], axis=1)
        for quad in np.round(quads * 16).astype(np.int32):
            cv2.fillConvexPoly(out, cv2.convexHull(quad), 1, cv2.LINE_8, 4)
        return out > 0


def sample(image: np.ndarray, points: Float32Array, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """image at M x K x 2 (x, y) points; the nearest pixel outside."""
    return np.asarray(cv2.remap(image, points[..., 0], points[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE))


def outline(evidence: Float32Array, colours: UInt8Array, expected: Array, slack: Array) -> Array:
    """Steps (M) from the curve at which the part ends on one side.

    evidence: M x K, log odds that a step belongs to the part; colours: M x K x 3; expected: M, where anatomy would end
    it, NaN without opinion; slack: M, by how much that may be off for the cost of one step through clear evidence.
    """
    inside = np.cumsum(-evidence, axis=1)
    cost = np.concatenate([np.zeros((len(inside), 1)), inside[:, :-1]], axis=1)
    smooth = cv2.GaussianBlur(colours, (3, 3), 0).astype(np.float64)
    edges = np.zeros(evidence.shape)
    edges[:, 1:-1] = np.linalg.norm(smooth[:, 2:] - smooth[:, :-2], axis=2)
    pattern = rounded(edges[:, 1 : max(2, round(CORE * evidence.shape[1]))].max(axis=1), 13)
    edges = np.maximum(edges - pattern[:, None], 0.0)  # what the part's own cloth shows inside is no outline
    cost -= EDGE * np.minimum(edges / EDGE_LEVELS, 1.5)
    position = np.arange(evidence.shape[1])
    pull = ((position - np.nan_to_num(expected)[:, None]) / slack[:, None]) ** 2
    cost += np.where(np.isnan(expected)[:, None], 0.0, np.minimum(pull, 25.0))
    return cheapest_path(cost)


def cheapest_path(cost: Array) -> Array:
    """Column (M) of the cheapest path from the first to the last row of an M x K cost, moving up to JUMP columns."""
    rows, columns = cost.shape
    total = cost[0].copy()
    came = np.zeros((rows, columns), np.int32)
    offsets = np.arange(-JUMP, JUMP + 1)
    toll = STIFFNESS * offsets.astype(np.float64) ** 2
    index = np.arange(columns)[None] + offsets[:, None]
    inside = (index >= 0) & (index < columns)
    index = np.clip(index, 0, columns - 1)
    for row in range(1, rows):
        options = np.where(inside, total[index], np.inf) + toll[:, None]
        best = np.argmin(options, axis=0)
        came[row] = index[best, np.arange(columns)]
        total = options[best, np.arange(columns)] + cost[row]
    path = np.empty(rows, np.int32)
    path[-1] = int(np.argmin(total))
    for row in range(rows - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path.astype(np.float64)


def rounded(path: Array, width: int = 5) -> Array:
    """The path without its steps: a moving average over `width` cross-sections."""
    half = width // 2
    return np.convolve(np.pad(path, half, mode="edge"), np.ones(width) / width, mode="valid")
