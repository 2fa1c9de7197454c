"""Known pixels continued into unknown ones: nearest colours, mirrored texture, smooth interpolation.

All functions take H x W x 3 uint8 pictures and H x W bool masks of the pixels to trust, and return new pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, Float32Array, Int32Array, UInt8Array


def nearest_known(known: BoolArray) -> Int32Array:
    """H x W int32: the known pixel nearest to every pixel, as an index into the flattened picture; see at_pixels. known
    must not be empty."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(np.flatnonzero(known).astype(np.int32)[labels - 1])  # labels count the known pixels row by row


def at_pixels(values: np.ndarray, at: Int32Array) -> np.ndarray:
    """values (H x W or H x W x C) at pixels given as indices into the flattened picture."""
    return np.take(values.reshape(-1, *values.shape[2:]), at, axis=0)


def extend_colours(rgb: UInt8Array, known: BoolArray) -> UInt8Array:
    """Every unknown pixel gets its nearest known pixel's colour, so that resampling at an edge bleeds nothing
    foreign."""
    if known.all() or not known.any():
        return rgb.copy()
    return at_pixels(rgb, nearest_known(known))


def mirror_fill(rgb: UInt8Array, known: BoolArray, hidden: BoolArray, depth: float) -> UInt8Array:
    """Continue texture into hidden pixels by folding the band of `depth` pixels along the known edge back and forth.

    A folded copy keeps stripes, knit and folds at full sharpness where diffusion (Telea, Navier-Stokes) smears them;
    the narrow band keeps whole prints from being repeated. Elsewhere the nearest known colour is continued.
    """
    if known.all() or not known.any():
        return rgb.copy()
    nearest = nearest_known(known)
    out = at_pixels(rgb, nearest)
    hidden = hidden & ~known
    if not hidden.any():
        return out
    ys, xs = np.nonzero(hidden)
    rows, columns = np.divmod(nearest[hidden], known.shape[1])
    away = np.stack([rows - ys, columns - xs], axis=1).astype(np.float32)
    distance = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
    folded = depth - np.abs((distance % (2 * depth)) - depth)
    step = away / distance[:, None] * folded[:, None]
    h, w = known.shape
    from_y = np.clip(np.round(rows + step[:, 0]).astype(int), 0, h - 1)
    from_x = np.clip(np.round(columns + step[:, 1]).astype(int), 0, w - 1)
    around = np.s_[max(0, ys.min() - round(depth) - 4) : ys.max() + round(depth) + 5]
    smooth = cv2.GaussianBlur(out[around], (0, 0), max(depth / 4, 1.0))
    out[hidden] = smooth[hidden[around]]
    usable = known[from_y, from_x]
    out[ys[usable], xs[usable]] = rgb[from_y[usable], from_x[usable]]
    return out


def push_pull(rgb: UInt8Array, known: BoolArray) -> UInt8Array:
    """Smooth completion through a pyramid; the known pixels stay as they are."""
    filled = smooth_fill(rgb.astype(np.float32), known.astype(np.float32))
    out = np.where(known[..., None], rgb, np.clip(np.round(filled), 0, 255))
    return np.asarray(out, np.uint8)


def smooth_fill(values: Float32Array, trust: Float32Array) -> Float32Array:
    """Push and pull (Gortler et al., "The Lumigraph", 1996, section 3.4).

    values: H x W x C float32; trust: H x W float32 in [0, 1]. H x W x C float32: values where they are fully trusted,
    the mean of ever wider surroundings where they are not.
    """
    colours, weights = [values * trust[..., None]], [trust]
    while min(weights[-1].shape) > 2 and weights[-1].min() <= 0:
        colours.append(np.asarray(cv2.pyrDown(colours[-1]), np.float32).reshape(*_half(weights[-1]), -1))
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    mean = colours[-1].sum(axis=(0, 1)) / max(float(weights[-1].sum()), 1e-6)
    filled = np.where(weights[-1][..., None] > 1e-4, _normalised(colours[-1], weights[-1]), mean.astype(np.float32))
    for colour, weight in zip(colours[-2::-1], weights[-2::-1], strict=True):
        up = cv2.pyrUp(filled, dstsize=(weight.shape[1], weight.shape[0])).reshape(colour.shape)
        share = np.minimum(weight, np.float32(1))[..., None]
        filled = np.asarray(_normalised(colour, weight) * share + up * (1 - share), np.float32)
    return filled


def _half(array: Float32Array) -> tuple[int, int]:
    return (array.shape[0] + 1) // 2, (array.shape[1] + 1) // 2


def _normalised(colour: Float32Array, weight: Float32Array) -> Float32Array:
    return np.asarray(colour / np.maximum(weight, np.float32(1e-6))[..., None], np.float32)
