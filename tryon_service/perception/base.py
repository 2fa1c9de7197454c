"""The protocols of perception. A backend is one file implementing one of them and one line in backends.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tryon_service.types import Float32Array, Keypoints, NetworkId, Photo, UInt8Array


@dataclass(frozen=True)
class PoseEstimate:
    """What a pose estimator finds of the one main person.

    keypoints: in pixels of photo.rgb; `seen` is all true where the point lies inside the frame (visibility.py judges),
        and false for landmarks that the network doesn't know, whose visibility is 0.
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
        """H x W float32 in [0, 1], soft at hair and edges, gaps between arm and waist open; the estimate's person
        alone. All 0 where nobody is seen at that place."""
        ...


class Parser(Protocol):
    networks: tuple[NetworkId, ...]

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        """H x W uint8 of types.Part ids; 0 wherever the matte is below one half."""
        ...


@dataclass(frozen=True)
class SurfaceMap:
    """Which place of a body's surface every pixel shows, on the 24 charts of Güler, Neverova and Kokkinos, "DensePose:
    Dense Human Pose Estimation In The Wild" (2018).

    parts: H x W uint8, the chart, 1 to 24, and 0 for the background.
    uv: H x W x 2 float32 in [0, 1], the place on the chart; 0 on the background.
    """

    parts: UInt8Array
    uv: Float32Array


class SurfaceMapper(Protocol):
    networks: tuple[NetworkId, ...]

    def map_surface(self, photo: Photo, estimate: PoseEstimate) -> SurfaceMap:
        """Of photo.rgb's shape; the estimate's person alone. All 0 where nobody is seen at that place."""
        ...
