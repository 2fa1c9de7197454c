"""Shift maps: every hidden pixel copies the known pixel at one of a few offsets, so nothing is smeared.

The offsets are those at which the picture repeats itself (He and Sun, "Statistics of Patch Offsets for Image
Completion", 2012), found in its autocorrelation. Which of them a pixel takes is decided by filtering one cost image
per offset (Hosni et al., "Fast Cost-Volume Filtering", 2013) and refined on the completion itself (Wexler et al.,
"Space-Time Completion of Video", 2007). Shading is completed apart from texture, as the smooth thing it is.

Offsets are (dx, dy) in pixels: pixel x shows what the photo has at x + offset.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tryon_service.imaging.offsets import HERE, WHOLE, Frame, dominant_offsets
from tryon_service.types import BoolArray, Float32Array, Int32Array, UInt8Array

Shading = tuple[Float32Array, Float32Array]
"""Local mean colours, h x w x 3 float32 each: as expected in a Frame's window, and as they are all over the Frame."""
ShadingOf = Callable[["Frame", Float32Array, int], Shading]
"""(frame, rarity, factor) to the Shading of a frame reduced by factor."""

WORK_AREA = 30_000
"""Pixels of the window, at most, of the size at which the map is found, unless that is 1 / WHOLE already."""
REPEATS = 16
"""How many offsets at which the picture repeats itself are tried."""
USED = 24
"""How many of the offsets in use, at most, go on to the next round."""
MOVED = 6
"""How many of the offsets in use are refined by a pixel, because cloth curves."""
UNSEEN = np.float32(1e4)
"""Cost of taking a pixel from where nothing is known."""
AFAR = np.float32(0.02)
"""Weight of agreement far away, for pixels with nothing trusted near them."""
RARITY = np.float32(1.0)
"""Weight of how little a source resembles the rest, so that logos, zips, pockets and cars stay single."""
SHADED = np.float32(0.5)
"""Weight of a copy's difference in shading."""
MAX_SHADE = np.float32(40.0)
"""Largest correction of a copy's brightness, grey levels: more is another colour, not shading."""
SAMPLE = 3
"""Of the pixels around a hole every so manyth helps to settle an offset."""
NEIGHBOURS = ((0, 0), (1, 0), (0, 1))
"""Which pixels' offsets a pixel's colour is the mean of: itself, and across a seam its right and lower neighbours."""
STEPS = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)], np.int32)
GREY = np.array([[0.3, 0.6, 0.1]], np.float32)
LOOK = np.array([[0.3, 0.6, 0.1, 1.0]], np.float32)


