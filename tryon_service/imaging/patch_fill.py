"""Texture continued behind what covers it: stripes, checks and knit keep their period and phase, prints stay single."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.extend import mirror_fill, push_pull, smooth_fill
from tryon_service.imaging.offsets import HERE, Frame
from tryon_service.imaging.shift_map import Shading, continued
from tryon_service.types import BoolArray, Float32Array, UInt8Array

RIM = 0.05
"""Depth up to which a hidden piece is mirrored, in scale_px. A mirrored rim starts on the very pixels it continues, so
it has no seam, and it is too narrow for a print to be recognised in its mirror image."""
REMOTE = 0.35
"""Distance from anything known, in scale_px, beyond which nothing can be said of the texture; shading alone goes on."""
SHADING = 0.05
"""Sigma that parts shading from texture, in scale_px."""


def texture_fill(rgb: UInt8Array, known: BoolArray, wanted: BoolArray, scale_px: float) -> UInt8Array:
    """rgb with the texture of its known pixels continued into the wanted ones.

    rgb: H x W x 3 uint8; known, wanted: H x W bool, the pixels to trust and to complete (known ones stay as they are);
    scale_px: the size of what is completed, such as the torso's length. Narrow rims are mirrored, what lies deeper is
    copied from where the texture repeats itself, and what is remote from all that is known is shaded smoothly.
    Elsewhere the nearest known colour is continued. With no known pixel the picture comes back as it is.
    """
    rim = max(RIM * scale_px, 2.0)
    wanted = wanted & ~known
    distance = cv2.distanceTransform((~known).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    core = wanted & (distance > rim)
    if not known.any() or not core.any():
        return mirror_fill(rgb, known, wanted, rim)
    deep = wanted & (cv2.distanceTransform((~core).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) < rim + 2)
    out = mirror_fill(rgb, known, wanted & ~deep, rim)
    smooth = push_pull(rgb, known)
    out[deep] = smooth[deep]
    near = deep & (distance < REMOTE * scale_px)
    share = np.clip((REMOTE * scale_px - distance) / (0.4 * REMOTE * scale_px), 0, 1).astype(np.float32)
    if near.any():
        frame = Frame.around(rgb, known, near, float(distance[near].max()))
        _copy_texture(out, frame, share, max(SHADING * scale_px, 2.0))
    return out


def _copy_texture(out: UInt8Array, frame: Frame, share: Float32Array, sigma: float) -> None:
    """Lay the texture of the frame's known pixels over its hole in out, as opaque as share says."""

    def shading(coarse: Frame, rarity: Float32Array, factor: int) -> Shading:
        return _shading(coarse, rarity, sigma / factor)

    filled, served = continued(frame, shading)
    height, width = share[frame.window].shape  # the frame may reach a little beyond the photo
    filled, served = filled[:height, :width], served[:height, :width]
    opaque = share[frame.window][served][:, None]
    target = out[frame.window]
    target[served] = np.round(filled[served] * opaque + target[served] * (1 - opaque))


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
