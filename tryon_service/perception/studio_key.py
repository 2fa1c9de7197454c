"""A studio photo's matte made exact to the pixel: where the background's colour is known, colours tell what is person.

A matte from a network is right to a few pixels: it leaves rims of white paper round a hand, closes the gaps between
fingers and bites into cuffs. Before a plain background every pixel near the edge can be explained as a mixture of the
background's known colour and the person's colour just beyond: Smith and Blinn, "Blue Screen Matting" (1996).
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.perception.background import Background, fit_background
from tryon_service.perception.skeletons import HEAD, Landmark
from tryon_service.perception.visibility import body_scale
from tryon_service.types import BoolArray, Float32Array, Keypoints, UInt8Array

FIT_SIDE = 512
"""Longer side in pixels of the picture that the background is fitted to."""
PLAIN = 2.0
"""Largest local noise, in grey levels, of a background that colours can be measured against."""
STUDIO = 4.0
"""Largest median error of the fit, in grey levels, over the whole background of a studio photo."""
CLEAR = 40
"""Grey levels between the person's colour and the background's from which a mixture can be measured."""
PAPER = 14
"""Grey levels from the background within which a pixel beside a clear edge is background; compression needs so much."""
FLOOR, FULL = 8.0, 0.9
"""A pixel is background entirely up to the first, in grey levels, and person entirely from the second, as a share."""
BLUR = 2
"""How far from the background, in pixels, a pixel may be a mixture."""
RIM_M = 0.014
"""Half-width, in metres on the body, of the rim in which the matte is measured anew."""
HAND_M = 0.14
"""How far around a hand's landmarks a gap between fingers may lie, metres."""
GAP_M2, GAP_M = 1.2e-5, 0.025
"""Smallest such gap, square metres, and half the width of the widest, metres."""
GAP_RIM = 0.8
"""Share of a gap's rim that must clearly be person."""
WORN_M, WORN = 0.06, 0.06
"""Half-width in metres of a pixel's surroundings, and the share of the person in them from which patches of the
background's colour that can't be background tell that the cloth has this colour too."""
STRIPES_M, STRIPES = 0.12, 0.3
"""The same of all patches of this colour: stripes that run out to the background are too many to be gaps."""
HAIR_M, SHOE_M = 0.17, 0.16
"""Radius round the head, where hair is left soft, and round the feet, where the floor is shadowed, metres."""

HANDS = tuple(Landmark[f"{side}_{tip}"] for side in ("LEFT", "RIGHT") for tip in ("WRIST", "INDEX", "PINKY", "THUMB"))
FEET = tuple(Landmark[f"{side}_{tip}"] for side in ("LEFT", "RIGHT") for tip in ("HEEL", "FOOT_INDEX", "ANKLE"))


