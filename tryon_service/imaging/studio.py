"""What a plain studio looks like behind and beside a person: paper, wall and floor, without the person's shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.imaging.extend import smooth_fill
from tryon_service.types import BoolArray, Float32Array, UInt8Array

WORK_SIDE = 256
"""Longer side of the picture that is fitted, pixels."""
FAR = 0.15
"""Distance from the person from which a pixel is fully believed to be unshadowed, as a share of the picture's side."""
DARKER, BRIGHTER = 2.0, 5.0
"""Scale of what counts as an outlier, grey levels: shadows are looked for, highlights are not."""
SHADOW = 2.0
"""How much darker than the studio a shadow is at least, grey levels."""
ROUGH, UNEVEN = 4.0, 25.0
"""A studio is plain when 9 of 10 pixels are as smooth as this, and 3 of 4 as near to the fit, grey levels."""
ROUNDS = 5


@dataclass(frozen=True)
class Studio:
    """A plain studio at a reduced size.

    clean: h x w x 3 float32, its colours without person and shadow; photo: h x w x 3 float32, the photo's, continued
    behind the person; shadow: h x w float32 in [0, 1], where the photo is darker for the person's sake.
    """

    clean: Float32Array
    photo: Float32Array
    shadow: Float32Array


def fit_studio(rgb: UInt8Array, person: BoolArray) -> Studio | None:
    """The studio behind a person, or None where the background is not plain.

    rgb: H x W x 3 uint8; person: H x W bool, a little wider than the person. Rows of any brightness (horizon, floor
    line, the paper's roll) plus a cubic across them, fitted by iteratively reweighted least squares that mistrust what
    is dark and near the person; what the fit leaves is continued smoothly, except in the person's shadow.
    """
    small, known = _reduced(rgb, person)
    if known.mean() < 0.1 or not _is_smooth(small.mean(axis=2), known):
        return None
    near = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    trust = known * np.clip(near / (FAR * max(known.shape)), 0.05, 1).astype(np.float32)
    surface = _robust_surface(small, trust)
    rest = small - surface
    grey = rest.mean(axis=2)
    if np.percentile(np.abs(grey[known]), 75) > UNEVEN:
        return None
    dark = _shadow(grey, known)
    believed = known * np.clip(1 + dark * grey / SHADOW, 0, 1).astype(np.float32)
    clean = surface + cv2.GaussianBlur(smooth_fill(rest, believed), (0, 0), 1.5)
    photo = smooth_fill(small, known.astype(np.float32))
    soft = cv2.GaussianBlur(cv2.dilate(dark.astype(np.float32), np.ones((5, 5))), (0, 0), 1.5)
    soft = soft * np.clip(2 - near / (FAR * max(known.shape)), 0, 1)
    return Studio(np.asarray(clean, np.float32), photo, np.asarray(soft, np.float32))


def _reduced(rgb: UInt8Array, person: BoolArray) -> tuple[Float32Array, BoolArray]:
    """rgb and what is known of it, the longer side WORK_SIDE pixels."""
    height, width = person.shape
    scale = min(WORK_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 2), max(round(height * scale), 2)
    gone = cv2.resize(person.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32), np.asarray(gone < 1e-3)


def _robust_surface(small: Float32Array, trust: Float32Array) -> Float32Array:
    """h x w x 3 float32: for every row one colour, and over all a polynomial that varies across the rows."""
    height, width = trust.shape
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    flat = np.ones_like(y)
    basis = np.stack([x * flat, x**2 * flat, x**3 * flat, x**4 * flat, x * y, x**2 * y, x**2 * y**2], axis=-1)
    weight, across = trust, np.zeros_like(small)
    surface = small
    for _ in range(ROUNDS):
        rows = _row_means(small - across, weight)
        a = (basis * weight[..., None]).reshape(-1, basis.shape[-1])
        gram = a.T @ basis.reshape(-1, basis.shape[-1]) + np.float32(1e-2) * np.eye(basis.shape[-1], dtype=np.float32)
        across = basis @ np.linalg.solve(gram, a.T @ (small - rows).reshape(-1, 3)).astype(np.float32)
        surface = rows + across
        error = (small - surface).mean(axis=2)
        weight = trust / np.square(1 + np.square(error / np.where(error < 0, DARKER, BRIGHTER)))
    return np.asarray(surface, np.float32)


def _row_means(values: Float32Array, weight: Float32Array) -> Float32Array:
    """h x 1 x 3 float32 weighted means; rows that show little of the background borrow from their neighbours."""
    total = (values * weight[..., None]).sum(axis=1, keepdims=True)
    count = weight.sum(axis=1, keepdims=True)[..., None]
    for sigma, share in ((4.0, 0.1), (16.0, 1e-3)):
        total += share * cv2.GaussianBlur(total, (1, 0), 0.001, sigmaY=sigma).reshape(total.shape)
        count += share * cv2.GaussianBlur(count, (1, 0), 0.001, sigmaY=sigma).reshape(count.shape)
    return np.asarray(total / np.maximum(count, 1e-6), np.float32)


def _is_smooth(grey: Float32Array, known: BoolArray) -> bool:
    inner = cv2.erode(known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    rough = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5))[inner]
    return len(rough) > 0 and bool(np.percentile(rough, 90) < ROUGH)


def _shadow(grey: Float32Array, known: BoolArray) -> BoolArray:
    """Where the photo is darker than the fit, in one piece with the person."""
    dark = known & (cv2.GaussianBlur(grey, (0, 0), 1.0) < -SHADOW / 4)
    reach = cv2.dilate((~known).astype(np.uint8), np.ones((7, 7), np.uint8))
    _, pieces = cv2.connectedComponents((dark | (reach > 0)).astype(np.uint8))
    touching = np.unique(pieces[~known])
    return np.asarray(dark & np.isin(pieces, touching[touching > 0]))
