"""The colour a plain background has, or would have behind the person, and how much it varies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import BoolArray, Float32Array

_PLAIN = 7.0
"""Largest local standard deviation, in grey levels, of a background that counts as plain."""
_REACH_M = 0.15
_FIT_STEP = 6
_MEDIAN_STEP = 3
_REDUCTION = 4
"""How much smaller the fields that a wide blur makes anyway are computed."""


@dataclass(frozen=True)
class Background:
    """colour: h x w x 3 float32 in [0, 255]; noise: h x w, its local standard deviation in grey levels;
    plain: h x w bool, where the two can be relied on; usual: the surface's median error over the whole background."""

    colour: Float32Array
    noise: Float32Array
    plain: BoolArray
    usual: float

    def distance(self, rgb: Float32Array) -> Float32Array:
        """How far each pixel's colour is from the background's, h x w, in grey levels."""
        difference = cv2.subtract(rgb, self.colour)
        squared = cv2.transform(cv2.multiply(difference, difference), np.ones((1, 3), np.float32))
        return np.asarray(cv2.sqrt(squared), np.float32)


def fit_background(rgb: Float32Array, outside: BoolArray, scale: float) -> Background:
    """A smooth surface through the sure background, corrected by what lies within reach.

    rgb: h x w x 3 in [0, 255]; outside: h x w, sure background; scale: pixels per metre.
    """
    surface = _fit_surface(rgb, outside)
    residual = np.asarray(cv2.subtract(rgb, surface), np.float32)
    # A bag or a passer-by before a plain wall must not colour it.
    error = _largest(np.abs(residual))
    step = np.s_[::_MEDIAN_STEP, ::_MEDIAN_STEP]
    usual = float(np.median(error[step][outside[step]])) if outside[step].any() else 0.0
    weight = (outside & (error <= 4 * usual + 6)).astype(np.float32)
    residual *= weight[..., np.newaxis]
    near, noise, norm = _around(residual, weight, max(2 * _REACH_M * scale, 5))
    overall = float(np.sqrt(np.vdot(residual, residual) / max(3 * float(weight.sum()), 1)))
    noise = np.where(norm > 0.02, noise, np.float32(overall))
    # Where little background is near, the surface alone must do.
    near *= np.minimum(norm / np.float32(0.1), 1)[..., np.newaxis]
    size = (rgb.shape[1], rgb.shape[0])
    colour = cv2.add(surface, cv2.resize(near, size, interpolation=cv2.INTER_LINEAR))
    noise = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return Background(np.asarray(colour, np.float32), noise, noise < _PLAIN, usual)


def _around(
    residual: Float32Array, weight: Float32Array, side: float
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Mean of the residual, its standard deviation and the share of known pixels in squares of side pixels, each
    h x w x 3, h x w and h x w, _REDUCTION times smaller.

    residual: h x w x 3, 0 where the weight is; weight: h x w of 0 and 1.
    """
    size = tuple(max(round(length / _REDUCTION), 1) for length in weight.shape[::-1])
    kernel = (max(round(side / _REDUCTION), 1) | 1,) * 2

    def mean(image: Float32Array) -> Float32Array:
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.blur(small, kernel), np.float32)

    norm = mean(weight)
    known = np.maximum(norm, np.float32(1e-6))[..., np.newaxis]
    near = np.asarray(mean(residual) / known, np.float32)
    square = np.asarray(mean(residual * residual) / known, np.float32)
    return near, np.sqrt(np.maximum(_largest(square - near * near), np.float32(0))), norm


def _fit_surface(rgb: Float32Array, outside: BoolArray) -> Float32Array:
    """A second-order polynomial per channel by least squares, fitted again without the worst pixels."""
    y, x = (np.linspace(-1, 1, length) for length in outside.shape)
    step = slice(None, None, _FIT_STEP)
    used = outside[step, step]
    design = _terms(*(grid[used] for grid in np.meshgrid(x[step], y[step])))
    colours = rgb[step, step][used].astype(np.float64)
    if len(design) < 4 * design.shape[1]:
        return np.broadcast_to(rgb.reshape(-1, 3).mean(axis=0), rgb.shape).astype(np.float32)
    weights = _least_squares(design, colours)
    error = np.abs(colours - design @ weights).max(axis=1)
    kept = error <= 2.5 * np.sqrt(np.mean(error**2)) + 1
    weights = _least_squares(design[kept], colours[kept])
    # (1, y, y^2) times what is left of the polynomial for each column and channel.
    one, zero = np.ones_like(x), np.zeros_like(x)
    across = np.array([[one, x, zero, x * x, zero, zero], [zero, zero, one, zero, x, zero], [*[zero] * 5, one]])
    level, slope, bend = np.einsum("itx,tc->ixc", across, weights).astype(np.float32)
    down = y.astype(np.float32)[:, np.newaxis, np.newaxis]
    return np.asarray((bend * down + slope) * down + level, np.float32)


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _least_squares(design: NDArray[np.float64], colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """By the normal equations, in float64: six well-scaled terms need no more, and a decomposition takes ten times as
    long."""
    return np.asarray(np.linalg.lstsq(design.T @ design, design.T @ colours, rcond=None)[0])


def _largest(image: Float32Array) -> Float32Array:
    """The largest of three channels, h x w; numpy's own reduction over a short last axis is ten times slower."""
    first, second, third = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(first, second), third), np.float32)