def key_studio(rgb: UInt8Array, matte: Float32Array, keypoints: Keypoints) -> Float32Array:
    """The matte with its rim measured anew; the same matte where the background is not that of a studio.

    rgb: H x W x 3; matte: H x W in [0, 1]; keypoints: in the photo's pixels. Head and feet keep their matte.
    """
    scale = body_scale(keypoints, matte)
    background = _background(rgb, matte, scale)
    if background is None:
        return matte
    size = matte.shape[::-1]
    colour = cv2.resize(np.clip(background.colour + 0.5, 0, 255).astype(np.uint8), size)
    plain = cv2.resize((background.noise < PLAIN).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    red, green, blue = cv2.split(cv2.absdiff(rgb, colour))
    apart = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    hands, head, feet = (
        _around(matte.shape, keypoints, *area)
        for area in ((HANDS, HAND_M * scale), (HEAD, HAIR_M * scale), (FEET, SHOE_M * scale))
    )
    plain &= ~(head | feet)
    opened = np.where(_gaps(apart, matte, plain, hands, scale), np.float32(0), matte)
    radius = max(2 * BLUR, round(RIM_M * scale))
    rim = _rim(opened, radius)
    worn = _share((apart < PAPER) & ~rim, opened > 0.5, WORN_M * scale) > WORN
    keyed = _measured(apart, opened, rim & plain & ~worn, radius)
    # Deep inside nothing is half transparent, whatever a highlight looks like.
    return np.where(~rim & plain & (opened > 0.5), np.float32(1), keyed)


def _background(rgb: UInt8Array, matte: Float32Array, scale: float) -> Background | None:
    """The background at a reduced size, or None unless it is a studio's."""
    factor = min(1.0, FIT_SIDE / max(matte.shape))
    size = (max(round(matte.shape[1] * factor), 1), max(round(matte.shape[0] * factor), 1))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
    person = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    rim = max(3, round(2 * RIM_M * scale * factor)) | 1
    outside = cv2.dilate(person, np.ones((rim, rim), np.uint8)) < 0.02
    if outside.mean() < 0.05:
        return None
    background = fit_background(small, np.asarray(outside), scale * factor)
    return background if background.usual <= STUDIO else None


def _around(shape: tuple[int, ...], keypoints: Keypoints, landmarks: tuple[Landmark, ...], radius: float) -> BoolArray:
    """H x W bool: within radius pixels of one of the landmarks."""
    area = np.zeros(shape, np.uint8)
    for landmark in landmarks:
        x, y = np.clip(np.rint(keypoints.xy[landmark]), -9999, 9999)
        cv2.circle(area, (int(x), int(y)), max(round(radius), 1), 1, -1)
    return area.astype(np.bool_)


def _gaps(apart: UInt8Array, matte: Float32Array, plain: BoolArray, hands: BoolArray, scale: float) -> BoolArray:
    """H x W bool: background that the matte closes: between fingers, and in slits that run out to the background.

    Both are narrow and have clear rims. hands: H x W bool, around them.
    """
    solid = matte > 0.5
    inside = ((apart < PAPER) & solid & plain).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    gaps = np.zeros(matte.shape, np.bool_)
    found = []
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= max(GAP_M2 * scale**2, 6)):
        left, top, width, height, _ = (int(v) for v in stats[label])
        at = np.s_[max(top - 6, 0) : top + height + 6, max(left - 6, 0) : left + width + 6]
        part = (labels[at] == label).astype(np.uint8)
        near, beyond = (cv2.dilate(part, np.ones((side, side), np.uint8)) > 0 for side in (7, 11))
        rim = beyond & ~near & solid[at]
        open_ = (near & ~solid[at]).any() or hands[at][part > 0].mean() > 0.5
        narrow = cv2.distanceTransform(np.pad(part, 1), cv2.DIST_L2, 3).max() < GAP_M * scale
        if label and open_ and narrow and rim.any() and (apart[at][rim] > CLEAR).mean() > GAP_RIM:
            gaps[at] |= part > 0
            found.append((at, part > 0))
    if found:
        paper = inside > 0
        worn = _share(paper & ~gaps, solid, WORN_M * scale) > WORN
        worn |= _share(paper, solid, STRIPES_M * scale) > STRIPES
        for at, part in found:
            if worn[at][part].mean() > 0.5:
                gaps[at] &= ~part
    return gaps


def _share(mask: BoolArray, person: BoolArray, radius: float) -> Float32Array:
    """H x W: the mask's area as a share of the person's within radius pixels along x and y."""
    side = (2 * max(1, round(radius)) + 1,) * 2
    inside, all_ = (cv2.boxFilter(area.astype(np.float32), -1, side) for area in (mask & person, person))
    return np.asarray(inside / np.maximum(all_, 1e-6), np.float32)


def _rim(matte: Float32Array, radius: float) -> BoolArray:
    """H x W bool: within radius pixels of the matte's edge."""
    solid = (matte > 0.5).astype(np.uint8)
    inner, outer = (cv2.distanceTransform(side, cv2.DIST_L2, 3) for side in (solid, 1 - solid))
    return np.asarray(np.maximum(inner, outer) <= radius, np.bool_)


def _measured(apart: UInt8Array, matte: Float32Array, rim: BoolArray, radius: int) -> Float32Array:
    """The matte with its rim measured: 0 where the background shows, 1 further from it than a lens blurs, between them
    the share of the difference that the person's nearest clear colour makes.

    apart: H x W, grey levels from the background; rim: H x W bool; radius: the rim's, pixels.
    """
    person = np.where(rim | (matte > 0.5), cv2.blur(apart, (3, 3)), 0).astype(np.uint8)
    near, wide = (cv2.dilate(person, np.ones((2 * r + 1, 2 * r + 1), np.uint8)) for r in (BLUR, radius))
    paper = np.where(rim, (apart < PAPER) & (wide > CLEAR), matte < 0.5)
    away = cv2.distanceTransform((~paper).astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip((apart - FLOOR) / np.maximum(FULL * near - FLOOR, 1.0), 0.0, 1.0)
    alpha = np.where((away > BLUR + 0.5) & (matte > 0.5), 1.0, share)
    alpha = np.where(near > CLEAR, alpha, np.where(paper, np.float32(0), matte))
    return np.where(rim, alpha, matte).astype(np.float32)
