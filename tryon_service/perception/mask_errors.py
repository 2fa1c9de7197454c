"""Where a plain background shows that the person mask is wrong.

Gaps: holes between arm and waist or between the legs that the mask closes. They have the background's colour and a
clear rim; so has white print on a shirt, so they are looked for only where a body can have one: away from trunk, head,
bones, hands and feet. Spill: a mask that bulges into the background. Belongings: a bag or loose hair left out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.background import Background
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import BoolArray, Float32Array

_RIM_SHARE = 0.85
_PROTECTED_SHARE = 0.5
_STUDIO = 4.0
"""Largest median error in grey levels of a surface fitted to a studio's background."""
_SPILL_M, _SHALLOW_M = 0.09, 0.035
_SPILL_RIM_SHARE = 0.6
_SPILL_NOISE = 1.5
"""Above this many grey levels of noise the mask knows better than the colours."""
_BELONGINGS_M = 0.35
_BELONGINGS_AREA_M2 = 2e-3
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
    protected = _protected(mask.shape, xy, scale)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alike & solid).astype(np.uint8), connectivity=4)
    gaps = np.zeros(mask.shape, np.bool_)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < _MIN_AREA_M2 * scale**2:
            continue
        at = _window(stats[label])
        part = labels[at] == label
        rim = _dilated(part, 7) & solid[at] & ~_dilated(part, 3)
        if not rim.any() or distinct[at][rim].mean() < _RIM_SHARE or protected[at][part].mean() > _PROTECTED_SHARE:
            continue
        if legs[at][part].mean() > 0.5:
            beyond = _dilated(part, 5) & legs[at] & (alike & ~solid)[at]
            # A hole between the legs runs out there or over the frame's lower edge; the stripes of a skirt don't.
            if not beyond.any() and not (labels[-1] == label).any():
                continue
        gaps[at] |= part
    return gaps


def _window(stats: NDArray[np.int32]) -> tuple[slice, slice]:
    """Rows and columns of a connected component and the three pixels around it."""
    left, top, width, height = (int(v) for v in stats[:4])
    return slice(max(top - 3, 0), top + height + 3), slice(max(left - 3, 0), left + width + 3)


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


def _dilated(region: BoolArray, side: int) -> BoolArray:
    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((side, side), np.uint8)), np.bool_)


def _hull(shape: tuple[int, ...], points: Float32Array) -> BoolArray:
    area = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(np.clip(np.rint(points), -9999, 9999).astype(np.int32))
    cv2.fillConvexPoly(area, hull, 1)
    return area.astype(np.bool_)


def find_spill(distance: Float32Array, background: Background, mask: Float32Array, scale: float) -> BoolArray:
    """Pixels around the body that the mask takes for the person but that continue the plain background, h x w.

    Deep inside the mask this must end at a rim: white cloth on a white ground fades, a wrong mask does not.
    """
    solid = mask > 0.5
    depth = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 3)
    alike = (background.noise < _SPILL_NOISE) & (distance < 2.5 * background.noise + 2)
    near = (alike & (depth < _SPILL_M * scale)).astype(np.uint8)
    opened = np.asarray(cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.bool_)
    spill = _reached(opened | ~solid, ~solid) & solid
    deep = spill & (depth > _SHALLOW_M * scale)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(deep.astype(np.uint8), connectivity=4)
    distinct = distance > 4 * background.noise + 4
    rims = ~alike & solid
    for label in range(1, count):
        at = _window(stats[label])
        part = labels[at] == label
        rim = _dilated(part, 7) & ~_dilated(part, 3) & rims[at]
        if not rim.any() or distinct[at][rim].mean() < _SPILL_RIM_SHARE:
            spill[at] &= ~part
    return spill


def _reached(area: BoolArray, seeds: BoolArray) -> BoolArray:
    """The parts of an area that are connected with seeds in it."""
    count, labels = cv2.connectedComponents(area.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, np.bool_)
    kept[labels[seeds & area]] = True
    kept[0] = False
    return np.asarray(kept[labels], np.bool_)


def find_belongings(
    distance: Float32Array, background: Background, mask: Float32Array, xy: Float32Array, scale: float
) -> BoolArray:
    """Pixels that the mask leaves out but that are no background and touch the person, h x w.

    Only in studio photos; nothing near the floor, where shadows are, and nothing further away than a bag in the hand.
    """
    solid = mask > 0.5
    if background.usual > _STUDIO:
        return np.zeros(mask.shape, np.bool_)
    floor = min(xy[Landmark.LEFT_ANKLE, 1], xy[Landmark.RIGHT_ANKLE, 1]) - 0.1 * scale
    beside = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 3) < _BELONGINGS_M * scale
    # Shadows are soft: twice the rim's contrast is asked of a colour that must stand for itself.
    object_ = background.plain & beside & (distance > 8 * background.noise + 16) & ~solid
    object_[max(int(floor), 0) :] = False
    opened = cv2.morphologyEx(object_.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    kept = np.zeros(count, np.bool_)
    kept[labels[_dilated(solid, 3)]] = True
    kept &= stats[:, cv2.CC_STAT_AREA] >= _BELONGINGS_AREA_M2 * scale**2
    kept[0] = False
    return np.asarray(kept[labels], np.bool_)
