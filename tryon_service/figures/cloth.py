"""Cloth: printed patterns, woven grain, folds and pleats, all functions of surface coordinates in metres."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from tryon_service.figures.canvas import Colour, Frame, Shape
from tryon_service.types import Float32Array

Pattern = Literal["plain", "stripes", "checks", "print"]

_TILE = 256
_EMBLEM_METRES = 0.20
_EMBLEM_BELOW = 0.180


def _noise_tile(rng: np.random.Generator, sigma: float) -> Float32Array:
    """A seamless square of smooth noise of unit variance."""
    white = rng.standard_normal((_TILE, _TILE)).astype(np.float32)
    pad = int(4 * sigma)
    wrapped = cv2.copyMakeBorder(white, pad, pad, pad, pad, cv2.BORDER_WRAP)
    smooth = cv2.GaussianBlur(wrapped, (0, 0), sigma)[pad:-pad, pad:-pad]
    return np.asarray(smooth / smooth.std(), np.float32)


def _emblem() -> Float32Array:
    """256 x 256 float32 in [0, 1]: a ring with a star over two lines of type-like bars."""
    tile = np.zeros((_TILE, _TILE), np.uint8)
    centre = np.array([128, 100])
    cv2.circle(tile, (128, 100), 84, 255, 9, cv2.LINE_AA)
    angles = np.radians(-90 + 36 * np.arange(10))
    radii = np.where(np.arange(10) % 2, 27, 68)
    star = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(tile, [star.round().astype(np.int32)], 255, cv2.LINE_AA)
    for row, lefts in ((204, (34, 62, 78, 112, 140, 158, 196)), (232, (58, 84, 118, 134, 168))):
        for left, right in zip(lefts, (*lefts[1:], lefts[-1] + 26), strict=True):
            cv2.rectangle(tile, (left, row), (right - 7, row + 15), 255, -1)
    return np.asarray(tile / 255, np.float32)


class Cloth:
    """One seed's cloth. scale: canvas pixels per metre."""

    def __init__(self, seed: int, scale: float) -> None:
        rng = np.random.default_rng((seed, 1))
        self.scale = scale
        self._soft = _noise_tile(rng, 9.0)
        self._grain = _noise_tile(rng, 0.8)

    def _sample(self, tile: Float32Array, u: Float32Array, v: Float32Array) -> Float32Array:
        """The tile at (u, v), in tile pixels, repeated without end."""
        columns, rows = (np.mod(x, _TILE - 1).astype(np.float32) for x in (u, v))
        return np.asarray(cv2.remap(tile, columns, rows, cv2.INTER_LINEAR), np.float32)

    def folds(self, frame: Frame, shape: Shape, strength: float) -> Float32Array:
        """Relief in canvas pixels at half the shape's resolution: slack folds, mostly slanting across the part."""
        u, v = frame.coordinates(shape, 2)
        slanted = self._sample(self._soft, 110 * u + 60 * v, 330 * v - 170 * u)
        crossed = self._sample(self._soft, 90 * u - 70 * v + 128, 260 * v + 190 * u)
        return (strength * self.scale * (0.0030 * slanted + 0.0024 * crossed)).astype(np.float32)

    def pleats(self, frame: Frame, shape: Shape) -> Float32Array:
        """Relief of a hanging skirt: folds along it that open towards the hem."""
        u, v = frame.coordinates(shape, 2)
        fall = np.clip((v - 0.40) / 0.35, 0, 1)
        wave = self._sample(self._soft, 330 * u / (1 + 0.4 * fall), 40 * v)
        return np.asarray(self.scale * 0.0075 * fall * wave, np.float32)

    def strands(self, frame: Frame, shape: Shape) -> Float32Array:
        """h x w float32 of about unit variance: fine streaks along v, as hair has."""
        u, v = frame.coordinates(shape)
        bend = u * (1 + 0.8 * v)
        return (
            self._sample(self._grain, 1100 * bend, 40 * v) * 0.5 + self._sample(self._soft, 1500 * bend, 60 * v) * 0.5
        )

    def weave(self, shape: Shape, colour: Colour) -> Float32Array:
        """h x w x 3 float32: one colour with the grain of woven cloth."""
        height, width = shape.mask.shape
        grain = np.resize(self._grain, (height, _TILE))
        grain = np.tile(grain, (1, width // _TILE + 1))[:, :width]
        return np.asarray(colour, np.float32) * (1 + 0.018 * grain[:, :, None])

    def printed(
        self, frame: Frame, shape: Shape, base: Colour, accent: Colour, pattern: Pattern, *, chest: bool
    ) -> Float32Array:
        """h x w x 3 float32 of the mask's shape; chest: whether this part bears the emblem of a print."""
        colour = self.weave(shape, base)
        if pattern == "plain":
            return colour
        u, v = frame.coordinates(shape)
        if pattern == "stripes":
            ink = _bands(v + 0.9 * u * u, 0.052, 0.42)
        elif pattern == "checks":
            ink = 0.5 * _bands(v, 0.064, 0.5) + 0.5 * _bands(u, 0.064, 0.5)
        elif chest:
            pixel = _TILE / _EMBLEM_METRES
            columns, rows = (u * pixel + _TILE / 2), ((v - _EMBLEM_BELOW) * pixel + _TILE / 2)
            ink = np.asarray(cv2.remap(_emblem(), columns, rows, cv2.INTER_LINEAR, borderValue=0), np.float32)
        else:
            return colour
        ink = 0.92 * ink[:, :, None]
        return colour * (1 - ink) + self.weave(shape, accent) * ink


def _bands(x: Float32Array, period: float, share: float) -> Float32Array:
    """1 inside bands of so large a share of the period, 0 between, with soft edges."""
    phase = np.mod(x / period, 1.0)
    return np.asarray(np.clip((share / 2 - np.abs(phase - 0.5)) * 30 + 0.5, 0, 1), np.float32)
