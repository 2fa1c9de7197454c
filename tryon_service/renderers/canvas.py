"""Layers drawn one over the other in the output frame, with straight alpha."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.imaging.warp import SourceMap, resample
from tryon_service.types import BoolArray, Float32Array, Layer, Part, Rendered, Size, UInt8Array

REAL = 128
"""Bit that marks the photo's own pixels beside a Part id."""
TRACE = 0.3
"""Alpha from which something shows."""
LEAK = 7
"""Width in pixels of a half transparent place that is no edge: there two layers fade out and neither covers."""
FAINT = 0.15
"""Alpha that such a place has everywhere."""
SPECK = 0.003
"""Largest loose piece that is what a cut left over, as a share of the person."""


def _attached(alpha: Float32Array) -> BoolArray:
    """H x W bool: not part of a loose speck."""
    shows = (alpha > TRACE).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(shows, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = areas >= SPECK * max(int(areas[1:].sum()), 1)
    kept[0] = True
    return np.asarray(kept[labels])


@dataclass
class Canvas:
    """What has been drawn so far. rgba: H x W x 4 uint8, whose last channel means nothing; alpha: H x W float32 in
    [0, 1]; real: H x W float32, alpha times the share of real pixels; parsing: H x W uint8."""

    rgba: UInt8Array
    alpha: Float32Array
    real: Float32Array
    parsing: UInt8Array

    @classmethod
    def empty(cls, size: Size) -> Canvas:
        """size: (width, height)."""
        shape = size[1], size[0]
        flat = np.zeros(shape, np.float32)
        return cls(np.zeros((*shape, 4), np.uint8), flat, flat.copy(), np.zeros(shape, np.uint8))

    def paint(self, layer: Layer, source: SourceMap, opacity: float = 1.0) -> None:
        """Draw a layer through a map into the photo that it was cut from."""
        if opacity <= 0:
            return
        part = source.within(layer.origin, (layer.parts.shape[1], layer.parts.shape[0]))
        left, top, right, bottom = part.box
        if right <= left or bottom <= top:
            return
        colour = resample(layer.rgba, part, cv2.INTER_CUBIC)
        marks = resample(layer.parts | (layer.real & REAL), part, cv2.INTER_NEAREST)
        share = np.multiply(colour[..., 3], np.float32(opacity / 255), dtype=np.float32)
        rest = 1.0 - share
        window = np.s_[top:bottom, left:right]
        below = self.alpha[window] * rest
        # blendLinear divides by the sum of its weights, which makes it the over operator for straight alpha
        self.rgba[window] = cv2.blendLinear(colour, np.ascontiguousarray(self.rgba[window]), share, below)
        self.real[window] *= rest
        self.real[window] += share * (marks >= REAL)
        self.alpha[window] = share + below
        np.copyto(self.parsing[window], marks & (REAL - 1), where=share > 0.5)

    def rendered(self) -> Rendered:
        """The person, without specks that hang on nothing and without leaks between layers."""
        self.alpha *= _attached(self.alpha)
        self.alpha[self._leaking()] = 1.0
        coverage = np.divide(self.real, self.alpha, out=np.zeros_like(self.real), where=self.alpha > 1e-6)
        parsing = np.where(self.alpha > 0.5, self.parsing, np.uint8(0))
        rgb = np.ascontiguousarray(self.rgba[..., :3])
        return Rendered(rgb, np.clip(self.alpha, 0.0, 1.0), np.clip(coverage, 0.0, 1.0), parsing)

    def _leaking(self) -> BoolArray:
        """H x W bool: inside the person, yet half transparent; only hair may be."""
        solid = cv2.erode(self.alpha, np.ones((LEAK, LEAK), np.uint8)) > FAINT
        return np.asarray(solid & (self.parsing != Part.HAIR))
