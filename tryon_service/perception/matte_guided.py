"""The network's soft mask refined to a matte at image resolution, from the photo's own colours.

Around the mask's edge, where its 256 pixels say too little, every pixel is explained as a mixture of a colour from
inside and a colour from outside, as in Gastal and Oliveira, "Shared Sampling for Real-Time Alpha Matting" (2010); a
colour guided filter (He, Sun, Tang, "Guided Image Filtering", 2013, and "Fast Guided Filter", 2015) smooths the
shares and carries them to full resolution along the photo's edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.background import Background, fit_background
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.guided_filter import apply_guide, guided_coefficients
from tryon_service.perception.mask_errors import find_belongings, find_gaps, find_spill
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import HEAD
from tryon_service.perception.visibility import body_scale
from tryon_service.types import BoolArray, Float32Array, NetworkId, Photo, UInt8Array

WORK_SIDE = 512
"""Longer side in pixels at which colours are compared; the guided filter carries the result to full size."""
BAND_M = 0.03
"""Half-width of the band in which the mask is doubted, in metres on the body."""

_DEPTHS = (0.0, 2.5, 7.0)
"""How far beyond the band, in work pixels, colours are sampled."""
_COLOUR_SIGMA = 10.0
_MARGIN_M = 0.4
"""How much background around the mask is looked at."""
_HAIR_M = 0.3
_GAIN, _HAIR_GAIN = 1.6, 1.1
"""How much an edge is steepened after filtering, on the body and around the head."""
_PRIOR_WEIGHT = 0.6
_EVEN = 0.3
_GUIDE_RADIUS = 3
_REACH = 8
"""How far around an unknown pixel, in work pixels, colours are looked at: the deepest sample, the guide's window."""
_GUIDE_EPS = 1e-4 * 255**2


@dataclass(frozen=True)
class Trimap:
    """h x w bool each; what is neither is unknown."""

    inside: BoolArray
    outside: BoolArray

    @property
    def unknown(self) -> BoolArray:
        return ~(self.inside | self.outside)

    def cut(self, at: tuple[slice, slice]) -> Trimap:
        return Trimap(self.inside[at], self.outside[at])


class GuidedMatter:
    """The default Matter; needs no network of its own."""

    networks: tuple[NetworkId, ...] = ()

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        """See Matter."""
        matte = np.zeros_like(estimate.mask)
        scale = body_scale(estimate.keypoints, estimate.mask)
        window = _window(estimate.mask, round(_MARGIN_M * scale))
        corner = np.array([window[1].start, window[0].start], np.float32)
        matte[window] = refine(photo.rgb[window], estimate.mask[window], estimate.keypoints.xy - corner, scale)
        return matte


def refine(rgb: UInt8Array, mask: Float32Array, xy: Float32Array, scale: float) -> Float32Array:
    """The matte of a part of a photo: H x W in [0, 1].

    rgb: H x W x 3; mask: H x W in [0, 1]; xy: 33 x 2 landmarks in these pixels; scale: pixels per metre.
    """
    height, width = mask.shape
    factor = min(1.0, WORK_SIDE / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
    band = max(BAND_M * scale * factor, 2.0)
    trimap = make_trimap(coarse, band)
    if not trimap.inside.any() or not trimap.outside.any():
        return mask
    points = np.asarray((xy + 0.5) * factor - 0.5, np.float32)
    trimap, coarse, background = _corrected(trimap, coarse, small, points, scale * factor)
    at = _window(trimap.unknown.astype(np.float32), _REACH)
    # Against a very plain background even small differences mean something.
    noise = np.where(background.plain, background.noise, np.inf)[at]
    share, confidence = sample_matte(small[at], coarse[at], trimap.cut(at), noise)
    slopes, offset = np.zeros_like(small), trimap.inside.astype(np.float32)
    guide = guided_coefficients(small[at], share, confidence, _GUIDE_RADIUS, _GUIDE_EPS)
    gain = _gain(share.shape, points - (at[1].start, at[0].start), scale * factor)
    # Only the band is left to the filter.
    unknown = trimap.unknown[at]
    slopes[at] = guide[0] * (gain * unknown)[..., np.newaxis]
    np.copyto(offset[at], (guide[1] - 0.5) * gain + 0.5, where=unknown)
    alpha = apply_guide(rgb, slopes, offset)
    return _in_one_piece(np.clip(alpha, 0, 1, out=alpha), trimap)


def _window(mask: Float32Array, margin: int) -> tuple[slice, slice]:
    """Rows and columns around the mask, with a margin in pixels; the whole frame if the mask is empty."""
    slices = []
    for length, used in zip(mask.shape, ((mask > 0.1).any(axis=1), (mask > 0.1).any(axis=0)), strict=True):
        at = np.flatnonzero(used)
        first, last = (int(at[0]), int(at[-1])) if len(at) else (0, length - 1)
        slices.append(slice(max(first - margin, 0), min(last + margin + 1, length)))
    return slices[0], slices[1]


def _corrected(
    trimap: Trimap, mask: Float32Array, rgb: Float32Array, xy: Float32Array, scale: float
) -> tuple[Trimap, Float32Array, Background]:
    """Trimap and mask after what a plain background tells about the mask's errors, and that background."""
    background = fit_background(rgb, trimap.outside, scale)
    distance = background.distance(rgb)
    trimap, mask = with_belongings(trimap, mask, find_belongings(distance, background, mask, xy, scale))
    gaps = find_gaps(distance, background, mask, xy, scale)
    gaps |= find_spill(distance, background, mask, scale)
    trimap, mask = with_gaps(trimap, mask, gaps)
    return trimap, mask, background


def make_trimap(mask: Float32Array, band: float) -> Trimap:
    """Sure inside and outside, each `band` pixels away from the mask's edge and sure to the network as well."""
    return Trimap((_depth(mask) > band) & (mask > 0.9), (_depth(1 - mask) > band) & (mask < 0.1))


def _depth(mask: Float32Array) -> Float32Array:
    """Distance in pixels to the nearest pixel not in the mask; the frame's edge is none."""
    solid = (mask > 0.5).astype(np.uint8)
    if solid.all():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 3), np.float32)


