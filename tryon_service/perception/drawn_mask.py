"""A person's mask from their joints and the photo's colours, for pose networks that see no mask.

The limbs, drawn as thick as limbs are, say what is surely the person and what may be; GrabCut (Rother, Kolmogorov and
Blake, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", 2004) finds where between the two colours
change.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import BoolArray, Float32Array, UInt8Array

WORK_SIDE = 256
"""Longer side in pixels at which colours are compared, that of the mask networks."""
ROUNDS = 3
_LIMB_CORE, _LIMB_REACH = 0.03, 0.17
"""Half thicknesses in metres of what is surely a limb, and of the widest sleeve or trouser leg."""
_HEAD_CORE, _HEAD_REACH = 0.06, 0.24
_TRUNK = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP, Landmark.LEFT_HIP)
_FACE = (Landmark.NOSE, Landmark.LEFT_EYE, Landmark.RIGHT_EYE, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)


def draw_mask(
    rgb: UInt8Array, xy: Float32Array, known: BoolArray, box: tuple[float, float, float, float], scale: float
) -> Float32Array:
    """H x W float32 in [0, 1], soft at WORK_SIDE's resolution.

    rgb: H x W x 3; xy: 33 x 2 landmarks in its pixels, of which those known are used; box: left, top, right, bottom of
    the person, outside of which nothing is looked at; scale: pixels per metre.
    """
    mask = np.zeros(rgb.shape[:2], np.float32)
    height, width = rgb.shape[:2]
    left, top = max(int(np.floor(box[0])), 0), max(int(np.floor(box[1])), 0)
    right, bottom = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
    if right - left < 2 or bottom - top < 2 or not known.any():
        return mask
    factor = min(1.0, WORK_SIDE / max(right - left, bottom - top))
    size = (max(round((right - left) * factor), 2), max(round((bottom - top) * factor), 2))
    small = cv2.resize(rgb[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    points = (xy - np.array([left, top], np.float32) + 0.5) * factor - 0.5
    labels = _labels(np.asarray(points, np.float32), known, size, scale * factor)
    found = _cut(np.asarray(small, np.uint8), labels).astype(np.float32)
    soft = cv2.resize(cv2.GaussianBlur(found, (3, 3), 0), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    mask[top:bottom, left:right] = np.clip(soft, 0, 1)
    return mask


def _labels(points: Float32Array, known: BoolArray, size: tuple[int, int], scale: float) -> UInt8Array:
    """h x w of cv2.GC_*: what is surely the person, what may be, and what is not."""
    labels = np.full(size[::-1], cv2.GC_BGD, np.uint8)
    for limb, head, value in (
        (_LIMB_REACH, _HEAD_REACH, cv2.GC_PR_FGD),
        (_LIMB_CORE, _HEAD_CORE, cv2.GC_FGD),
    ):
        thickness = max(round(2 * limb * scale), 1)
        for near, far in LIMBS.values():
            if known[near] and known[far]:
                cv2.line(labels, _pixel(points[near]), _pixel(points[far]), value, thickness)
        face = [joint for joint in _FACE if known[joint]]
        if face:
            cv2.circle(labels, _pixel(points[face].mean(axis=0)), max(round(head * scale), 1), value, -1)
        if known[list(_TRUNK)].all():
            corners = np.array([_pixel(points[joint]) for joint in _TRUNK], np.int32)
            cv2.fillConvexPoly(labels, cv2.convexHull(corners), value)
            if value == cv2.GC_PR_FGD:
                cv2.polylines(labels, [corners], True, value, thickness)
    return labels


def _cut(rgb: UInt8Array, labels: UInt8Array) -> BoolArray:
    """What GrabCut makes of the labels; the drawing itself where there is nothing to tell apart."""
    if not (labels == cv2.GC_BGD).any() or not (labels != cv2.GC_BGD).any():
        return np.asarray(labels != cv2.GC_BGD, np.bool_)
    cut, nowhere = labels.copy(), (0, 0, 0, 0)  # the labels say where, no rectangle
    cv2.setRNGSeed(0)  # of this thread; GrabCut begins with random colours
    try:
        cv2.grabCut(rgb, cut, nowhere, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # fewer pixels than colours to be fitted
        return np.asarray(labels != cv2.GC_BGD, np.bool_)
    return np.asarray((cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD), np.bool_)


def _pixel(point: Float32Array) -> tuple[int, int]:
    x, y = np.rint(np.clip(point, -4096, 4096))
    return int(x), int(y)
