"""What mattes made by other networks have in common: where they look, and whose pieces they keep."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.perception.base import PoseEstimate
from tryon_service.types import Float32Array

_TRACE = 0.05
"""Matte from which a pixel belongs to a piece."""


def person_window(estimate: PoseEstimate, margin: float) -> tuple[slice, slice] | None:
    """Rows and columns round the person, with a margin as a share of their longer side; None if there is no mask.

    The person is the mask above one half and the joints in the frame that are more likely seen than not: a drawn mask
    may lack a leg.
    """
    found = np.argwhere(estimate.mask > 0.5)
    if not len(found):
        return None
    shape = np.array(estimate.mask.shape)
    known = estimate.keypoints.seen & (estimate.keypoints.visibility >= 0.5)
    joints = np.clip(np.rint(estimate.keypoints.xy[known][:, ::-1]), 0, shape - 1).astype(np.int64)
    first = np.vstack([found.min(axis=0), joints]).min(axis=0)
    last = np.vstack([found.max(axis=0), joints]).max(axis=0) + 1
    room = round(margin * int((last - first).max()))
    (top, left), (bottom, right) = np.maximum(first - room, 0).tolist(), np.minimum(last + room, shape).tolist()
    return slice(top, bottom), slice(left, right)


def person_pieces(alpha: Float32Array, mask: Float32Array) -> Float32Array:
    """The matte without the pieces that nothing of the person lies in. alpha, mask: H x W in [0, 1] each."""
    _, labels = cv2.connectedComponents((alpha > _TRACE).astype(np.uint8), connectivity=8)
    own = np.unique(labels[(mask > 0.5) & (alpha > 0.5)])
    return np.where(np.isin(labels, own[own > 0]), alpha, np.float32(0))
