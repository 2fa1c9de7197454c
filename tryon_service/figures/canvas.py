"""The drawing surface: shapes painted back to front with volume, at twice the picture's size.

Each shape is blown up into a height field (distance to its edge, rounded) and lit from the upper left, so that flat
outlines look like bodies; a map of part ids is painted along, so that masks are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import Float32Array, Part, Size, UInt8Array

SUPERSAMPLING = 2
"""Canvas pixels per picture pixel, each way."""

Points = NDArray[np.floating[Any]]
"""N x 2 (x, y) in canvas pixels."""
Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""

_LIGHT = np.array([-0.45, -0.58, 0.68], np.float32)
_SHIFT = 4


@dataclass(frozen=True)
class Shape:
    """A filled outline. x, y: canvas pixel of the masks' corner; mask: h x w uint8, 255 inside.

    volume: h x w uint8, the body that is lit. It is larger than the mask where cloth was cut off, since a hem or a
    neckline lies on the body and doesn't round off as an outline does.
    """

    x: int
    y: int
    mask: UInt8Array
    volume: UInt8Array

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas that the mask covers."""
        height, width = self.mask.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)

    def without(self, other: Shape) -> Shape:
        """This shape less another one's pixels; its volume stays."""
        mask = self.mask.copy()
        x0, y0 = max(self.x, other.x), max(self.y, other.y)
        x1 = min(self.x + mask.shape[1], other.x + other.mask.shape[1])
        y1 = min(self.y + mask.shape[0], other.y + other.mask.shape[0])
        if x0 < x1 and y0 < y1:
            hole = other.mask[y0 - other.y : y1 - other.y, x0 - other.x : x1 - other.x]
            mask[y0 - self.y : y1 - self.y, x0 - self.x : x1 - self.x][hole > 0] = 0
        return Shape(self.x, self.y, mask, self.volume)


@dataclass(frozen=True)
class Frame:
    """Surface coordinates of a body part: metres u across and v along it, from an origin in canvas pixels.

    bend: the bone that goes on from the joint `length` metres along; v runs on through it.
    """

    origin: Points
    along: Points
    scale: float
    bend: Frame | None = None
    length: float = 0.0

    @classmethod
    def of_bone(cls, start: Points, end: Points, scale: float) -> Frame:
        """v runs from start to end."""
        step = end - start
        return cls(start, step / max(float(np.linalg.norm(step)), 1e-3), scale)

    @classmethod
    def of_limb(cls, start: Points, joint: Points, end: Points, scale: float) -> Frame:
        """v runs from start over the joint to end."""
        upper, lower = cls.of_bone(start, joint, scale), cls.of_bone(joint, end, scale)
        return cls(start, upper.along, scale, lower, float(np.linalg.norm(joint - start)) / scale)

    def coordinates(self, shape: Shape, step: int = 1) -> tuple[Float32Array, Float32Array]:
        """(u, v) in metres of every step-th pixel of the shape, each ceil(h / step) x ceil(w / step) float32."""
        height, width = shape.mask.shape
        x = (np.arange(0, width, step, dtype=np.float32) + shape.x - self.origin[0])[None] / self.scale
        y = (np.arange(0, height, step, dtype=np.float32) + shape.y - self.origin[1])[:, None] / self.scale
        ax, ay = float(self.along[0]), float(self.along[1])
        u, v = (x * ay - y * ax).astype(np.float32), (x * ax + y * ay).astype(np.float32)
        if self.bend is None:
            return u, v
        u_lower, v_lower = self.bend.coordinates(shape, step)
        lower = v - self.length + v_lower > 0
        return np.where(lower, u_lower, u), np.where(lower, v_lower + self.length, v)


def curve(points: Sequence[Sequence[float] | Points] | Points, *, closed: bool, steps: int = 8) -> Points:
    """A Catmull-Rom spline through N points of any dimension, steps samples a span, float32."""
    p = np.asarray(points, np.float32)
    before, after = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    p = np.concatenate([before, p, after])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    spline = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    samples = spline.reshape(-1, p.shape[1])
    return (samples if closed else np.concatenate([samples, p[-2:-1]])).astype(np.float32)


def disc(centre: Points, radius: float) -> Points:
    """A circle's outline."""
    a = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return (centre + radius * np.stack([np.cos(a), np.sin(a)], 1)).astype(np.float32)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _smoothstep(x: Float32Array) -> Float32Array:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


