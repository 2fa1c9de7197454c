"""BlazePose's two networks through LiteRT: an image to regions with people, a region to landmarks and a mask.

Two networks: a detector that looks at the whole photo and gives, for each person, the middle of the hips and a point
whose distance and direction from it tell size and tilt of the body; and a landmark network that looks at the turned
square around that. Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking" (2020). Every constant is
that of MediaPipe 0.10.21's static-image pipeline, with which the results agree to about a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from tryon_service.perception.people import Window
from tryon_service.perception.runtime import LiteRtSession
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Float32Array, Keypoints, Size, UInt8Array

_DETECTOR_SIDE = 224
_CROP_SIDE = 256
_SCORE_CLIP = 100.0
_NMS_OVERLAP = 0.3
_ROI_SCALE = 1.25
_HEATMAP_KERNEL = 7
_HEATMAP_MIN = 0.5
_POINTS = 39
"""33 landmarks, two alignment points for the next region, and four more that nobody here needs."""


@dataclass(frozen=True)
class Roi:
    """The turned square the landmark network looks at. centre: (x, y) pixels; side: pixels; angle: radians, clockwise
    on the picture (y down), 0 for an upright person."""

    centre: tuple[float, float]
    side: float
    angle: float

    @property
    def to_image(self) -> Float32Array:
        """2 x 3 matrix from crop pixels (0 to 256) to image pixels."""
        step = self.side / _CROP_SIDE
        c, s = math.cos(self.angle) * step, math.sin(self.angle) * step
        middle = _CROP_SIDE / 2
        x = self.centre[0] - c * middle + s * middle
        y = self.centre[1] - s * middle - c * middle
        return np.array([[c, -s, x], [s, c, y]], np.float32)

    @classmethod
    def around(cls, hips: Float32Array, reach: Float32Array) -> Roi:
        """The region of a body from its two alignment points: the middle of the hips, and the point on the circle
        around the whole body that lies in the direction of the head."""
        dx, dy = (float(d) for d in reach - hips)
        angle = math.pi / 2 - math.atan2(-dy, dx)
        return cls((float(hips[0]), float(hips[1])), 2 * math.hypot(dx, dy) * _ROI_SCALE, angle)

    @classmethod
    def of_body(cls, keypoints: Keypoints) -> Roi:
        """The region of a body whose joints are known: around its hips, as wide as its farthest joint is away."""
        xy = keypoints.xy
        hips, neck = (
            xy[[Landmark[f"LEFT_{name}"], Landmark[f"RIGHT_{name}"]]].mean(axis=0) for name in ("HIP", "SHOULDER")
        )
        up = (neck - hips) / max(float(np.hypot(*(neck - hips))), 1e-3)
        reach = max(float(np.linalg.norm(xy - hips, axis=1).max()), 1.0)
        return cls.around(hips, hips + up * reach)

    def raised(self, rows: int) -> Roi:
        """The same region where the topmost rows are gone."""
        return replace(self, centre=(self.centre[0], self.centre[1] - rows))

    def close_to(self, other: Roi) -> bool:
        """Whether both would show the landmark network the same body."""
        distance = math.dist(self.centre, other.centre)
        smaller, larger = sorted((self.side, other.side))
        return distance < 0.15 * smaller and smaller > 0.75 * larger and math.cos(self.angle - other.angle) > 0.9


@dataclass(frozen=True)
class Landmarked:
    """What the landmark network finds in a region. presence: in [0, 1]; mask: 256 x 256 in [0, 1], in the crop;
    roi: the region; next_roi: a better one, from the landmarks themselves."""

    keypoints: Keypoints
    presence: float
    mask: Float32Array
    roi: Roi
    next_roi: Roi

    def mask_in(self, size: Size) -> Float32Array:
        """The mask in a photo of this (width, height), 0 outside the region."""
        # INVERSE_MAP with the image-to-crop matrix: the crop is usually the smaller of the two.
        to_crop = cv2.invertAffineTransform(self.roi.to_image)
        mask = cv2.warpAffine(self.mask, to_crop, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.asarray(mask, np.float32)

    def raised(self, rows: int, size: Size) -> Landmarked:
        """The same find in the photo of this (width, height) that lacks the topmost rows."""
        keypoints = self.keypoints.moved(1.0, (0.0, -float(rows)))
        inside = np.all((keypoints.xy >= 0) & (keypoints.xy <= (size[0] - 1, size[1] - 1)), axis=1)
        return replace(
            self,
            keypoints=replace(keypoints, seen=inside),
            roi=self.roi.raised(rows),
            next_roi=self.next_roi.raised(rows),
        )


class PersonDetector:
    """BlazePose's detector on one image."""

    def __init__(self, session: LiteRtSession) -> None:
        self._session = session

    def detect(self, rgb: UInt8Array, window: Window, min_score: float) -> list[tuple[float, Roi]]:
        """H x W x 3 uint8 to (score, region) of the people found in the window, best first."""
        part = rgb[window.top : window.bottom, window.left : window.right]
        height, width = part.shape[:2]
        side = max(height, width) * (1 + 2 * window.margin)
        left, top = (width - side) / 2, (height - side) / 2
        step = side / _DETECTOR_SIDE
        matrix = np.array([[step, 0, left], [0, step, top]], np.float32)
        square = cv2.warpAffine(part, matrix, (_DETECTOR_SIDE,) * 2, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        boxes, logits = self._session.run(square[np.newaxis] / np.float32(127.5) - 1)
        scores = _sigmoid(np.clip(logits[0, :, 0], -_SCORE_CLIP, _SCORE_CLIP))
        kept = np.flatnonzero(scores >= min_score)
        points = boxes[0, kept].reshape(len(kept), 6, 2) / _DETECTOR_SIDE
        anchors = _anchors()[kept]
        centre, extent, marks = points[:, 0] + anchors, points[:, 1], points[:, 2:4] + anchors[:, np.newaxis]
        # Rows of left, top, right, bottom of the face, hips x, hips y, reach x, reach y.
        rows = np.hstack([centre - extent / 2, centre + extent / 2, marks.reshape(len(kept), 4)]) * side
        rows += np.tile([left + window.left, top + window.top], 4)
        found = _weighted_nms(rows.astype(np.float32), scores[kept])
        return [(score, Roi.around(row[4:6], row[6:8])) for score, row in found]


class LandmarkNetwork:
    """BlazePose's landmark network on one region of an image."""

    def __init__(self, session: LiteRtSession) -> None:
        self._session = session

    def locate(self, rgb: UInt8Array, roi: Roi) -> Landmarked:
        """H x W x 3 uint8 and a region to landmarks in pixels of the image."""
        # A replicated border matters: with zeros, landmarks near the photo's edge move by up to 50 pixels.
        crop = cv2.warpAffine(
            rgb,
            roi.to_image,
            (_CROP_SIDE, _CROP_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        points, presence, mask, heatmaps, world = self._session.run(crop[np.newaxis] / np.float32(255))
        rows = points.reshape(_POINTS, 5).copy()
        rows[:, :2] = _refine(rows[:, :2], _sigmoid(heatmaps[0]))
        xyz = np.empty((_POINTS, 3), np.float32)
        xyz[:, :2] = rows[:, :2] @ roi.to_image[:, :2].T + roi.to_image[:, 2]
        xyz[:, 2] = rows[:, 2] * (roi.side / _CROP_SIDE)
        next_roi = Roi.around(xyz[33, :2], xyz[34, :2])
        xyz = xyz[:33]
        spatial = world.reshape(_POINTS, 3)[:33].copy()
        c, s = math.cos(roi.angle), math.sin(roi.angle)
        spatial[:, :2] = spatial[:, :2] @ np.array([[c, s], [-s, c]], np.float32)
        height, width = rgb.shape[:2]
        inside = np.all((xyz[:, :2] >= 0) & (xyz[:, :2] <= (width - 1, height - 1)), axis=1)
        keypoints = Keypoints(xyz, spatial, _sigmoid(rows[:33, 3]), inside)
        return Landmarked(keypoints, float(presence[0, 0]), _sigmoid(mask[0, :, :, 0]), roi, next_roi)


@cache
def _anchors() -> Float32Array:
    """2254 x 2 anchor centres in [0, 1]: two per cell at strides 8 and 16, six at stride 32 (three layers of two)."""
    layers = []
    for stride, per_cell in ((8, 2), (16, 2), (32, 6)):
        cells = _DETECTOR_SIDE // stride
        y, x = np.mgrid[:cells, :cells].reshape(2, -1)
        layers.append(np.repeat((np.stack([x, y], axis=1) + 0.5) / cells, per_cell, axis=0))
    return np.concatenate(layers).astype(np.float32)


def _weighted_nms(rows: Float32Array, scores: Float32Array) -> list[tuple[float, Float32Array]]:
    """Each group of overlapping detections becomes the group's best score and the score-weighted mean of its rows.

    rows: N x 8, left, top, right, bottom, hips x, y, reach x, y in pixels; scores: N.
    """
    found = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        group = _overlap(rows[left[0]], rows[left]) > _NMS_OVERLAP
        group[0] = True
        members = left[group]
        mean = np.average(rows[members], axis=0, weights=scores[members]).astype(np.float32)
        found.append((float(scores[left[0]]), mean))
        left = left[~group]
    return found


def _overlap(row: Float32Array, rows: Float32Array) -> Float32Array:
    """Intersection over union of one box with N boxes."""
    sides = np.minimum(row[2:4], rows[:, 2:4]) - np.maximum(row[:2], rows[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = (rows[:, 2:4] - rows[:, :2]).prod(axis=1)
    union = (row[2:4] - row[:2]).prod() + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-6), np.float32)


def _refine(points: Float32Array, heatmaps: Float32Array) -> Float32Array:
    """Move each point to the centre of mass of its heatmap nearby, where the heatmap is confident.

    points: 33 x 2, crop pixels; heatmaps: 64 x 64 x 39 in [0, 1]. Without this step medians are off by 4 to 13 pixels.
    """
    refined = points.copy()
    rows, columns = heatmaps.shape[:2]
    reach = _HEATMAP_KERNEL // 2
    scale = _CROP_SIDE / columns
    for i, (x, y) in enumerate(points / scale):
        column, row = int(x), int(y)
        if not (0 <= column < columns and 0 <= row < rows):
            continue
        top, left = max(row - reach, 0), max(column - reach, 0)
        patch = heatmaps[top : row + reach + 1, left : column + reach + 1, i]
        if patch.max() < _HEATMAP_MIN:
            continue
        total = patch.sum()
        refined[i, 0] = (patch.sum(axis=0) @ np.arange(left, left + patch.shape[1])) / total * scale
        refined[i, 1] = (patch.sum(axis=1) @ np.arange(top, top + patch.shape[0])) / total * scale
    return refined


def _sigmoid(x: Float32Array) -> Float32Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), np.float32)