def with_belongings(trimap: Trimap, mask: Float32Array, added: BoolArray) -> tuple[Trimap, Float32Array]:
    """Trimap and mask with these pixels taken in, their rims unknown."""
    if not added.any():
        return trimap, mask
    whole = cv2.morphologyEx((added | (mask > 0.5)).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    grown = cv2.dilate(added.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
    core = cv2.erode(whole, np.ones((5, 5), np.uint8)).astype(np.bool_) & grown
    taken = np.where(grown & whole.astype(np.bool_), np.float32(1), mask)
    return Trimap(trimap.inside | core, trimap.outside & ~grown), taken


def with_gaps(trimap: Trimap, mask: Float32Array, gaps: BoolArray) -> tuple[Trimap, Float32Array]:
    """Trimap and mask with these holes open, their rims unknown."""
    if not gaps.any():
        return trimap, mask
    around = cv2.dilate(gaps.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
    core = cv2.erode(gaps.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    opened = np.where(gaps, np.float32(0), mask)
    return Trimap(trimap.inside & ~around, (trimap.outside & ~around) | core), opened


def sample_matte(
    rgb: Float32Array, mask: Float32Array, trimap: Trimap, noise: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Each unknown pixel's share of inside colour, and how far that is to be trusted; both h x w in [0, 1].

    rgb: h x w x 3, whole numbers in [0, 255]; noise: h x w, the background's in grey levels, infinite where it isn't
    plain. Every pixel tries 3 x 3 pairs of colours, taken beyond the band along the shortest way in and out; the
    shares of all pairs are averaged by how well the pair explains the pixel and fits the mask.
    """
    rows, columns = np.nonzero(trimap.unknown)
    smooth = np.asarray(cv2.blur(rgb, (3, 3)), np.float32)
    sides = trimap.inside, trimap.outside
    inside, outside = side_by_side(lambda region: _samples(smooth, region, rows, columns), sides)
    pixel = np.ascontiguousarray(rgb[rows, columns].T)
    sigma = np.clip(2 * noise[rows, columns], 3.0, _COLOUR_SIGMA).astype(np.float32)
    prior = np.asarray(cv2.blur(mask, (3, 3)), np.float32)[rows, columns]
    mean, trust, separation = _mixture(pixel, inside, outside, sigma, prior)
    mean = trust * mean + (1 - trust) * prior
    unevenness = _unevenness(rgb, rows, columns)
    mean = _unmixed(mean, separation, unevenness)
    even = unevenness < np.maximum(_EVEN * separation, 8)
    mean[even & (prior > 0.5) & _distinct(pixel, outside, sigma)] = 1
    alpha = trimap.inside.astype(np.float32)
    confidence = np.ones_like(alpha)
    alpha[rows, columns] = mean
    confidence[rows, columns] = 0.1 + 0.9 * trust
    return alpha, confidence


def _mixture(
    pixel: Float32Array,
    inside: Sequence[Float32Array],
    outside: Sequence[Float32Array],
    sigma: Float32Array,
    prior: Float32Array,
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Share of inside colour, trust in it and distance between the two colours, N each, averaged over all pairs.

    pixel and each sample: 3 x N, planes, so that every step runs over contiguous memory; sigma, prior: N.
    """
    total = np.full(pixel.shape[1], 1e-12, np.float32)
    mean, best = np.zeros_like(total), np.full_like(total, np.inf)
    trust, separation = np.zeros_like(total), np.zeros_like(total)
    precision, doubt = 1 / sigma**2, (5 * sigma) ** 2
    for back in outside:
        beyond = pixel - back
        square = _dot(beyond, beyond)
        for fore in inside:
            across = fore - back
            gap, along = _dot(across, across) + 1, _dot(beyond, across)
            share = np.clip(along / gap, 0, 1)
            # |beyond - share across|^2 multiplied out.
            residual = np.maximum(square - share * (2 * along - share * (gap - 1)), 0)
            cost = residual * precision + _PRIOR_WEIGHT * (share - prior) ** 2
            weight = np.exp(-np.minimum(cost, 60)) + np.float32(1e-9)
            total += weight
            mean += weight * share
            trust += weight * gap / (gap + doubt)
            separation += weight * np.sqrt(gap)
            np.minimum(best, cost, out=best)
    return mean / total, trust / total * np.exp(-best / 4), separation / total


def _dot(a: Float32Array, b: Float32Array) -> Float32Array:
    """N products of 3 x N colours."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], np.float32)


def _unmixed(share: Float32Array, separation: Float32Array, unevenness: Float32Array) -> Float32Array:
    """Only pixels on an edge are mixtures: where the photo is even, a share is really 0 or 1.

    Skin and cloth change colour slowly, and a sampled colour from a darker place makes them look half transparent.
    """
    even = np.exp(-((unevenness / (_EVEN * separation)) ** 2))
    whole = np.clip((share - 0.35) / 0.2, 0, 1)
    return np.asarray(even * whole + (1 - even) * share, np.float32)


def _distinct(pixel: Float32Array, outside: Sequence[Float32Array], sigma: Float32Array) -> BoolArray:
    """Pixels that can't be background, whatever the colours inside are. N bool."""
    noise = np.stack(outside).std(axis=0).max(axis=0)
    distance = np.sqrt(np.min([_dot(colour - pixel, colour - pixel) for colour in outside], axis=0))
    return np.asarray(distance > 4 * noise + 1.5 * sigma, np.bool_)


def _unevenness(rgb: Float32Array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Float32Array:
    """The largest colour difference within 3 x 3 pixels, at N of them."""
    window, bytes_ = np.ones((3, 3), np.uint8), rgb.astype(np.uint8)
    spread = cv2.subtract(cv2.dilate(bytes_, window), cv2.erode(bytes_, window))[rows, columns].astype(np.float32)
    return np.sqrt(_dot(spread.T, spread.T))


def _samples(
    rgb: Float32Array, region: BoolArray, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> list[Float32Array]:
    """Colours (3 x N each) of a region, at its nearest pixel and deeper in along the same line."""
    _, labels = cv2.distanceTransformWithLabels(
        (~region).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    sources = np.flatnonzero(region)
    index = np.zeros(int(labels.max()) + 1, np.int64)
    index[labels.ravel()[sources]] = sources
    nearest = index[labels[rows, columns]]
    height, width = region.shape
    row, column = np.divmod(nearest, width)
    down, right = (row - rows).astype(np.float32), (column - columns).astype(np.float32)
    far = np.maximum(np.sqrt(down * down + right * right), 1e-3)
    down, right = down / far, right / far
    planes = np.ascontiguousarray(rgb.reshape(-1, 3).T)
    colours = []
    for depth in _DEPTHS:
        r = np.clip(np.rint(row + np.float32(depth) * down), 0, height - 1).astype(np.int64)
        c = np.clip(np.rint(column + np.float32(depth) * right), 0, width - 1).astype(np.int64)
        at = r * width + c
        at = np.where(region.ravel()[at], at, nearest)
        colours.append(planes[:, at])
    return colours


def _gain(shape: tuple[int, ...], xy: Float32Array, scale: float) -> Float32Array:
    """How much steeper each pixel's edge becomes, h x w: a filtered edge is softer than the lens made it; hair keeps
    its softness."""
    head = xy[list(HEAD)].mean(axis=0)
    reach = max(_HAIR_M * scale, 1.0)
    y, x = ((np.arange(length, dtype=np.float32) - at) / reach for length, at in zip(shape, head[::-1], strict=True))
    away = np.sqrt((y * y)[:, np.newaxis] + x * x)
    return np.asarray(_HAIR_GAIN + (_GAIN - _HAIR_GAIN) * np.clip(2 * away - 1.5, 0, 1), np.float32)


def _in_one_piece(alpha: Float32Array, trimap: Trimap) -> Float32Array:
    """The matte, changed in place, without what floats apart from the body; H x W, the trimap h x w."""
    size = (trimap.inside.shape[1], trimap.inside.shape[0])
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA))
    _, labels = cv2.connectedComponents((small > 0.1).astype(np.uint8))
    kept = np.zeros(int(labels.max()) + 1, np.bool_)
    kept[labels[trimap.inside]] = True
    kept[0] = True
    if not kept.all():
        loose = (~kept)[labels].astype(np.uint8)
        alpha[cv2.resize(loose, alpha.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
    return alpha