class Canvas:
    """rgb: 2h x 2w x 3 float32, 0 to 255; labels: 2h x 2w uint8 of Part ids; for a picture of size (w, h)."""

    def __init__(self, background: UInt8Array) -> None:
        """background: h x w x 3 uint8 RGB, the picture behind the figure."""
        height, width = background.shape[:2]
        self.size: Size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.rgb: Float32Array = cv2.resize(background, self.size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
        self.labels: UInt8Array = np.zeros((self.size[1], self.size[0]), np.uint8)

    def shape(self, outlines: Sequence[Points], soften: float = 0.0, beside: Sequence[Points] = ()) -> Shape:
        """The union of closed outlines; soften rounds its corners by about so many canvas pixels.

        beside: outlines that belong to the lit volume only: the shape runs on into them without an edge.
        """
        corners = np.concatenate([*outlines, *beside])
        pad = int(3 * soften) + 4
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - pad, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + pad, self.size)
        mask = np.zeros((max(y1 - y0, 1), max(x1 - x0, 1)), np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [_fixed(outline - (x0, y0))], 255, cv2.LINE_8, _SHIFT)
        if soften > 0:
            mask = np.where(cv2.GaussianBlur(mask, (0, 0), soften) > 127, 255, 0).astype(np.uint8)
        volume = mask.copy() if beside else mask
        for outline in beside:
            cv2.fillPoly(volume, [_fixed(outline - (x0, y0))], 255, cv2.LINE_8, _SHIFT)
        return Shape(int(min(x0, self.size[0] - 1)), int(min(y0, self.size[1] - 1)), mask, volume)

    def paint(
        self,
        shape: Shape,
        colour: Colour | Float32Array,
        part: Part | None,
        *,
        depth: float,
        bump: Float32Array | None = None,
        warmth: float = 0.0,
        shadow: float = 0.35,
    ) -> None:
        """Paint a shape with volume.

        colour: RGB, or h x w x 3 float32 of the mask's shape; part: its id, None leaves the labels alone.
        depth: canvas pixels from the edge inwards over which the surface rounds; bump: relief in canvas pixels at half
        the mask's resolution; warmth: how much shades turn red, as skin does; shadow: darkness thrown on what
        lies below.
        """
        if shadow > 0:
            self._throw_shadow(shape, depth, shadow)
        light = self._light(shape.volume, depth, bump)
        tint = np.array([1 - 0.35 * warmth, 1.0, 1 + 0.15 * warmth], np.float32)
        shade = light[:, :, None] ** tint if warmth else light[:, :, None]
        lit = np.minimum(np.asarray(colour, np.float32) * shade, 255)
        inside = shape.mask > 0
        rows, columns = shape.window
        self.rgb[rows, columns][inside] = lit[inside]
        if part is not None:
            self.labels[rows, columns][inside] = part

    def blend(self, outlines: Sequence[Points], colour: Colour, opacity: float = 1.0, blur: float = 0.0) -> None:
        """Lay a flat, optionally blurred patch over what is there; labels stay, and so does the background."""
        corners = np.concatenate(outlines)
        pad = int(3 * blur) + 2
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - pad, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + pad, self.size)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [_fixed(outline - (x0, y0))], 255, cv2.LINE_AA, _SHIFT)
        if blur > 0:
            mask = cv2.GaussianBlur(mask, (0, 0), blur)
        self._mix(mask, x0, y0, colour, opacity)

    def stroke(self, line: Points, colour: Colour, width: float, opacity: float = 1.0) -> None:
        """An open line of so many canvas pixels width on the figure."""
        pad = int(width) + 3
        x0, y0 = np.maximum(np.floor(line.min(0)).astype(int) - pad, 0)
        x1, y1 = np.minimum(np.ceil(line.max(0)).astype(int) + pad, self.size)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        thickness = max(1, round(width))
        cv2.polylines(mask, [_fixed(line - (x0, y0))], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        self._mix(mask, x0, y0, colour, opacity)

    def _mix(self, mask: UInt8Array, x0: int, y0: int, colour: Colour, opacity: float) -> None:
        height, width = mask.shape
        window = slice(y0, y0 + height), slice(x0, x0 + width)
        on_figure = self.labels[window] > 0
        alpha = (mask.astype(np.float32) * (opacity / 255) * on_figure)[:, :, None]
        self.rgb[window] += alpha * (np.asarray(colour, np.float32) - self.rgb[window])

    def _throw_shadow(self, shape: Shape, depth: float, strength: float) -> None:
        spread = max(2.0, 0.22 * depth)
        pad = int(3 * spread)
        x0, y0 = max(shape.x - pad, 0), max(shape.y - pad, 0)
        height, width = shape.mask.shape
        x1, y1 = min(shape.x + width + pad, self.size[0]), min(shape.y + height + pad, self.size[1])
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        mask[shape.y - y0 : shape.y - y0 + height, shape.x - x0 : shape.x - x0 + width] = shape.mask
        small = cv2.resize(mask, ((x1 - x0 + 3) // 4, (y1 - y0 + 3) // 4), interpolation=cv2.INTER_AREA)
        offset = np.array([[1, 0, 0.5 * spread / 4], [0, 1, 0.8 * spread / 4]], np.float32)
        small = cv2.warpAffine(small, offset, (small.shape[1], small.shape[0]))
        soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), spread / 4), (x1 - x0, y1 - y0))
        window = slice(y0, y1), slice(x0, x1)
        amount = soft.astype(np.float32) * (strength / 255) * (self.labels[window] > 0)
        self.rgb[window] *= 1 - amount[:, :, None]

    @staticmethod
    def _light(mask: UInt8Array, depth: float, bump: Float32Array | None) -> Float32Array:
        """h x w float32, about 1 where the surface faces the camera."""
        height, width = mask.shape
        small = cv2.resize(mask, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_NEAREST)
        small = cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        radius = max(depth / 2, 1.0)
        distance = cv2.distanceTransform((small > 0).astype(np.uint8), cv2.DIST_L2, 3)
        inward = np.clip(distance / radius, 0, 1)
        relief = radius * np.sqrt(inward * (2 - inward))
        relief = cv2.GaussianBlur(relief, (0, 0), max(0.16 * radius, 0.8))[1:-1, 1:-1]
        if bump is not None:
            relief = relief + bump / 2
        gx = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
        gy = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
        facing = (_LIGHT[2] - gx * _LIGHT[0] - gy * _LIGHT[1]) / np.sqrt(1 + gx * gx + gy * gy)
        light = 0.46 + 0.68 * np.maximum(facing, 0) + 0.08 * _smoothstep(inward[1:-1, 1:-1])
        # Highlights are held back as film does, so that pale skin and white cloth keep their colour.
        light = np.where(light > 1, 1 + 0.45 * (light - 1), light)
        return np.asarray(cv2.resize(np.asarray(light, np.float32), (width, height)), np.float32)
