"""Left and right, and kinds of skin, by the nearest limb of the pose.

Distance is to the surface of a capsule round each bone, scaled by the body's own size on the picture.
"""

from __future__ import annotations

import numpy as np

from tryon_service.types import BoolArray, Float32Array, Part, UInt8Array

# Capsules of a body: landmark rows of the two ends, radius in metres. Row numbers are BlazePose's; see skeletons.py.
_ARMS = (((11, 13), 0.055), ((13, 15), 0.045), ((15, 19), 0.05))
_LEGS = (((23, 25), 0.085), ((25, 27), 0.06), ((27, 31), 0.05))
_FACE_RADIUS, _NECK_RADIUS, _TORSO_RADIUS = 0.065, 0.055, 0.12
_SHOULDER_WIDTH, _TORSO_LENGTH = 0.34, 0.48
_NOSE, _EYES, _MOUTH, _SHOULDERS, _HIPS = (0,), (2, 5), (9, 10), (11, 12), (23, 24)


def split_skin(skin: BoolArray, xy: Float32Array) -> UInt8Array:
    """Face, arms, legs or torso skin for each skin pixel: the part of the nearest limb.

    skin: H x W bool; xy: 33 x 2 float32 landmarks in its pixels, rows that are not known NaN. Returns H x W uint8 of
    Part ids, 0 off the skin. Distance is to the surface of a capsule round each bone, scaled by the body's own size;
    with no usable landmark all of it is torso skin.
    """
    out = np.zeros(skin.shape, np.uint8)
    rows, columns = np.nonzero(skin)
    if not len(rows):
        return out
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    parts, distances = [Part.TORSO_SKIN], [np.full(len(points), np.float32(np.inf))]
    metre = body_scale(xy)
    for part, (start, end), radius in _capsules(xy):
        if np.isfinite(start).all() and np.isfinite(end).all():
            parts.append(part)
            distances.append(distance_to_segment(points, start, end) - np.float32(radius * metre))
    out[rows, columns] = np.array(parts, np.uint8)[np.argmin(distances, axis=0)]
    return out


def nearest_side(region: BoolArray, xy: Float32Array, left: Part, right: Part) -> UInt8Array:
    """Left or right for each pixel of a region of arms or legs, by the nearer limb; arguments as for split_skin.

    left, right: LEFT_ARM and RIGHT_ARM, or LEFT_LEG and RIGHT_LEG. Without landmarks the picture's right half, seen
    from the region's middle, is the person's left, as in a photo from the front.
    """
    bones = _ARMS if left == Part.LEFT_ARM else _LEGS
    out = np.zeros(region.shape, np.uint8)
    rows, columns = np.nonzero(region)
    if not len(rows):
        return out
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    distance = np.full((2, len(points)), np.float32(np.inf))
    for side in (0, 1):
        for (near, far), radius in bones:
            start, end = xy[near + side], xy[far + side]
            if np.isfinite(start).all() and np.isfinite(end).all():
                reach = distance_to_segment(points, start, end) - np.float32(radius * body_scale(xy))
                distance[side] = np.minimum(distance[side], reach)
    if not np.isfinite(distance).all():
        distance[0], distance[1] = -points[:, 0], -2 * np.median(points[:, 0]) + points[:, 0]
    out[rows, columns] = np.where(distance[0] <= distance[1], left, right)
    return out


def body_scale(xy: Float32Array) -> float:
    """Pixels per metre of the body, from shoulders and torso, whichever is seen less foreshortened; 1 if unknown."""
    shoulders = float(np.hypot(*(xy[11] - xy[12]))) / _SHOULDER_WIDTH
    torso = float(np.hypot(*(xy[[11, 12]].mean(axis=0) - xy[[23, 24]].mean(axis=0)))) / _TORSO_LENGTH
    known = [scale for scale in (shoulders, torso) if np.isfinite(scale)]
    return max(known, default=1.0)


def distance_to_segment(points: Float32Array, start: Float32Array, end: Float32Array) -> Float32Array:
    """N float32: pixels from N x 2 points to the segment."""
    along = end - start
    t = np.clip((points - start) @ along / max(float(along @ along), 1e-6), 0, 1)
    return np.asarray(np.hypot(*(points - start - t[:, None] * along).T), np.float32)


def _capsules(xy: Float32Array) -> list[tuple[Part, tuple[Float32Array, Float32Array], float]]:
    """(part, bone's two ends in pixels, radius in metres) of everything skin can belong to."""
    eyes, mouth, shoulders, hips = (xy[list(rows)].mean(axis=0) for rows in (_EYES, _MOUTH, _SHOULDERS, _HIPS))
    found = [
        (Part.FACE, (eyes + 0.5 * (eyes - mouth), mouth), _FACE_RADIUS),
        (Part.TORSO_SKIN, (mouth + 0.55 * (shoulders - mouth), shoulders), _NECK_RADIUS),
        (Part.TORSO_SKIN, (shoulders, hips), _TORSO_RADIUS),
    ]
    for left, right, bones in ((Part.LEFT_ARM, Part.RIGHT_ARM, _ARMS), (Part.LEFT_LEG, Part.RIGHT_LEG, _LEGS)):
        for side, part in enumerate((left, right)):
            found += [(part, (xy[near + side], xy[far + side]), radius) for (near, far), radius in bones]
    return found
