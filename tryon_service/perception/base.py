"""The three protocols of perception. A backend is one file implementing one of them and one line in backends.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tryon_service.types import Float32Array, Keypoints, NetworkId, Photo, UInt8Array


@dataclass(frozen=True)
class PoseEstimate:
    """What a pose estimator finds of the one main person.

    keypoints: in pixels of photo.rgb; `seen` is all true where the point lies inside the frame (visibility.py judges).
    mask: H x W float32 in [0, 1] of photo.rgb's shape; the person, soft at the network's own resolution.
    score: confidence that there is a person, in [0, 1].
    """

    keypoints: Keypoints
    mask: Float32Array
    score: float


class PoseEstimator(Protocol):
    networks: tuple[NetworkId, ...]

    def estimate(self, photo: Photo) -> PoseEstimate:
        """Find the main person: the largest central one.

        Raises RefusedError with "no_person", or "several_people" when two are comparable; reason.photo stays empty,
        the caller knows which photo it is.
        """
        ...

    def follow(self, photo: Photo, near: Keypoints) -> Keypoints:
        """The pose of a person known to be about where `near` is: quicker than looking for one. Raises as estimate."""
        ...


class Matter(Protocol):
    networks: tuple[NetworkId, ...]

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        """H x W float32 in [0, 1], soft at hair and edges, gaps between arm and waist open."""
        ...


class Parser(Protocol):
    networks: tuple[NetworkId, ...]

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        """H x W uint8 of types.Part ids; 0 wherever the matte is below one half."""
        ...
