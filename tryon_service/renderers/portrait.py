"""Portraits: people cut out of photos into small upright frames of one size, as generators see and draw them.

Everything a generator sees or makes lies over white, in training as in use; the frame follows from the joints alone, so
that the photo that a person comes from and the picture that it goes into are cut by the same rule.

Convention: (x, y) in pixels, pixel centres at whole numbers. A picture is what a frame is cut from or pasted into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.imaging.frames import Letterbox, Points, Region
from tryon_service.perception import skeletons
from tryon_service.perception.skeletons import BONES, HEAD, Landmark
from tryon_service.types import BoolArray, Float32Array, Keypoints, Size, UInt8Array

WHITE = 255
FILLED = 0.9
"""Share of the frame's height, or of its width if that is reached first, that the body fills."""
REACH: Mapping[str, float] = MappingProxyType({"head": 0.33, "hand": 0.17, "foot": 0.12, "other": 0.2})
"""How far hair, fingers, soles and cloth reach beyond the landmarks there, in body sizes (_body_size)."""
_HANDS, _FEET = range(Landmark.LEFT_PINKY, Landmark.LEFT_HIP), range(Landmark.LEFT_HEEL, len(Landmark))
_TORSO = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)


@dataclass(frozen=True)
class PortraitFrame:
    """Which part of a picture a portrait is.

    picture, size: (width, height) of the picture and of the portrait; region: (x0, y0, width, height) of that part in
    whole pixels of the picture, beyond which it may reach. A region of another aspect than the portrait's is padded.
    """

    picture: Size
    size: Size
    region: Region

    @classmethod
    def of(cls, keypoints: Keypoints, size: Size, picture: Size) -> PortraitFrame:
        """The upright frame in which this body, as far as the picture shows it, fills FILLED of the height or width and
        stands in the middle.

        keypoints: in the picture's pixels; without any that is seen all of them count. size, picture: (width, height)
        of portrait and picture.
        """
        low, high = _body_box(keypoints, picture)
        width, height = (max(float(length), 1.0) for length in high - low + 1)
        tall = max(height, width * size[1] / size[0]) / FILLED
        whole = max(round(tall * size[0] / size[1]), 1), max(round(tall), 1)
        left, top = (
            round(float(middle) - (length - 1) / 2) for middle, length in zip((low + high) / 2, whole, strict=True)
        )
        return cls(picture, size, (left, top, *whole))

    def cut(self, rgb: UInt8Array) -> UInt8Array:
        """The portrait from the picture, h x w x 3 uint8 from H x W x 3; white where the picture ends."""
        return np.asarray(self._box.image(rgb, fill=WHITE), np.uint8)

    def cut_mask(self, mask: NDArray[Any]) -> NDArray[Any]:
        """The same for an H x W matte (float, averaged) or parsing (whole numbers, the nearest); 0 outside."""
        return self._box.mask(mask)

    def points(self, xy: Points) -> Points:
        """... x 2 points of the picture to points of the portrait."""
        return self._box.points(xy)

    def points_back(self, xy: Points) -> Points:
        """... x 2 points of the portrait to points of the picture."""
        return self._box.points_back(xy)

    def coco18(self, keypoints: Keypoints) -> Float32Array:
        """18 x 3 float32 rows of (x, y, seen) in the portrait's pixels; keypoints: in the picture's."""
        rows = skeletons.coco18(keypoints)
        rows[:, :2] = self.points(rows[:, :2])
        return rows

    def back(self, portrait: UInt8Array) -> tuple[UInt8Array, BoolArray]:
        """(the portrait at its place in a picture that is white elsewhere, H x W x 3 uint8; H x W bool: inside it)."""
        inside = self.back_mask(np.ones(portrait.shape[:2], bool))
        return np.asarray(self._box.image_back(portrait, fill=WHITE), np.uint8), np.asarray(inside, bool)

    def back_mask(self, mask: NDArray[Any]) -> NDArray[Any]:
        """The same for an h x w matte or parsing of the portrait; 0 outside it."""
        return self._box.mask_back(mask)

    @property
    def _box(self) -> Letterbox:
        return Letterbox(self.picture, self.size, self.region)


def over_white(rgb: UInt8Array, matte: Float32Array) -> UInt8Array:
    """H x W x 3 uint8: the person over white. matte: H x W float32 in [0, 1]."""
    paper = np.full_like(rgb, WHITE)
    return np.asarray(cv2.blendLinear(rgb, paper, matte, 1.0 - matte), np.uint8)


def _body_box(keypoints: Keypoints, picture: Size) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(low, high) corners, (x, y) each, of what the picture shows of the body. A bone counts from its seen end to the
    picture's edge: of someone photographed to the hips, the hips aren't cut."""
    shown = {landmark for bone in BONES if keypoints.seen[list(bone)].any() for landmark in bone}
    chosen = sorted(shown) or list(Landmark)
    reach = _body_size(keypoints) * np.array([[REACH[_kind(landmark)]] for landmark in chosen])
    points = keypoints.xy[chosen].astype(np.float64)
    last = np.array(picture, np.float64) - 1
    return np.clip((points - reach).min(axis=0), 0, last), np.clip((points + reach).max(axis=0), 0, last)


def _kind(landmark: int) -> str:
    """A key of REACH."""
    if landmark in HEAD:
        return "head"
    return "hand" if landmark in _HANDS else "foot" if landmark in _FEET else "other"


def _body_size(keypoints: Keypoints) -> float:
    """Pixels: length of the torso and width of the shoulders in quadrature, which no bent limb changes."""
    left, right, left_hip, right_hip = keypoints.xy[list(_TORSO)].astype(np.float64)
    return float(np.hypot(np.linalg.norm((left + right - left_hip - right_hip) / 2), np.linalg.norm(left - right)))
