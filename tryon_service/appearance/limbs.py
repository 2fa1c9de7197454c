"""Where every pixel lies along a limb, in tapered capsules round the bones as wide as the matte shows, and which leg it
belongs to: between the legs a watershed follows the visible seam (Meyer, "Color image segmentation", 1992; OpenCV's
implementation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.appearance.masks import without_specks
from tryon_service.imaging.complete import at_pixels, nearest_known
from tryon_service.perception.runtime import side_by_side
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.curves import FrameCurve, locate
from tryon_service.retarget.rig import ARMS, LEGS, Rig, joint
from tryon_service.types import BoolArray, Float32Array, Keypoints, UInt8Array

# Radii as shares of the torso's length at the curve's joints, clothed lightly; from measured matte widths.
ARM_RADII = ((0.0, 0.20), (1.0, 0.17), (1.5, 0.135), (2.0, 0.11), (2.7, 0.085), (3.0, 0.095))
LEG_RADII = ((0.0, 0.30), (1.0, 0.27), (1.5, 0.21), (2.0, 0.15), (2.5, 0.14), (3.0, 0.095), (4.0, 0.10))
CORE = 0.55
BEYOND = 1.35
COVERED = 0.7
"""In usual radii from both bones: up to here what lies on both legs is the nearer one's."""
CROSSING = 0.005
"""Least area of shins and feet that lies on both legs where they cross, in squared torso lengths."""
KNEE = 2.0
"""Along a leg's curve: from here on legs cross; above they only touch."""
IN_LINE = 0.03
"""Metres by which one leg must be nearer than the other to be taken for the front one."""
RIM = 0.08
"""How far beyond the line between the legs each shows the other's pixels at the crotch, torso lengths."""
WEDGE = 0.4
"""The same as a share of the distance to the background."""
SHARED = (1.1, 1.7)
"""Along a leg's curve: where that begins to narrow, and where it ends."""
NEITHER = 3
"""Marker of what is no leg: no leg's pixels are reached across it."""
LOOSE = 2.2
"""Free cloth up to this many radii from the bone still belongs to the limb."""
CRUMB = 0.012
"""Largest loose piece that counts as a crumb, as a share of the person."""
CROTCH = 1.3
"""Along a leg's curve: before this both legs are one piece of cloth."""
TOES = 0.08
"""How far a shoe reaches beyond the toes' landmark, torso lengths."""
SMOOTH = 3.0
"""Sigma in pixels."""
FIELD_STEP = 4


@dataclass(frozen=True)
class LimbField:
    """Where every pixel lies along one limb.

    t: H x W float32, the curve's parameter.
    q: H x W float32, distance from the bone in units of the limb's own radius on that side; large far away.
    r: H x W float32, the same in units of a lightly clothed limb's usual radius.
    """

    t: Float32Array
    q: Float32Array
    r: Float32Array


