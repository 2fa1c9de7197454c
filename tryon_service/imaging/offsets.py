"""Offsets at which a picture repeats itself (He and Sun, "Statistics of Patch Offsets for Image Completion", 2012).

Offsets are (dx, dy) in pixels: pixel x shows what the photo has at x + offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, Int32Array, UInt8Array

WHOLE = 4
"""All sizes of a Frame are multiples of this, and it may be reduced by the divisors."""
RINGS, SECTORS = 3, 16
"""Lengths and directions for each of which the best offset is tried as well: stripes repeat at any length."""
NEAREST = 4
"""Least offset, pixels: nearer than this everything resembles itself."""
WORST = np.float32(1e8)
"""Difference at an offset that isn't to be used."""
HERE = np.zeros(2, np.int32)


def dominant_offsets(frame: Frame, count: int, level: float = 1.0) -> Int32Array:
    """N x 2 int32: of the `count` offsets at which the known picture resembles itself best, and of the best ones of
    every length and direction, those from which a fair part of the hole can be filled.

    level: the steepest offset allowed, its dy as a share of the frame's reach.
    """
    difference, overlap = _self_difference(frame)
    ys, xs = np.mgrid[-frame.reach : frame.reach + 1, -frame.reach : frame.reach + 1]
    difference[overlap < 0.05 * overlap.max()] = WORST
    difference[(xs**2 + ys**2 < NEAREST**2) | (np.abs(ys) > max(level * frame.reach, 1))] = WORST
    chosen = np.union1d(_lowest(difference, count), _spread(difference, xs, ys, frame.reach))
    offsets = np.stack([xs.ravel()[chosen], ys.ravel()[chosen]], axis=1).astype(np.int32)
    enough = 0.1 * frame.hole.sum()
    useful = [bool(frame.known[frame.at(offset)][frame.hole].sum() > enough) for offset in offsets]
    return np.asarray(offsets[np.array(useful, bool)])


def _lowest(difference: Float32Array, count: int) -> Int32Array:
    """Flat indices of the lowest local minima."""
    minima = np.flatnonzero((cv2.erode(difference, np.ones((5, 5), np.uint8)) == difference) & (difference < WORST))
    order = np.argsort(difference.ravel()[minima], kind="stable")[:count]
    return minima[order].astype(np.int32)


def _spread(difference: Float32Array, xs: Int32Array, ys: Int32Array, reach: int) -> Int32Array:
    """Flat index of the lowest difference in every ring and sector that has any."""
    sector = np.floor((np.arctan2(ys, xs) / np.pi + 1) * SECTORS / 2 + 0.5).astype(int) % SECTORS
    ring = np.floor(np.hypot(xs, ys) / reach * RINGS).astype(int)
    cell = np.where((difference < WORST) & (ring < RINGS), ring * SECTORS + sector, -1).ravel()
    order = np.lexsort((difference.ravel(), cell))
    first = order[np.flatnonzero(np.diff(cell[order], prepend=-2))]
    return first[cell[first] >= 0].astype(np.int32)


def _self_difference(frame: Frame) -> tuple[Float32Array, Float32Array]:
    """Mean squared difference of the known texture with itself at every offset up to reach, and how many pixels it was
    taken over; (2 reach + 1) squared float32 each, row-wise from (-reach, -reach), by FFT."""
    known = frame.known
    grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shape = cv2.getOptimalDFTSize(grey.shape[0]), cv2.getOptimalDFTSize(grey.shape[1])
    centred = (grey - grey[known > 0].mean()) * known
    m, f, square = (np.fft.rfft2(a, shape) for a in (known, centred, centred * centred))
    span = np.arange(-frame.reach, frame.reach + 1)
    part = np.ix_(span % shape[0], span % shape[1])
    overlap = np.maximum(np.fft.irfft2(np.conj(m) * m, shape)[part], 1.0)
    total = np.fft.irfft2(2 * np.real(np.conj(m) * square) - 2 * np.conj(f) * f, shape)[part]
    return np.maximum(total / overlap, 0).astype(np.float32), overlap.astype(np.float32)


@dataclass(frozen=True)
class Frame:
    """The hole and its surroundings, with room to shift.

    window: rows and columns of the photo that are completed; rgb, known: the window with `reach` more pixels on every
    side, known is float32, 1 or 0, and 0 beyond the photo; hole: the window's pixels to complete; thickness: the
    largest distance from one of them to a known pixel.
    """

    window: tuple[slice, slice]
    rgb: UInt8Array
    known: Float32Array
    hole: BoolArray
    reach: int
    thickness: float

    @classmethod
    def around(cls, rgb: UInt8Array, known: BoolArray, hole: BoolArray, thickness: float) -> Frame:
        """All its sizes are multiples of WHOLE."""
        reach = WHOLE * round(min(3 * thickness + 24, max(hole.shape) / 2) / WHOLE) + WHOLE
        rim = round(thickness / 2) + 8
        ys, xs = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        top, left = max(int(ys[0]) - rim, 0), max(int(xs[0]) - rim, 0)
        bottom, right = min(int(ys[-1]) + 1 + rim, hole.shape[0]), min(int(xs[-1]) + 1 + rim, hole.shape[1])
        bottom, right = bottom + (top - bottom) % WHOLE, right + (left - right) % WHOLE
        edges = (reach, reach + WHOLE) * 2
        wide = np.s_[top : bottom + 2 * reach, left : right + 2 * reach]
        return cls(
            np.s_[top:bottom, left:right],
            np.asarray(cv2.copyMakeBorder(rgb, *edges, cv2.BORDER_CONSTANT), np.uint8)[wide],
            cv2.copyMakeBorder(known.astype(np.uint8), *edges, cv2.BORDER_CONSTANT)[wide].astype(np.float32),
            np.pad(hole, ((0, WHOLE), (0, WHOLE)))[top:bottom, left:right],
            reach,
            thickness,
        )

    def reduced(self, factor: int) -> Frame:
        """The frame at 1 / factor of its size; factor divides WHOLE."""
        known, hole = (shrunk(mask.astype(np.float32), factor) for mask in (self.known, self.hole))
        rgb = shrunk(self.rgb, factor)
        sure = (known > 0.99).astype(np.float32)
        return Frame(self.window, rgb, sure, hole > 0, self.reach // factor, self.thickness / factor)

    def at(self, offset: Int32Array) -> tuple[slice, slice]:
        """What the window's pixels see at an offset, as rows and columns of rgb and known."""
        height, width = self.hole.shape
        x, y = self.reach + int(offset[0]), self.reach + int(offset[1])
        return np.s_[y : y + height, x : x + width]


def shrunk(array: np.ndarray, factor: int) -> np.ndarray:
    """The means of factor x factor blocks."""
    size = (array.shape[1] // factor, array.shape[0] // factor)
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA) if factor > 1 else array
