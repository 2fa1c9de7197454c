"""Holes that the person mask closes but the background shines through: between arm and waist, between the legs.

On a plain background such a hole has the background's colour and a clear rim. So has white print on a shirt, so holes
are looked for only where a body can have one: away from trunk, head, bones, hands and feet.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.perception.background import Background
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import BoolArray, Float32Array

_RIM_SHARE = 0.75
_MIN_AREA_M2 = 1e-4
_BONE_M = {"arm": 0.025, "leg": 0.05}

_TRUNK = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP, Landmark.LEFT_HIP)
_LEGS = (
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
)
_EXTREMITIES = (
    (Landmark.LEFT_WRIST, Landmark.LEFT_INDEX),
    (Landmark.LEFT_WRIST, Landmark.LEFT_PINKY),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_INDEX),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_PINKY),
    (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
)


def find_gaps(
    distance: Float32Array, background: Background, mask: Float32Array, xy: Float32Array, scale: float
) -> BoolArray:
    """Pixels inside the mask that are background, h x w.

    distance: h x w, of each colour from the background's; mask: h x w in [0, 1]; xy: 33 x 2 landmarks in these pixels;
    scale: pixels per metre.
    """
    alike = background.plain & (distance < 3 * background.noise + 4)
    distinct = distance > 6 * background.noise + 8
    solid = mask > 0.5
    legs = _hull(mask.shape, xy[list(_LEGS)])
    candidates = (alike & solid & ~_protected(mask.shape, xy, scale)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates, connectivity=4)
    gaps = np.zeros(mask.shape, np.bool_)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < _MIN_AREA_M2 * scale**2:
            continue
        part = labels == label
        rim = cv2.dilate(part.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
        rim &= solid & ~cv2.dilate(part.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
        if not rim.any() or distinct[rim].mean() < _RIM_SHARE:
            continue
        if (part & legs).any() and not _opens_downwards(part, legs, alike & ~solid):
            continue
        gaps |= part
    return gaps


def _protected(shape: tuple[int, ...], xy: Float32Array, scale: float) -> BoolArray:
    """Where a body has no holes."""
    area = _hull(shape, xy[list(_TRUNK)]).astype(np.uint8)
    bones = [(bone, _BONE_M["arm" if "arm" in name else "leg"]) for name, bone in LIMBS.items()]
    bones += [(bone, 0.03) for bone in _EXTREMITIES]
    for (near, far), radius in bones:
        ends = [tuple(int(v) for v in np.clip(np.rint(xy[end]), -9999, 9999)) for end in (near, far)]
        cv2.line(area, ends[0], ends[1], 1, max(round(2 * radius * scale), 1))
    head = np.clip(np.rint(xy[:11].mean(axis=0)), -9999, 9999)
    cv2.circle(area, (int(head[0]), int(head[1])), max(round(0.16 * scale), 1), 1, -1)
    return area.astype(np.bool_)


def _opens_downwards(part: BoolArray, legs: BoolArray, background: BoolArray) -> bool:
    """Whether a hole between the legs runs out between them or over the frame's lower edge; stripes of a skirt don't."""
    grown = cv2.dilate(part.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    return bool((grown & legs & background).any() or part[-1].any())


def _hull(shape: tuple[int, ...], points: Float32Array) -> BoolArray:
    area = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(np.clip(np.rint(points), -9999, 9999).astype(np.int32))
    cv2.fillConvexPoly(area, hull, 1)
    return area.astype(np.bool_)


def find_spill(distance: Float32Array, background: Background, outside: BoolArray, reach: BoolArray) -> BoolArray:
    """Pixels around the body that the mask takes for the person but that continue the plain background, h x w.

    outside: sure background; reach: how far in the mask may be wrong.
    """
    alike = background.plain & (distance < 2.5 * background.noise + 2) & reach
    opened = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents((opened.astype(np.bool_) | outside).astype(np.uint8), connectivity=4)
    reached = np.zeros(int(labels.max()) + 1, np.bool_)
    reached[np.unique(labels[outside])] = True
    reached[0] = False
    return np.asarray(reached[labels] & ~outside, np.bool_)
