"""Texture continued behind what covers it: stripes, checks and knit keep their period and phase, prints stay single."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.extend import mirror_fill, smooth_fill
from tryon_service.imaging.offsets import HERE, Frame
from tryon_service.imaging.shift_map import Shading, continued
from tryon_service.types import BoolArray, Float32Array, UInt8Array

RIM = 0.05
"""Depth up to which a hidden piece is mirrored, in scale_px. A mirrored rim starts on the very pixels it continues, so
it has no seam, and it is too narrow for a print to be recognised in its mirror image."""
SHADING = 0.05
"""Sigma that parts shading from texture, in scale_px."""


def texture_fill(rgb: UInt8Array, known: BoolArray, wanted: BoolArray, scale_px: float) -> UInt8Array:
    """rgb with the texture of its known pixels continued into the wanted ones.

    rgb: H x W x 3 uint8; known, wanted: H x W bool, the pixels to trust and to complete (known ones stay as they are);
    scale_px: the size of what is completed, such as the torso's length. Elsewhere the nearest known colour is
    continued. With no known pixel the picture comes back as it is.
    """
    depth = max(RIM * scale_px, 2.0)
    wanted = wanted & ~known
    outside = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    distance = np.asarray(outside, np.float32)
    deep = _deep_pieces(distance, wanted, depth)
    if not known.any() or not deep.any():
        return mirror_fill(rgb, known, wanted, depth)
    frame = Frame.around(rgb, known, deep, float(distance[deep].max()))
    sigma = max(SHADING * scale_px, 2.0)

    def shading(coarse: Frame, rarity: Float32Array, factor: int) -> Shading:
        return _shading(coarse, rarity, sigma / factor)

    filled, served = continued(frame, shading)
    height, width = wanted[frame.window].shape  # the frame may reach a little beyond the photo
    filled, served = filled[:height, :width], served[:height, :width]
    wanted[frame.window][served] = False
    out = mirror_fill(rgb, known, wanted, depth)
    out[frame.window][served] = filled[served]
    return out


def _deep_pieces(distance: Float32Array, wanted: BoolArray, depth: float) -> BoolArray:
    """The connected pieces of wanted that reach farther than depth from what is known."""
    count, pieces = cv2.connectedComponents(wanted.astype(np.uint8))
    deep = np.zeros(count, bool)
    deep[pieces[(distance > depth) & wanted]] = True
    deep[0] = False
    return np.asarray(deep[pieces])


def _shading(frame: Frame, rarity: Float32Array, sigma: float) -> Shading:
    """The cloth's shading where it shows, carried on smoothly. What is rare has colours of its own and no say."""
    sigma = sigma / 2
    size = (max(frame.rgb.shape[1] // 2, 1), max(frame.rgb.shape[0] // 2, 1))
    weight = cv2.resize(frame.known / (1 + np.square(rarity / 10)), size, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    mean = cv2.GaussianBlur(rgb * weight[..., None], (0, 0), sigma) / np.maximum(share, 1e-4)[..., None]
    sure = (weight > 0.3) & (share > 0.1)
    expected = cv2.GaussianBlur(smooth_fill(mean, sure.astype(np.float32)), (0, 0), sigma / 2)
    local = np.where((share > 0.1)[..., None], mean, expected)
    full = (frame.rgb.shape[1], frame.rgb.shape[0])
    expected, local = (np.asarray(cv2.resize(a, full), np.float32) for a in (expected, local))
    return expected[frame.at(HERE)], local
