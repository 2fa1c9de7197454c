"""The colour a plain background has, or would have behind the person, and how much it varies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array

_PLAIN = 7.0
"""Largest local standard deviation, in grey levels, of a background that counts as plain."""
_REACH_M = 0.15
_FIT_STEP = 6


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
        difference = rgb - self.colour
        return np.asarray(np.sqrt(cv2.transform(difference * difference, np.ones((1, 3), np.float32))), np.float32)


def fit_background(rgb: Float32Array, outside: BoolArray, scale: float) -> Background:
    """A smooth surface through the sure background, corrected by what lies within reach.

    rgb: h x w x 3 in [0, 255]; outside: h x w, sure background; scale: pixels per metre.
    """
    surface = _fit_surface(rgb, outside)
    # A bag or a passer-by before a plain wall must not colour it.
    error = _largest(np.abs(rgb - surface))
    usual = float(np.median(error[outside])) if outside.any() else 0.0
    weight = (outside & (error <= 4 * usual + 6)).astype(np.float32)
    side = max(round(2 * _REACH_M * scale), 5) | 1
    norm = np.asarray(cv2.blur(weight, (side, side)), np.float32)
    residual = (rgb - surface) * weight[..., np.newaxis]
    scaled = np.maximum(norm, 1e-6)[..., np.newaxis]
    # Where little background is near, the surface alone must do.
    near = np.asarray(cv2.blur(residual, (side, side)) / scaled, np.float32)
    square = np.asarray(cv2.blur(residual * residual, (side, side)) / scaled, np.float32)
    noise = np.sqrt(np.maximum(_largest(square - near * near), 0))
    overall = float(np.sqrt((residual**2).sum() / max(3 * weight.sum(), 1)))
    known = norm > 0.02
    noise = np.where(known, noise, overall).astype(np.float32)
    colour = surface + near * np.minimum(norm / 0.1, 1)[..., np.newaxis]
    return Background(np.asarray(colour, np.float32), noise, noise < _PLAIN, usual)


def _fit_surface(rgb: Float32Array, outside: BoolArray) -> Float32Array:
    """A second-order polynomial per channel by least squares, fitted again without the worst pixels."""
    height, width = outside.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)
    step = np.s_[::_FIT_STEP, ::_FIT_STEP]
    used = outside[step]
    design, colours = terms[step][used], rgb[step][used]
    if len(design) < 4 * terms.shape[2]:
        return np.broadcast_to(rgb.reshape(-1, 3).mean(axis=0), rgb.shape).astype(np.float32)
    weights = np.linalg.lstsq(design, colours, rcond=None)[0]
    error = np.abs(colours - design @ weights).max(axis=1)
    kept = error <= 2.5 * np.sqrt(np.mean(error**2)) + 1
    weights = np.linalg.lstsq(design[kept], colours[kept], rcond=None)[0]
    return np.asarray(terms @ weights, np.float32)


def _largest(image: Float32Array) -> Float32Array:
    """The largest of three channels, h x w; numpy's own reduction over a short last axis is ten times slower."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])
