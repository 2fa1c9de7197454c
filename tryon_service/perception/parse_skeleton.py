"""Parsing without a network: regions from the pose, skin from the face's own colour. The explicit fallback parser.

It tells bare limbs from covered ones and head from torso, but knows two garments only: upper above the hips' line,
trousers below.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.colour import alike
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import BoolArray, Float32Array, Keypoints, NetworkId, Part, Photo, UInt8Array

HEAD_RADIUS = 4.5
"""How far hair reaches from the face's middle, in distances from eyes to mouth."""


class SkeletonParser:
    """Implements perception.base.Parser."""

    networks: tuple[NetworkId, ...] = ()

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        person = matte >= 0.5
        out = np.zeros(matte.shape, np.uint8)
        axis = _Axis(keypoints)
        height = axis.height(matte.shape)
        out[person] = Part.UPPER
        out[person & (height < 0)] = Part.TROUSERS
        face, head = _face(keypoints, axis, matte.shape)
        skin = alike(photo.rgb, face & person)
        arms = {}
        for side in ("left", "right"):
            arm = _capsules(keypoints, (f"{side}_upper_arm", f"{side}_forearm"), 0.13 * axis.length, matte.shape)
            leg = _capsules(keypoints, (f"{side}_thigh", f"{side}_shin"), 0.24 * axis.length, matte.shape)
            out[person & leg & skin & (height < 0)] = Part[f"{side.upper()}_LEG"]
            out[person & _foot(keypoints, side, axis.length, matte.shape)] = Part.SHOES
            arms[Part[f"{side.upper()}_ARM"]] = person & arm & skin
        out[person & skin & (out == Part.UPPER) & (height > 0.8)] = Part.TORSO_SKIN
        out[person & head] = Part.HAIR
        for part, mask in arms.items():
            out[mask] = part
        out[person & face] = Part.FACE
        return out


class _Axis:
    """The torso's axis: height 0 at the hips, 1 at the shoulders."""

    def __init__(self, keypoints: Keypoints) -> None:
        xy = keypoints.xy.astype(np.float64)
        self.hips = xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
        self.neck = xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0)
        self.length = max(float(np.hypot(*(self.neck - self.hips))), 4.0)

    def height(self, shape: tuple[int, ...]) -> Float32Array:
        up = (self.neck - self.hips) / self.length**2
        ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        return np.asarray((xs - self.hips[0]) * up[0] + (ys - self.hips[1]) * up[1], np.float32)


def _face(keypoints: Keypoints, axis: _Axis, shape: tuple[int, ...]) -> tuple[BoolArray, BoolArray]:
    """(face ellipse, everything above the chin and near the face), H x W bool."""
    xy = keypoints.xy.astype(np.float64)
    eyes = xy[[Landmark.LEFT_EYE, Landmark.RIGHT_EYE]].mean(axis=0)
    mouth = xy[[Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT]].mean(axis=0)
    down = mouth - eyes
    size = max(float(np.hypot(*down)), 0.05 * axis.length)
    ears = float(np.hypot(*(xy[Landmark.LEFT_EAR] - xy[Landmark.RIGHT_EAR])))
    centre = eyes + 0.45 * down
    angle = float(np.degrees(np.arctan2(down[1], down[0])))
    face = np.zeros(shape, np.uint8)
    axes = (max(1, round(1.45 * size)), max(1, round(max(0.55 * ears, 0.9 * size))))
    cv2.ellipse(face, (round(centre[0]), round(centre[1])), axes, angle, 0, 360, 1, -1)
    chin = centre + 1.35 * down
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    above = (xs - chin[0]) * down[0] + (ys - chin[1]) * down[1] < 0
    near = np.hypot(xs - centre[0], ys - centre[1]) < HEAD_RADIUS * size
    return face.astype(bool), above & near


def _capsules(keypoints: Keypoints, limbs: tuple[str, ...], radius: float, shape: tuple[int, ...]) -> BoolArray:
    """Pixels within radius of the named bones; the hand or foot beyond the last one is included."""
    out = np.zeros(shape, np.uint8)
    xy = keypoints.xy.astype(np.float64)
    for name in limbs:
        start, end = (xy[b] for b in LIMBS[name])
        reach = end + (end - start) * (0.6 if name.endswith("forearm") else 0.0)
        points = np.round(np.clip([start, reach], -4 * max(shape), 4 * max(shape))).astype(int)
        cv2.line(out, points[0].tolist(), points[1].tolist(), 1, max(1, round(2 * radius)))
    return out.astype(bool)


def _foot(keypoints: Keypoints, side: str, length: float, shape: tuple[int, ...]) -> BoolArray:
    points = [keypoints.xy[Landmark[f"{side.upper()}_{name}"]] for name in ("ANKLE", "HEEL", "FOOT_INDEX")]
    hull = np.round(np.clip(points, -4 * max(shape), 4 * max(shape))).astype(np.int32)
    out = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(out, hull, 1)
    radius = max(1, round(0.09 * length))
    return cv2.dilate(out, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)).astype(bool)
