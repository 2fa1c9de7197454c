"""A street or a room continued behind a person: copied sideways from the same height, where the scene goes on."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.extend import smooth_fill
from tryon_service.imaging.offsets import WHOLE, Frame, shrunk
from tryon_service.imaging.shift_map import Shading, continued
from tryon_service.types import BoolArray, Float32Array, UInt8Array

LEVEL = 0.12
"""Steepest offset, its height as a share of its possible length: what is copied stays at its distance and blur."""
DETAIL = 0.01
"""Sigma that parts detail from brightness, as a share of the photo's longer side."""


def continue_scenery(rgb: UInt8Array, person: BoolArray) -> UInt8Array:
    """rgb without its person. rgb: H x W x 3 uint8; person: H x W bool, a little wider than the person."""
    size = (rgb.shape[1], rgb.shape[0])
    guide = np.asarray(cv2.resize(_guide(rgb, person), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    thickness = float(cv2.distanceTransform(person.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5).max())
    frame = Frame.around(rgb, ~person, person, thickness)

    def shading(coarse: Frame, _: Float32Array, factor: int) -> Shading:
        return _shading(coarse, factor, frame, guide)

    filled, served = continued(frame, shading, level=LEVEL)
    out = np.where(person[..., None], guide, rgb)
    height, width = out[frame.window].shape[:2]
    served = served[:height, :width]
    out[frame.window][served] = filled[:height, :width][served]
    return out


def _shading(coarse: Frame, factor: int, frame: Frame, guide: UInt8Array) -> Shading:
    """The guide's local means in the window, and those of what is known. coarse: the frame reduced by factor."""
    sigma = DETAIL * max(guide.shape) / factor
    view = guide[frame.window]
    edges = (0, frame.hole.shape[0] - view.shape[0], 0, frame.hole.shape[1] - view.shape[1])
    view = shrunk(np.asarray(cv2.copyMakeBorder(view, *edges, cv2.BORDER_REPLICATE)), factor)
    share = np.maximum(cv2.GaussianBlur(coarse.known, (0, 0), sigma), np.float32(1e-3))
    mean = cv2.GaussianBlur(coarse.rgb * coarse.known[..., None], (0, 0), sigma) / share[..., None]
    expected = cv2.GaussianBlur(view.astype(np.float32), (0, 0), sigma)
    return np.asarray(expected, np.float32), np.asarray(mean, np.float32)


def _guide(rgb: UInt8Array, person: BoolArray) -> UInt8Array:
    """Roughly the scene's brightness, at 1 / WHOLE of the size: rows continued between their two ends, which keeps
    horizons and kerbs, and a smooth completion where a row has only one end or none."""
    size = (max(person.shape[1] // WHOLE, 1), max(person.shape[0] // WHOLE, 1))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    gone = cv2.resize(person.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    smooth = smooth_fill(small.astype(np.float32), (~gone).astype(np.float32))
    rows, trust = _between_row_ends(small, gone)
    filled = rows * trust[..., None] + smooth * (1 - trust[..., None])
    filled = cv2.GaussianBlur(filled, (0, 0), sigmaX=1.5, sigmaY=1.0)
    return np.asarray(np.clip(np.round(filled), 0, 255), np.uint8)


def _between_row_ends(rgb: UInt8Array, person: BoolArray) -> tuple[Float32Array, Float32Array]:
    """Each row's gap filled linearly from its left and right ends (means of 5 x 5 pixels); trust in it, H x W in
    [0, 1]."""
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
