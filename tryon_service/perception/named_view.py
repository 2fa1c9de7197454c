"""A pose estimator that was told which side of the body a photo shows, and believes it where the pose alone is unsure.

A headless photo from behind looks much like one from the front, and a network that errs there exchanges left and
right. Whoever put the photo on the card knows better.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tryon_service.perception.base import PoseEstimate, PoseEstimator
from tryon_service.perception.skeletons import HEAD, MIRRORED, Landmark
from tryon_service.types import Keypoints, NetworkId, Photo, ViewName

SURE = 0.99
"""Score from which a pose with a visible head needs no telling: of 130 shop photos with a head the side was wrong in
three, all of which scored less."""


class NamedView:
    """Another estimator's poses, turned round where the photo's name says so. See PoseEstimator."""

    networks: tuple[NetworkId, ...]

    def __init__(self, estimator: PoseEstimator, view: ViewName) -> None:
        self.networks = estimator.networks
        self._estimator = estimator
        self._view = view

    def estimate(self, photo: Photo) -> PoseEstimate:
        """See PoseEstimator. A side view contradicts nothing."""
        estimate = self._estimator.estimate(photo)
        if self._view == "side" or view_is_sure(estimate):
            return estimate
        if (self._view == "back") != faces_camera(estimate.keypoints):
            return estimate
        return replace(estimate, keypoints=turned_round(estimate.keypoints))

    def follow(self, photo: Photo, near: Keypoints) -> Keypoints:
        """See PoseEstimator."""
        return self._estimator.follow(photo, near)


def faces_camera(keypoints: Keypoints) -> bool:
    """Whether the body is seen more from the front than from behind, by its shoulders."""
    return bool(keypoints.world[Landmark.LEFT_SHOULDER, 0] > keypoints.world[Landmark.RIGHT_SHOULDER, 0])


def view_is_sure(estimate: PoseEstimate) -> bool:
    """Whether a pose proves which side of the body the photo shows: its head lies in the photo, and it scores high."""
    return bool(estimate.keypoints.seen[list(HEAD)].any()) and estimate.score >= SURE


def turned_round(keypoints: Keypoints) -> Keypoints:
    """The same joints on the picture for a body that turns its other side to the camera: left and right exchanged,
    near and far as well."""
    order, depth = list(MIRRORED), np.array([1, 1, -1], np.float32)
    return Keypoints(
        keypoints.xyz[order] * depth,
        keypoints.world[order] * depth,
        keypoints.visibility[order],
        keypoints.seen[order],
    )
