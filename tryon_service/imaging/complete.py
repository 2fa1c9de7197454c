"""Completing what a photo never showed: cloth behind an arm, the studio behind a person.

All functions take H x W x 3 uint8 pictures and H x W bool masks of the pixels to trust, and return new pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, UInt8Array


def nearest_known(known: BoolArray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns), each H x W int: the known pixel nearest to every pixel. known must not be empty."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, cols = np.nonzero(known)
    row_of, col_of = np.zeros(labels.max() + 1, np.int32), np.zeros(labels.max() + 1, np.int32)
    row_of[labels[rows, cols]], col_of[labels[rows, cols]] = rows, cols
    return row_of[labels], col_of[labels]


def extend_colours(rgb: UInt8Array, known: BoolArray) -> UInt8Array:
    """Every unknown pixel gets its nearest known pixel's colour, so that resampling at an edge bleeds nothing
    foreign."""
    if known.all() or not known.any():
        return rgb.copy()
    rows, cols = nearest_known(known)
    return np.asarray(rgb[rows, cols])


def mirror_fill(rgb: UInt8Array, known: BoolArray, hidden: BoolArray, depth: float) -> UInt8Array:
    """Continue texture into hidden pixels by folding the band of `depth` pixels along the known edge back and forth.

    A folded copy keeps stripes, knit and folds at full sharpness where diffusion (Telea, Navier-Stokes) smears them;
    the
    narrow band keeps whole prints from being repeated. Elsewhere the nearest known colour is continued.
    """
    if known.all() or not known.any():
        return rgb.copy()
    rows, cols = nearest_known(known)
    out = rgb[rows, cols]
    hidden = hidden & ~known
    if not hidden.any():
        return np.asarray(out)
    ys, xs = np.nonzero(hidden)
    away = np.stack([rows[ys, xs] - ys, cols[ys, xs] - xs], axis=1).astype(np.float32)
    distance = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
    folded = depth - np.abs((distance % (2 * depth)) - depth)
    step = away / distance[:, None] * folded[:, None]
    h, w = known.shape
    from_y = np.clip(np.round(rows[ys, xs] + step[:, 0]).astype(int), 0, h - 1)
    from_x = np.clip(np.round(cols[ys, xs] + step[:, 1]).astype(int), 0, w - 1)
    smooth = cv2.GaussianBlur(out, (0, 0), max(depth / 4, 1.0))
    out[hidden] = smooth[hidden]
    usable = known[from_y, from_x]
    out[ys[usable], xs[usable]] = rgb[from_y[usable], from_x[usable]]
    return np.asarray(out)


def push_pull(rgb: UInt8Array, known: BoolArray) -> UInt8Array:
    """Smooth completion through a pyramid (Gortler et al., "The Lumigraph", 1996, section 3.4)."""
    colours = [rgb.astype(np.float32) * known[..., None]]
    weights = [known.astype(np.float32)]
    while min(weights[-1].shape) > 2 and weights[-1].min() <= 0:
        colours.append(np.asarray(cv2.pyrDown(colours[-1]), np.float32))
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    filled = colours[-1] / np.maximum(weights[-1], 1e-6)[..., None]
    for colour, weight in zip(colours[-2::-1], weights[-2::-1], strict=True):
        up = cv2.pyrUp(filled, dstsize=(weight.shape[1], weight.shape[0]))
        share = np.minimum(weight, 1.0)[..., None]
        filled = (
            colour + up * (1 - share)
            if weight is weights[0]
            else _normalised(colour, weight) * share + up * (1 - share)
        )
    out = np.where(known[..., None], rgb, np.clip(np.round(filled), 0, 255))
    return np.asarray(out, np.uint8)


def _normalised(colour: Float32Array, weight: Float32Array) -> Float32Array:
    return np.asarray(colour / np.maximum(weight, 1e-6)[..., None])


def complete_background(rgb: UInt8Array, person: BoolArray) -> UInt8Array:
    """The photo without the person: rows continued between their two ends, which keeps horizons and floor lines,
    blended
    with a smooth completion where a row has only one end or none.

    person: H x W bool; the pixels to replace, a little wider than the person. Grain is carried over from the photo.
    The completion is smooth, so it is made at half size.
    """
    if not person.any():
        return rgb.copy()
    height, width = person.shape
    half = (max(width // 2, 1), max(height // 2, 1))
    small = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)
    gone = cv2.resize(person.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0
    smooth = push_pull(small, ~gone).astype(np.float32)
    rows, trust = _between_row_ends(small, gone)
    filled = rows * trust[..., None] + smooth * (1 - trust[..., None])
    filled = cv2.GaussianBlur(filled, (0, 0), sigmaX=3.0, sigmaY=2.0)
    filled = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR) + _grain(rgb, person)
    edge = cv2.blur(person.astype(np.float32), (5, 5))[..., None]
    mixed = rgb.astype(np.float32) * (1 - edge) + filled * edge
    return np.asarray(np.clip(np.round(np.where(person[..., None], filled, mixed)), 0, 255), np.uint8)


def _between_row_ends(rgb: UInt8Array, person: BoolArray) -> tuple[Float32Array, Float32Array]:
    """Each row's gap filled linearly from its left and right ends (means of 5 x 5 pixels); trust in it, H x W in [0,
    1]."""
    h, w = person.shape
    weight = cv2.blur((~person).astype(np.float32), (5, 5))
    mean = cv2.blur(rgb.astype(np.float32) * (~person)[..., None], (5, 5)) / np.maximum(weight, 1e-6)[..., None]
    columns = np.broadcast_to(np.arange(w), (h, w))
    left = np.maximum.accumulate(np.where(person, -1, columns), axis=1)
    right = np.minimum.accumulate(np.where(person, w, columns)[:, ::-1], axis=1)[:, ::-1]
    both = (left >= 0) & (right < w)
    index = np.arange(h)[:, None]
    share = ((columns - left) / np.maximum(right - left, 1)).astype(np.float32)[..., None]
    a, b = mean[index, np.clip(left, 0, w - 1)], mean[index, np.clip(right, 0, w - 1)]
    trust = cv2.GaussianBlur(both.astype(np.float32), (0, 0), 2.0) * both
    return np.asarray(a * (1 - share) + b * share, np.float32), np.asarray(trust, np.float32)


def _grain(rgb: UInt8Array, person: BoolArray) -> Float32Array:
    """Noise as strong as the photo's own on flat ground, from a fixed seed; H x W x 1 float32, the same in all
    colours."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    residual = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), 1.5))[~person]
    sigma = float(residual.mean()) * 1.25 if len(residual) else 0.0
    noise = np.random.default_rng(0).standard_normal((*person.shape, 1), np.float32)
    return noise * np.float32(min(sigma, 2.5))
