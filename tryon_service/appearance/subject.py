"""The person being taken apart, cut to the window of the photo that it fills."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tryon_service.appearance.masks import window
from tryon_service.imaging.colour import smooth_lab
from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.rig import joint, middle
from tryon_service.types import Float32Array, Keypoints, Person, Size, UInt8Array

FAINT = 0.004
"""Alpha below which nothing shows."""
BORDER = 16
"""Pixels around a cut-out that are worked on with it."""


@dataclass(frozen=True)
class Subject:
    """A person in its window; all the work of decomposition is done there.

    rgb: colours without the background's share; torso: its length in pixels; window: rows and columns of the photo;
    photo_size: (width, height) of the whole photo.
    """

    rgb: UInt8Array
    matte: Float32Array
    parsing: UInt8Array
    keypoints: Keypoints
    torso: float
    window: tuple[slice, slice]
    photo_size: Size

    @cached_property
    def lab(self) -> UInt8Array:
        """H x W x 3, its colours in CIELAB without grain."""
        return smooth_lab(self.rgb)

    @classmethod
    def of(cls, person: Person) -> Subject:
        frame = window(person.matte > FAINT, BORDER)
        rgb, matte = person.photo.rgb[frame], person.matte[frame]
        moved = person.keypoints.moved(1.0, (-(frame[1].start or 0), -(frame[0].start or 0)))
        torso = torso_length(person.keypoints)
        size = (person.matte.shape[1], person.matte.shape[0])
        return cls(decontaminate(rgb, matte), matte, person.parsing[frame], moved, torso, frame, size)


def torso_length(keypoints: Keypoints) -> float:
    """Pixels from the hips' middle to the shoulders' middle, never below half the shoulders' width."""
    hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    width = joint(keypoints, Landmark.LEFT_SHOULDER) - joint(keypoints, Landmark.RIGHT_SHOULDER)
    return float(max(np.hypot(*(neck - hips)), np.hypot(*width) / 2, 4.0))
