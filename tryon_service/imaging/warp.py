"""Forward mesh warping: a grid over a layer, moved vertex by vertex, resampled through one dense source-coordinate map.

Convention: points are (x, y) pixels with pixel centres at whole numbers. A mesh has `source` vertices in the layer's
photo and is drawn at `target` vertices in the output frame; where triangles overlap, the later one wins; triangles that
collapsed are not drawn, and those that were flipped over only if asked for. Nothing is drawn outside the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, Int32Array, Size

SUBPIXEL_BITS = 4
EDGE = 1e-6
NOWHERE = -1e6
COARSE = 8
"""Pixels between the samples from which the extent of a part of a map is guessed."""


@dataclass(frozen=True)
class Mesh:
    """A triangulated grid. vertices: N x 2 float32 (x, y) pixels; triangles: T x 3 int32, clockwise on the screen."""

    vertices: Float32Array
    triangles: Int32Array


@dataclass(frozen=True)
class SourceMap:
    """Where each output pixel comes from, inside a box of the frame.

    box: (left, top, right, bottom) pixels of the frame, right and bottom exclusive.
    xy: h x w x 2 float32 source pixels of the box; -1e6 where nothing is drawn.
    drawn: h x w bool.
    """

    box: tuple[int, int, int, int]
    xy: Float32Array
    drawn: BoolArray

    def within(self, origin: tuple[int, int], size: Size) -> SourceMap:
        """The smallest part of the map that reads from a window of the photo, as a map into that window."""
        low = np.asarray(origin, np.float32) - 1
        high = low + np.asarray(size, np.float32) + 1
        sketch = self._reads(low - COARSE, high + COARSE, np.s_[::COARSE, ::COARSE])
        rows, columns = np.flatnonzero(sketch.any(axis=1)), np.flatnonzero(sketch.any(axis=0))
        if not len(rows):
            return SourceMap((0, 0, 0, 0), self.xy[:0, :0], self.drawn[:0, :0])
        top, left = max(0, (int(rows[0]) - 1) * COARSE), max(0, (int(columns[0]) - 1) * COARSE)
        part = np.s_[top : (rows[-1] + 2) * COARSE, left : (columns[-1] + 2) * COARSE]
        reads = self._reads(low, high, part)
        left, top = self.box[0] + left, self.box[1] + top
        height, width = reads.shape
        xy = self.xy[part] - np.asarray(origin, np.float32)
        return SourceMap((left, top, left + width, top + height), xy, reads)

    def _reads(self, low: Float32Array, high: Float32Array, part: tuple[slice, slice]) -> BoolArray:
        """Which pixels of a part of the map read from between low and high (x, y)."""
        x, y = self.xy[part][..., 0], self.xy[part][..., 1]
        return np.asarray((x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]))


def grid_mesh(mask: BoolArray, step: int, origin: tuple[int, int] = (0, 0)) -> Mesh:
    """The regular grid cells of `step` pixels that touch the mask (H x W bool), two triangles each. origin: (x, y) of
    the mask's top-left pixel."""
    h, w = mask.shape
    rows, cols = -(-h // step), -(-w // step)
    padded = np.zeros((rows * step, cols * step), bool)
    padded[:h, :w] = mask
    cells = padded.reshape(rows, step, cols, step).any(axis=(1, 3))
    r, c = np.nonzero(cells)
    stride = cols + 1
    top_left = r * stride + c
    quads = np.stack([top_left, top_left + 1, top_left + stride + 1, top_left + stride], axis=1)
    used, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(quads.shape)
    vertices = np.stack([used % stride, used // stride], axis=1).astype(np.float32) * step + np.asarray(
        origin, np.float32
    )
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    return Mesh(vertices, triangles)


def _affines(mesh: Mesh, target: Float32Array) -> tuple[Float32Array, BoolArray, BoolArray]:
    """Per triangle the 2 x 3 affine from the output frame to the source, whether it faces us with some area, and
    whether it shows us its back."""
    s = mesh.vertices[mesh.triangles].astype(np.float64)
    t = target[mesh.triangles].astype(np.float64)
    e1, e2 = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    facing, turned = np.isfinite(area) & (area > EDGE), np.isfinite(area) & (area < -EDGE)
    safe = np.where(facing | turned, area, 1.0)
    inverse = np.stack([e2[:, 1], -e2[:, 0], -e1[:, 1], e1[:, 0]], axis=1).reshape(-1, 2, 2) / safe[:, None, None]
    edges = np.stack([s[:, 1] - s[:, 0], s[:, 2] - s[:, 0]], axis=2)
    linear = edges @ inverse
    offset = s[:, 0] - np.einsum("nij,nj->ni", linear, t[:, 0])
    return np.concatenate([linear, offset[:, :, None]], axis=2).astype(np.float32), facing, turned


def source_map(
    mesh: Mesh, target: Float32Array, size: Size, order: Int32Array | None = None, *, backs: bool = False
) -> SourceMap:
    """Rasterise the moved mesh: an id buffer of triangles, then each pixel through its triangle's affine.

    target: N x 2 float32 (x, y) of mesh.vertices in a frame of `size` (width, height).
    order: indices of triangles in drawing order, the last on top; default as stored. backs: draw triangles that were
    flipped over too, under all others: where cloth is pushed together they close what would be a hole.
    """
    affines, facing, turned = _affines(mesh, target)
    draw = np.arange(len(mesh.triangles)) if order is None else order
    draw = np.concatenate([draw[turned[draw]], draw[facing[draw]]]) if backs else draw[facing[draw]]
    box = _bounds(target[mesh.triangles[draw].ravel()], size)
    left, top, right, bottom = box
    ids = np.full((max(bottom - top, 0), max(right - left, 0)), -1, np.int32)
    if ids.size:
        scale = 1 << SUBPIXEL_BITS
        corners = np.round((target[mesh.triangles[draw]] - (left, top)) * scale).astype(np.int32)
        for index, corner in zip(draw.tolist(), corners, strict=True):
            cv2.fillConvexPoly(ids, corner, index, cv2.LINE_8, SUBPIXEL_BITS)
    drawn = ids >= 0
    xy = np.full((*ids.shape, 2), NOWHERE, np.float32)
    ys, xs = np.nonzero(drawn)
    if len(ys):
        a = affines[ids[ys, xs]]
        fx, fy = (xs + left).astype(np.float32), (ys + top).astype(np.float32)
        xy[ys, xs, 0] = a[:, 0, 0] * fx + a[:, 0, 1] * fy + a[:, 0, 2]
        xy[ys, xs, 1] = a[:, 1, 0] * fx + a[:, 1, 1] * fy + a[:, 1, 2]
    return SourceMap(box, xy, drawn)


def source_map_reference(mesh: Mesh, target: Float32Array, size: Size) -> Float32Array:
    """The slow twin of source_map for tests: pixel by pixel barycentric coordinates. H x W x 2, NaN outside the
    mesh."""
    width, height = size
    out = np.full((height, width, 2), np.nan, np.float32)
    ys, xs = np.mgrid[0:height, 0:width]
    for triangle in mesh.triangles:
        a, b, c = target[triangle].astype(np.float64)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area <= EDGE:
            continue
        u = ((b[0] - xs) * (c[1] - ys) - (b[1] - ys) * (c[0] - xs)) / area
        v = ((c[0] - xs) * (a[1] - ys) - (c[1] - ys) * (a[0] - xs)) / area
        inside = (u >= -EDGE) & (v >= -EDGE) & (u + v <= 1 + EDGE)
        weights = np.stack([u, v, 1 - u - v], axis=2)[inside]
        out[inside] = weights @ mesh.vertices[triangle]
    return out


def _bounds(points: Float32Array, size: Size) -> tuple[int, int, int, int]:
    """The frame's part of the points' bounding box, one pixel wider."""
    if not len(points):
        return 0, 0, 0, 0
    low = np.clip(np.floor(points.min(axis=0)) - 1, 0, size).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 2, 0, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def resample(image: np.ndarray, source: SourceMap, interpolation: int = cv2.INTER_CUBIC) -> np.ndarray:
    """Read an H x W (x C) image through the map; h x w (x C) of the map's box, 0 (black) where nothing is drawn or the
    image ends."""
    if not source.drawn.size:
        return np.zeros((*source.drawn.shape, *image.shape[2:]), image.dtype)
    return np.asarray(cv2.remap(image, source.xy, None, interpolation, borderMode=cv2.BORDER_CONSTANT))  # type: ignore[call-overload]
