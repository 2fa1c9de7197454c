"""The network's soft mask refined to a matte at image resolution, from the photo's own colours.

Around the mask's edge, where its 256 pixels say too little, every pixel is explained as a mixture of a colour from
inside and a colour from outside, as in Gastal and Oliveira, "Shared Sampling for Real-Time Alpha Matting" (2010); a
colour guided filter (He, Sun, Tang, "Guided Image Filtering", 2013, and "Fast Guided Filter", 2015) smooths the
shares and carries them to full resolution along the photo's edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.background import Background, fit_background
from tryon_service.perception.gaps import find_gaps, find_spill
from tryon_service.perception.visibility import pixels_per_metre
from tryon_service.types import BoolArray, Float32Array, NetworkId, Photo, UInt8Array

WORK_SIDE = 512
"""Longer side in pixels at which colours are compared; the guided filter carries the result to full size."""
BAND_M = 0.03
"""Half-width of the band in which the mask is doubted, in metres on the body."""

_DEPTHS = (0.0, 1.5, 4.0, 9.0)
"""How far beyond the band, in work pixels, colours are sampled."""
_COLOUR_SIGMA = 10.0
_SPILL = 3.0
"""How many bands deep the mask may be wrong where a plain background says so."""
_PRIOR_WEIGHT = 0.6
_EVEN = 0.3
_GUIDE_RADIUS = 3
_GUIDE_EPS = 1e-4 * 255**2


@dataclass(frozen=True)
class Trimap:
    """h x w bool each; what is neither is unknown."""

    inside: BoolArray
    outside: BoolArray

    @property
    def unknown(self) -> BoolArray:
        return ~(self.inside | self.outside)


class GuidedMatter:
    """The default Matter; needs no network of its own."""

    networks: tuple[NetworkId, ...] = ()

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        """See Matter."""
        height, width = photo.rgb.shape[:2]
        factor = min(1.0, WORK_SIDE / max(height, width))
        size = (max(round(width * factor), 1), max(round(height * factor), 1))
        rgb = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        mask = np.asarray(cv2.resize(estimate.mask, size, interpolation=cv2.INTER_AREA), np.float32)
        band = _band(estimate, mask, factor)
        trimap = make_trimap(mask, band)
        xy = (estimate.keypoints.xy + 0.5) * np.float32(factor) - 0.5
        scale = pixels_per_metre(estimate.keypoints) * factor
        background = fit_background(rgb, trimap.outside, scale)
        distance = background.distance(rgb)
        gaps = find_gaps(distance, background, mask, xy, scale)
        gaps |= find_spill(distance, background, trimap.outside, _depth(mask) < _SPILL * band)
        trimap, mask = with_gaps(trimap, mask, gaps)
        if not trimap.inside.any() or not trimap.outside.any():
            return estimate.mask
        share, confidence = sample_matte(rgb, mask, trimap, background)
        slopes, offset = guided_coefficients(rgb, share, confidence, _GUIDE_RADIUS, _GUIDE_EPS)
        alpha = apply_guide(photo.rgb, slopes, offset)
        return _finish(alpha, trimap)


def _band(estimate: PoseEstimate, mask: Float32Array, factor: float) -> float:
    """Half-width of the band in work pixels; bounded by the mask's own extent, since a pose may be far off."""
    rows = np.flatnonzero((mask > 0.5).any(axis=1))
    extent = float(rows[-1] - rows[0] + 1) if len(rows) else 1.0
    width = BAND_M * pixels_per_metre(estimate.keypoints) * factor
    return float(np.clip(width, max(0.01 * extent, 2.0), max(0.03 * extent, 3.0)))


def make_trimap(mask: Float32Array, band: float) -> Trimap:
    """Sure inside and outside, each `band` pixels away from the mask's edge and sure to the network as well."""
    return Trimap((_depth(mask) > band) & (mask > 0.9), (_depth(1 - mask) > band) & (mask < 0.1))


def _depth(mask: Float32Array) -> Float32Array:
    """Distance in pixels to the nearest pixel not in the mask; the frame's edge is none."""
    solid = (mask > 0.5).astype(np.uint8)
    if solid.all():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 3), np.float32)