def limb_field(name: str, curve: FrameCurve, matte: Float32Array, torso: float, tip: float) -> LimbField:
    """torso: torso length in pixels; tip: how far the limb continues beyond its last joint, in pixels."""
    h, w = matte.shape
    knots = np.array(ARM_RADII if name in ARMS else LEG_RADII)
    radii = np.interp(curve.t, knots[:, 0], knots[:, 1]) * torso
    reach = float(radii.max()) * LOOSE + tip
    low = np.maximum(np.floor(curve.points.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(curve.points.max(axis=0) + reach), (w, h)).astype(int)
    t = np.zeros((h, w), np.float32)
    q, r = np.full((h, w), 1e3, np.float32), np.full((h, w), 1e3, np.float32)
    if (high - low).min() < 2:
        return LimbField(t, q, r)
    profile = _radius_profile(curve, radii, matte)
    xs, ys = (np.arange(low[k], high[k] + FIELD_STEP, FIELD_STEP, dtype=np.float64) for k in (0, 1))
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    at, along, across = locate(grid.reshape(-1, 2), curve)
    end = np.where(at >= curve.t[-1], np.maximum(along, 0.0) / max(tip, 1.0), 0.0)
    end = np.maximum(end, np.where(at <= curve.t[0], np.maximum(-along, 0.0) / max(tip, 1.0), 0.0))
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    t[window], side, beyond = _upsampled(np.stack([at, across, end], axis=1).reshape(*grid.shape[:2], 3), size)
    index = np.rint((t[window] - curve.t[0]) / (curve.t[1] - curve.t[0])).astype(np.int32)
    index = np.clip(index, 0, len(curve.t) - 1)
    past, away = beyond > 1, np.abs(side)
    for out, radius in ((q, np.take(profile, index + (side > 0) * np.int32(len(radii)))), (r, np.take(radii, index))):
        out[window] = away / radius
        out[window][past] = np.hypot(away[past] / radius[past], 2 * beyond[past])
    return LimbField(t, q, r)


def _upsampled(fields: NDArray[np.float64], size: tuple[int, int]) -> list[Float32Array]:
    """C fields (h x w x C) sampled every FIELD_STEP pixels from pixel 0 on, at every pixel of size (width, height)."""
    xs, ys = np.arange(size[0], dtype=np.float32) / FIELD_STEP, np.arange(size[1], dtype=np.float32) / FIELD_STEP
    grid = np.meshgrid(xs, ys)
    whole = cv2.remap(fields.astype(np.float32), *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return [np.asarray(field, np.float32) for field in cv2.split(whole)]


def _radius_profile(curve: FrameCurve, radii: np.ndarray, matte: Float32Array) -> np.ndarray:
    """2 x M radii for the negative and the positive side of every sample of the curve: how far the person reaches
    before the background begins, or the anatomical radius where the trunk is in the way."""
    steps = np.linspace(0.15, LOOSE, 32)
    h, w = matte.shape
    profile, free = np.empty((2, len(radii))), np.zeros((2, len(radii)), bool)
    for side, sign in enumerate((-1.0, 1.0)):
        rays = curve.points[:, None] + sign * curve.across[:, None] * (radii[:, None] * steps)[..., None]
        x, y = (np.clip(np.round(rays[..., k]).astype(int), 0, limit - 1) for k, limit in ((0, w), (1, h)))
        outside = matte[y, x] < 0.5
        free[side] = outside.any(axis=1)
        profile[side] = np.where(free[side], steps[np.argmax(outside, axis=1)] * radii, np.nan)
    for side in (0, 1):
        other = np.clip(profile[1 - side], 0.7 * radii, 1.25 * radii)
        guess = np.where(np.isnan(other), radii, other)
        filled = np.where(free[side], profile[side], guess)
        profile[side] = np.maximum(_smoothed(filled), 0.35 * radii)
    return profile


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 4, mode="edge")
    return np.convolve(padded, np.ones(9) / 9, mode="valid")


def arm_tip(keypoints: Keypoints, side: str) -> float:
    """Pixels from wrist to fingertips: the finger landmarks are knuckles, fingers reach about as far again."""
    wrist = joint(keypoints, Landmark[f"{side}_WRIST"])
    knuckles = [joint(keypoints, Landmark[f"{side}_{f}"]) for f in ("PINKY", "INDEX", "THUMB")]
    forearm = float(np.hypot(*(wrist - joint(keypoints, Landmark[f"{side}_ELBOW"]))))
    return float(np.clip(2.0 * max(np.hypot(*(k - wrist)) for k in knuckles), 0.45 * forearm, 0.95 * max(forearm, 1.0)))


def _with_crumbs(limbs: dict[str, BoolArray], body: BoolArray, largest: float) -> dict[str, BoolArray]:
    """Loose pieces of the body up to so many pixels that touch a limb go to it."""
    rest = body.copy()
    for mask in limbs.values():
        rest &= ~mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < largest
    small[0] = False
    if count <= 1 or not small.any():
        return limbs
    crumbs = small[labels]
    out = {}
    for name, mask in limbs.items():
        near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        touching = np.unique(labels[near & crumbs])
        out[name] = mask | (np.isin(labels, touching) & crumbs)
        crumbs = crumbs & ~out[name]
    return out


def own_legs(rgb: UInt8Array, lower: BoolArray, fields: dict[str, LimbField], front: str = "") -> dict[str, BoolArray]:
    """H x W bool per leg: the lower body's pixels split between the legs along the visible seam. front: the leg nearer
    to the camera, which keeps what lies on both bones; "" if neither is."""
    if not lower.any():
        return {}
    if len(fields) < 2:
        return dict.fromkeys(fields, lower)
    (first, a), (second, b) = fields.items()
    markers = _seeds(lower, (a, b), list(fields).index(front) if front else None)
    if not ((markers == 1).any() and (markers == 2).any()):
        return {first: lower & (a.q <= b.q), second: lower & (a.q > b.q)}
    labels = _flood(rgb, markers)
    hips = lower & (np.minimum(a.t, b.t) < CROTCH)  # no seam to follow there: the nearer leg's side
    labels = np.where(hips, np.where(a.q <= b.q, 1, 2), labels)
    # The flood runs at half size; its line is drawn smooth.
    share = cv2.GaussianBlur((lower & (labels == 1)).astype(np.float32), (0, 0), SMOOTH)
    first_side = share > 0.5 * cv2.GaussianBlur(lower.astype(np.float32), (0, 0), SMOOTH)
    labels = np.where(first_side, 1, 2)
    whole = {name: lower & (labels == k) for k, name in enumerate(fields, start=1)}
    crumb = CRUMB * float(lower.sum())
    return _with_crumbs({name: without_specks(mask, crumb) for name, mask in whole.items()}, lower, crumb)


def _seeds(lower: BoolArray, fields: tuple[LimbField, LimbField], front: int | None) -> np.ndarray:
    """H x W int32: 1 and 2 where a pixel surely belongs to the first and the second leg, NEITHER where to no leg, else
    0. front: index of the nearer leg."""
    a, b = fields
    markers = np.zeros(lower.shape, np.int32)
    markers[lower & (a.q < CORE) & (a.q < b.q * 0.8)] = 1
    markers[lower & (b.q < CORE) & (b.q < a.q * 0.8)] = 2
    markers[(markers == 0) & lower & (a.q > BEYOND) & (b.q < a.q * 0.6)] = 2
    markers[(markers == 0) & lower & (b.q > BEYOND) & (a.q < b.q * 0.6)] = 1
    if front is not None:
        both = lower & (np.maximum(a.r, b.r) < COVERED)
        markers[both] = 0
        markers[both & (fields[front].r < CORE)] = front + 1
    markers[~lower] = NEITHER
    return markers


def shared_rim(own: BoolArray, field: LimbField, person: BoolArray, torso: float) -> BoolArray:
    """H x W bool: how far beyond the line between touching thighs a leg goes on, narrowing towards the knee and towards
    the background seen between the legs, so that legs which part open in a wedge. own: the leg's pixels; person:
    everybody's; torso: its length in pixels."""
    away, inside = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) for m in (~own, person))
    width = np.clip((SHARED[1] - field.t) / (SHARED[1] - SHARED[0]), 0.0, 1.0) * (RIM * torso)
    return np.asarray(~own & (away <= np.minimum(width, WEDGE * inside)))