def continued(frame: Frame, shading_of: ShadingOf, *, level: float = 1.0) -> tuple[UInt8Array, BoolArray]:
    """The frame's window with its hole completed, and the pixels of the hole that could be.

    level: the steepest offset allowed, its dy as a share of the frame's reach.
    """
    factor = next((f for f in (1, 2) if frame.hole.size < WORK_AREA * f * f), WHOLE)
    coarse = frame.reduced(factor)
    offsets = dominant_offsets(coarse, REPEATS, level) if coarse.known.any() else np.zeros((0, 2), np.int32)
    if not len(offsets):
        return frame.rgb[frame.at(HERE)], np.zeros_like(frame.hole)
    rarity = _rarity(coarse, offsets)
    shading = shading_of(coarse, rarity, factor)
    offsets, labels = _shift_map(coarse, offsets, rarity, shading)
    shade = _shade(coarse, offsets, labels, shading)
    if factor > 1:
        offsets, labels = _enlarged(frame, offsets, labels, factor)
        size = (frame.hole.shape[1], frame.hole.shape[0])
        shade = np.asarray(cv2.resize(shade, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return _developed(frame, offsets, labels, shade)


def _shift_map(
    frame: Frame, offsets: Int32Array, rarity: Float32Array, shading: Shading
) -> tuple[Int32Array, Int32Array]:
    """N x 2 offsets and the window's labels among them. What the boundary asks for is carried inwards first; then
    ever smaller surroundings of the completion itself decide."""
    sure = frame.known[frame.at(HERE)]
    look = _look(frame)
    picture, trust = look[frame.at(HERE)], sure
    depth = cv2.distanceTransform((sure == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    faith = np.where(frame.hole, np.exp(-2 * np.minimum(depth / frame.thickness, 9)), sure).astype(np.float32)
    expected, local = (cv2.transform(shade, GREY) for shade in shading)
    for share, far in ((1.0, True), (0.5, False), (0.25, False)):
        radius = max(round(share * frame.thickness), 2)
        costs = np.stack([_cost(frame, look, o, picture, trust, radius, far) for o in offsets])
        for index, there in enumerate(map(frame.at, offsets)):
            costs[index] += RARITY * rarity[there] + SHADED * cv2.absdiff(expected, local[there])
        labels = costs.argmin(axis=0)
        tried = offsets
        picture, trust = _copied(frame, look, offsets, labels), faith
        offsets = _refined(offsets, labels[frame.hole], frame.reach)
    return tried, labels


def _look(frame: Frame) -> UInt8Array:
    """H x W x 4 uint8: the frame's colours and their local contrast. Contrast counts as much as colour, lest a dull
    patch pass for the mean of a lively texture."""
    grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = (2 * max(round(0.15 * frame.thickness), 2) + 1,) * 2
    share = np.maximum(cv2.blur(frame.known, size), np.float32(1e-3))
    mean = cv2.blur(grey * frame.known, size) / share
    contrast = cv2.blur(np.abs(grey - mean) * frame.known, size) / share
    return np.dstack([frame.rgb, np.clip(np.round(2 * contrast), 0, 255).astype(np.uint8)])


def _cost(
    frame: Frame,
    look: UInt8Array,
    offset: Int32Array,
    picture: UInt8Array,
    trust: Float32Array,
    radius: int,
    far: bool,
) -> Float32Array:
    """How badly the look at an offset agrees with the picture around each pixel, grey levels. far: look twice as far,
    with little weight, where nothing near is trusted."""
    there = frame.at(offset)
    weight = trust * frame.known[there]
    grey = cv2.transform(cv2.absdiff(picture, look[there]), LOOK) * weight
    near = (2 * (radius // 2) + 1,) * 2
    total, share = cv2.blur(grey, near), cv2.blur(weight, near)
    if far:
        wide = (4 * radius + 1,) * 2
        total = total + AFAR * cv2.blur(grey, wide)
        share = share + AFAR * cv2.blur(weight, wide)
    return np.asarray(total / np.maximum(share, np.float32(1e-5)) + UNSEEN * (1 - frame.known[there]), np.float32)


def _rarity(frame: Frame, offsets: Int32Array) -> Float32Array:
    """How little every pixel of the frame resembles the texture at its nearest likeness, grey levels."""
    small = cv2.resize(frame.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    known = cv2.resize(frame.known, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    least = np.full(known.shape, 255, np.float32)
    for dx, dy in np.unique(np.concatenate([offsets, -offsets]) // 2, axis=0):
        move = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
        there = cv2.warpAffine(small, move, (small.shape[1], small.shape[0]), flags=cv2.INTER_NEAREST)
        seen = cv2.warpAffine(known, move, (small.shape[1], small.shape[0]), flags=cv2.INTER_NEAREST) * known
        difference = cv2.blur(cv2.cvtColor(cv2.absdiff(small, there), cv2.COLOR_RGB2GRAY) * seen, (5, 5))
        share = cv2.blur(seen, (5, 5))
        least = np.where(share > 0.3, np.minimum(least, difference / np.maximum(share, 1e-3)), least)
    usual = np.percentile(least[known > 0.5], 80) if (known > 0.5).any() else 0
    least = np.where(known > 0, np.clip(least - usual, 0, 128), 0).astype(np.float32)
    size = (frame.rgb.shape[1], frame.rgb.shape[0])
    return np.asarray(cv2.resize(least, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _refined(offsets: Int32Array, labels: Int32Array, reach: int) -> Int32Array:
    """The offsets most in use, and the first of them moved by a pixel."""
    used = np.bincount(labels, minlength=len(offsets))
    order = np.argsort(-used, kind="stable")
    order = order[used[order] > 0][:USED]
    near = (offsets[order[:MOVED], None] + STEPS).reshape(-1, 2)
    offsets = np.unique(np.concatenate([near, offsets[order]]), axis=0)
    return np.asarray(offsets[np.abs(offsets).max(axis=1) <= reach])


def _copied(frame: Frame, look: UInt8Array, offsets: Int32Array, labels: Int32Array) -> UInt8Array:
    out = look[frame.at(HERE)].copy()
    ys, xs = np.nonzero(frame.hole)
    moves = offsets[labels[ys, xs]] + frame.reach
    out[ys, xs] = look[ys + moves[:, 1], xs + moves[:, 0]]
    return out


def _enlarged(frame: Frame, offsets: Int32Array, labels: Int32Array, factor: int) -> tuple[Int32Array, Int32Array]:
    """The map found at 1 / factor of the size carried over to the frame, each offset settled to the pixel on the known
    surroundings that it would continue."""
    height, width = frame.hole.shape
    labels = cv2.resize(labels.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int32)
    around = cv2.dilate(frame.hole.astype(np.uint8), np.ones((25, 25), np.uint8)) * frame.known[frame.at(HERE)]
    ys, xs = np.nonzero(around)
    ys, xs = ys[::SAMPLE], xs[::SAMPLE]
    grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY).astype(np.int16)
    own, here = labels[ys, xs], grey[ys + frame.reach, xs + frame.reach]
    limit = frame.reach
    span = range(-(factor // 2), factor // 2 + 1)
    steps = np.array([(x, y) for y in span for x in span], np.int32)
    errors = np.zeros((len(offsets), len(steps)))
    for index, step in enumerate(steps):
        moves = np.clip(factor * offsets + step, -limit, limit)[own] + limit
        there = ys + moves[:, 1], xs + moves[:, 0]
        seen = frame.known[there]
        wrong = np.bincount(own, np.abs(grey[there] - here) * seen, len(offsets))
        errors[:, index] = wrong / np.maximum(np.bincount(own, seen, len(offsets)), 1)
    best = np.where(np.bincount(own, minlength=len(offsets)) > 20, errors.argmin(axis=1), len(steps) // 2)
    return np.clip(factor * offsets + steps[best], -limit, limit), labels


def _shade(frame: Frame, offsets: Int32Array, labels: Int32Array, shading: Shading) -> Float32Array:
    """What is to be added to every copied pixel for it to be as bright as its new surroundings, window x 3 float32."""
    expected, local = shading
    ys, xs = np.nonzero(frame.hole)
    moves = offsets[labels[ys, xs]] + frame.reach
    out = np.zeros_like(expected)
    out[ys, xs] = np.clip(expected[ys, xs] - local[ys + moves[:, 1], xs + moves[:, 0]], -MAX_SHADE, MAX_SHADE)
    return out


def _developed(
    frame: Frame, offsets: Int32Array, labels: Int32Array, shade: Float32Array
) -> tuple[UInt8Array, BoolArray]:
    """The window's colours, and the pixels of the hole that could be served. At a seam a pixel is the mean of what its
    own offset and those of its neighbours propose."""
    ys, xs = np.nonzero(frame.hole)
    own = labels[ys, xs]
    total, weight = np.zeros((len(ys), 3), np.float32), np.zeros(len(ys), np.float32)
    for dx, dy in NEIGHBOURS:
        voter = labels[np.clip(ys + dy, 0, labels.shape[0] - 1), np.clip(xs + dx, 0, labels.shape[1] - 1)]
        voting = np.flatnonzero(voter != own) if dx or dy else np.arange(len(ys))
        moves = offsets[voter[voting]] + frame.reach
        there = ys[voting] + moves[:, 1], xs[voting] + moves[:, 0]
        seen = frame.known[there]
        total[voting] += frame.rgb[there] * seen[:, None]
        weight[voting] += seen
    out, served = frame.rgb[frame.at(HERE)].copy(), frame.hole.copy()
    served[ys, xs] = weight > 0
    out[ys, xs] = np.clip(np.round(total / np.maximum(weight, 1)[:, None] + shade[ys, xs]), 0, 255)
    return out, served