def with_gaps(trimap: Trimap, mask: Float32Array, gaps: BoolArray) -> tuple[Trimap, Float32Array]:
    """Trimap and mask with these holes open, their rims unknown."""
    if not gaps.any():
        return trimap, mask
    around = cv2.dilate(gaps.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
    core = cv2.erode(gaps.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    opened = np.where(gaps, np.float32(0), mask)
    return Trimap(trimap.inside & ~around, (trimap.outside & ~around) | core), opened


def sample_matte(
    rgb: Float32Array, mask: Float32Array, trimap: Trimap, background: Background
) -> tuple[Float32Array, Float32Array]:
    """Each unknown pixel's share of inside colour, and how far that is to be trusted; both h x w in [0, 1].

    rgb: h x w x 3 in [0, 255]. Every pixel tries 4 x 4 pairs of colours, taken beyond the band along the shortest way
    in and out; the shares of all pairs are averaged by how well the pair explains the pixel and fits the mask.
    """
    rows, columns = np.nonzero(trimap.unknown)
    smooth = cv2.blur(rgb, (3, 3))
    inside = _samples(smooth, trimap.inside, rows, columns)
    outside = _samples(smooth, trimap.outside, rows, columns)
    pixel = rgb[rows, columns]
    # Against a very plain background even small differences mean something.
    noise = np.where(background.plain, background.noise, np.inf)[rows, columns]
    sigma = np.clip(2 * noise, 3.0, _COLOUR_SIGMA).astype(np.float32)
    prior = cv2.blur(mask, (3, 3))[rows, columns]
    total = np.full(len(rows), 1e-12, np.float32)
    mean, best = np.zeros_like(total), np.full_like(total, np.inf)
    trust, separation = np.zeros_like(total), np.zeros_like(total)
    for fore in inside:
        for back in outside:
            across = fore - back
            gap = np.einsum("nc,nc->n", across, across) + 1.0
            share = np.clip(np.einsum("nc,nc->n", pixel - back, across) / gap, 0, 1)
            residual = pixel - back - share[:, np.newaxis] * across
            cost = np.einsum("nc,nc->n", residual, residual) / sigma**2 + _PRIOR_WEIGHT * (share - prior) ** 2
            weight = np.exp(-np.minimum(cost, 60.0)).astype(np.float32) + 1e-9
            total += weight
            mean += weight * share
            trust += weight * gap / (gap + (5 * sigma) ** 2)
            separation += weight * np.sqrt(gap)
            best = np.minimum(best, cost)
    mean, trust = mean / total, trust / total * np.exp(-best / 4)
    mean = trust * mean + (1 - trust) * prior
    separation, unevenness = separation / total, _unevenness(rgb)[rows, columns]
    mean = _unmixed(mean, separation, unevenness)
    even = unevenness < np.maximum(_EVEN * separation, 8)
    mean[even & (prior > 0.5) & _distinct(pixel, outside, sigma)] = 1
    alpha = trimap.inside.astype(np.float32)
    confidence = np.ones_like(alpha)
    alpha[rows, columns] = mean
    confidence[rows, columns] = 0.1 + 0.9 * trust
    return alpha, confidence


def _unmixed(share: Float32Array, separation: Float32Array, unevenness: Float32Array) -> Float32Array:
    """Only pixels on an edge are mixtures: where the photo is even, a share is really 0 or 1.

    Skin and cloth change colour slowly, and a sampled colour from a darker place makes them look half transparent.
    """
    even = np.exp(-((unevenness / (_EVEN * separation)) ** 2))
    whole = np.clip((share - 0.35) / 0.2, 0, 1)
    return np.asarray(even * whole + (1 - even) * share, np.float32)


def _distinct(pixel: Float32Array, outside: list[Float32Array], sigma: Float32Array) -> BoolArray:
    """Pixels that can't be background, whatever the colours inside are. N bool."""
    colours = np.stack(outside)
    noise = colours.std(axis=0).max(axis=1)
    distance = np.linalg.norm(colours - pixel, axis=2).min(axis=0)
    return np.asarray(distance > 4 * noise + 1.5 * sigma, np.bool_)


def _unevenness(rgb: Float32Array) -> Float32Array:
    """The largest colour difference within 3 x 3 pixels, h x w."""
    window = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(rgb, window) - cv2.erode(rgb, window)
    return np.asarray(np.sqrt(np.einsum("hwc,hwc->hw", spread, spread)), np.float32)


def _samples(
    rgb: Float32Array, region: BoolArray, rows: np.ndarray, columns: np.ndarray
) -> list[Float32Array]:
    """Colours (N x 3 each) of a region, at its nearest pixel and deeper in along the same line."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~region).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    sources = np.flatnonzero(region)
    index = np.zeros(int(labels.max()) + 1, np.int64)
    index[labels.ravel()[sources]] = sources
    nearest = index[labels[rows, columns]]
    height, width = region.shape
    row, column = nearest // width, nearest % width
    far = np.maximum(np.hypot(row - rows, column - columns), 1e-3)
    step_row, step_column = (row - rows) / far, (column - columns) / far
    colours = []
    for depth in _DEPTHS:
        r = np.clip(np.rint(row + depth * step_row), 0, height - 1).astype(np.int64)
        c = np.clip(np.rint(column + depth * step_column), 0, width - 1).astype(np.int64)
        out = ~region[r, c]
        r[out], c[out] = row[out], column[out]
        colours.append(rgb[r, c])
    return colours


def guided_coefficients(
    guide: Float32Array, target: Float32Array, weight: Float32Array, radius: int, eps: float
) -> tuple[Float32Array, Float32Array]:
    """The colour guided filter's local models: target = slopes . guide + offset around every pixel.

    guide: h x w x 3; target, weight: h x w; eps: in squared units of the guide. Returns h x w x 3 and h x w, averaged
    over the window. Equations 14 and 15 of the 2013 paper, with pixels weighted.
    """

    def mean(image: Float32Array) -> Float32Array:
        return np.asarray(cv2.blur(image, (2 * radius + 1,) * 2), np.float32)

    norm = mean(weight)
    average = mean(guide * weight[..., np.newaxis]) / norm[..., np.newaxis]
    level = mean(target * weight) / norm
    covariance = mean(guide * (target * weight)[..., np.newaxis]) / norm[..., np.newaxis] - average * level[..., np.newaxis]
    r, g, b = cv2.split(guide)
    products = mean(np.dstack([r * r, r * g, r * b, g * g, g * b, b * b]) * weight[..., np.newaxis])
    products /= norm[..., np.newaxis]
    ar, ag, ab = cv2.split(average)
    rr, rg, rb = products[..., 0] - ar * ar + eps, products[..., 1] - ar * ag, products[..., 2] - ar * ab
    gg, gb, bb = products[..., 3] - ag * ag + eps, products[..., 4] - ag * ab, products[..., 5] - ab * ab + eps
    # The inverse of the symmetric 3 x 3 matrix, by cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    cr, cg, cb = cv2.split(covariance)
    slopes = np.dstack(
        [c_rr * cr + c_rg * cg + c_rb * cb, c_rg * cr + c_gg * cg + c_gb * cb, c_rb * cr + c_gb * cg + c_bb * cb]
    )
    slopes /= determinant[..., np.newaxis]
    offset = level - np.einsum("hwc,hwc->hw", slopes, average)
    return mean(slopes), mean(offset)


def apply_guide(rgb: UInt8Array, slopes: Float32Array, offset: Float32Array) -> Float32Array:
    """The local models, enlarged, at every pixel of the full-size guide: H x W, not clipped."""
    size = (rgb.shape[1], rgb.shape[0])
    alpha = cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR)
    for channel in range(3):
        slope = cv2.resize(slopes[..., channel], size, interpolation=cv2.INTER_LINEAR)
        alpha += slope * rgb[..., channel]
    return np.asarray(alpha, np.float32)


def _finish(alpha: Float32Array, trimap: Trimap) -> Float32Array:
    """Nothing outside the band is left to the filter, and nothing that floats apart from the body is kept."""
    size = (alpha.shape[1], alpha.shape[0])
    inside = cv2.resize(trimap.inside.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    outside = cv2.resize(trimap.outside.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    alpha = np.clip((alpha - 0.04) / 0.92, 0, 1)
    alpha = np.maximum(alpha, inside) * (1 - outside)
    _, labels = cv2.connectedComponents((alpha > 0.1).astype(np.uint8))
    kept = np.zeros(int(labels.max()) + 1, np.bool_)
    kept[np.unique(labels[inside > 0.5])] = True
    kept[0] = True
    return np.asarray(np.where(kept[labels], alpha, 0), np.float32)