def crossed_legs(fields: Mapping[str, LimbField], matte: Float32Array, torso: float) -> frozenset[str]:
    """Both legs if one hides a part of the other below the knee: a shin or a shoe that the photo doesn't show whole
    can't leave its place beside the other. torso: its length in pixels."""
    legs = [fields[name] for name in LEGS if name in fields]
    if len(legs) < len(LEGS):
        return frozenset()
    a, b = legs
    both = (matte > 0.5) & (np.minimum(a.t, b.t) > KNEE) & (np.maximum(a.r, b.r) < COVERED)
    return frozenset(LEGS) if both.sum() > CROSSING * torso**2 else frozenset()


def nearer_leg(keypoints: Keypoints) -> str:
    """The leg whose knee and ankle are nearer to the camera, "" if neither is by more than IN_LINE."""
    ends = (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE), (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE)
    left, right = (float(keypoints.world[list(pair), 2].mean()) for pair in ends)
    if abs(left - right) < IN_LINE:
        return ""
    return LEGS[0] if left < right else LEGS[1]


def _flood(rgb: UInt8Array, markers: np.ndarray) -> np.ndarray:
    """Watershed from the markers at half size; every pixel gets a leg's label, 1 or 2."""
    h, w = markers.shape
    small = cv2.resize(cv2.GaussianBlur(rgb, (0, 0), 1.2), (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    seeds = np.ascontiguousarray(markers[: h // 2 * 2 : 2, : w // 2 * 2 : 2])
    labels = cv2.watershed(small, seeds.copy())
    found = (labels == 1) | (labels == 2)
    if not found.any():
        return markers
    nearest = at_pixels(labels, nearest_known(found))
    full = cv2.resize(nearest.astype(np.int16), (w, h), interpolation=cv2.INTER_NEAREST).astype(np.int32)
    return np.where((markers == 1) | (markers == 2), markers, full)


def fields_for(
    rig: Rig, keypoints: Keypoints, matte: Float32Array, torso: float, names: list[str]
) -> dict[str, LimbField]:
    """Limb fields of the named limbs."""

    def field(name: str) -> LimbField:
        tip = arm_tip(keypoints, name.split("_", maxsplit=1)[0].upper()) if name in ARMS else TOES * torso
        return limb_field(name, rig.limbs[name], matte, torso, tip)

    return dict(zip(names, side_by_side(field, names), strict=True))
