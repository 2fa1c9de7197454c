"""The shadow at the model's feet: measured in the product photo, moved with the feet, cast on a clean background.

Convention: points are (x, y) pixels; darkness is 1 - photo / clean background, so multiplying a clean background by
1 - darkness gives the photo back. The first foot is the person's left one.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.appearance.masks import widened
from tryon_service.imaging.extend import smooth_fill
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.rig import joint, middle
from tryon_service.retarget.view import degrees_between, direction
from tryon_service.types import BoolArray, Float32Array, FloorShadow, Keypoints, Person, Size, TargetPose, UInt8Array

TRACE = 0.02
"""Matte above which a pixel still shows something of the person."""
BESIDE = 0.018
"""Distance from the person beyond which a background other than the photo is a shadow taken out and not a person, as a
share of the photo's longer side."""
VISIBLE = 0.03
"""Darkness that a shadow reaches somewhere beside the person, or there is none."""
NOISE = 0.015
"""Darkness below which it is grain."""
PATCH = 0.1
"""Side of the square, in shins, that a visible shadow fills at least."""
RISE = 0.1
"""How far above the ankles the shadow on the floor ends, in shins; above is the wall's."""
WALL_STAYS = 10.0
"""Degrees of the largest limb movement at which nothing of the wall's shadow is left."""
LIFT = 0.3
"""How far a foot may rise above the other for its shadow to rise with it, in shins: beyond that it leaves the floor."""


def feet_of(keypoints: Keypoints) -> Float32Array:
    """2 x 2 float32, (x, y): the middles between heel and toes, left and right."""
    pairs = (
        (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
        (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
    )
    return np.array([middle(keypoints, *pair) for pair in pairs], np.float32)


def find_shadow(person: Person, background: UInt8Array) -> FloorShadow | None:
    """The shadow at a person's feet, or None if none is visible, the floor is not plain or the feet are cut off.

    background: H x W x 3 uint8, the photo without person and shadow as complete_background makes it; where the studio
    isn't plain it leaves everything beside the person as it is, and no shadow is found.
    """
    height, width = person.matte.shape
    feet = feet_of(person.keypoints)
    if person.box[3] >= height - 1 or not ((feet >= 0) & (feet < (width, height))).all():
        return None
    ankles = [joint(person.keypoints, Landmark[f"{side}_ANKLE"]) for side in ("LEFT", "RIGHT")]
    knees = [joint(person.keypoints, Landmark[f"{side}_KNEE"]) for side in ("LEFT", "RIGHT")]
    shin = max(float(np.hypot(*(a - k))) for a, k in zip(ankles, knees, strict=True))
    ground, top = float(feet[:, 1].min()), min(float(a[1]) for a in ankles) - RISE * shin
    gone = person.matte > TRACE
    darkness = _darkness(person.photo.rgb, background, ~widened(gone, 2))
    rise = np.clip((np.arange(height, dtype=np.float32) - top) / max(ground - top, 1.0), 0, 1)[:, None]
    floor = darkness * (rise * rise * (3 - 2 * rise))
    beside = floor[~widened(gone, round(BESIDE * max(height, width)))]
    if (beside > VISIBLE).sum() < (PATCH * shin) ** 2:
        return None
    return FloorShadow(floor, darkness - floor, feet, shin)


def _darkness(photo: UInt8Array, clean: UInt8Array, known: BoolArray) -> Float32Array:
    """How much darker the photo is than the clean background, continued behind the person, h x w float32 in [0, 1]."""
    trust = known.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(trust, (0, 0), 1.5), np.float32(1e-3))
    before = cv2.GaussianBlur(cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY) * trust, (0, 0), 1.5) / share
    after = cv2.GaussianBlur(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) * trust, (0, 0), 1.5) / share
    ratio = 1 - after / np.maximum(before, 1)
    ratio = np.clip(ratio, 0, 1) * np.clip(ratio / NOISE - 1, 0, 1)
    filled = smooth_fill(np.asarray(ratio, np.float32)[..., None], trust)[..., 0]
    return np.clip(filled, 0, 1)


def cast(
    shadow: FloorShadow,
    source_feet: Float32Array,
    target_feet: Float32Array,
    scale: float,
    size: Size,
    wall: float = 0.0,
) -> Float32Array:
    """What to multiply a background of size (width, height) by, H x W float32 in [0, 1].

    source_feet, target_feet: 2 x 2, where the feet stand in the product photo and in the output; scale: output pixels
    per pixel of the product photo; wall: the share of the wall's shadow to cast as well, 1 when the pose is the photo's
    own, 0 when it is another. The shadow is shared out between the feet, the more to each the nearer it is, and
    each share moves with its foot. A foot that is lifted leaves its shadow on the floor.
    """
    multiplier = np.ones((size[1], size[0]), np.float32)
    target = _grounded(source_feet * scale, target_feet, LIFT * shadow.shin * scale)
    darkness = shadow.darkness + np.float32(wall) * shadow.wall if wall > 0 else shadow.darkness
    window = _window(darkness, source_feet, target, scale, size)
    if window is None:
        return multiplier
    y, x = (np.asarray(axis, np.float32) / np.float32(scale) for axis in np.ogrid[window])
    second = _second_share(source_feet, (darkness.shape[1], darkness.shape[0]))
    for share, (dx, dy) in zip((1 - second, second), source_feet - target / scale, strict=True):
        at = np.broadcast_arrays(x + np.float32(dx), y + np.float32(dy))
        map_x, map_y = (np.ascontiguousarray(axis) for axis in at)
        multiplier[window] -= cv2.remap(
            darkness * share, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return np.clip(multiplier, 0.0, 1.0)


def _second_share(feet: Float32Array, size: Size) -> Float32Array:
    """How much of each pixel's shadow the second foot casts, H x W float32: 0 beside the first, 1 beside the second,
    smooth between them. feet: 2 x 2 (x, y)."""
    axis = feet[1] - feet[0]
    length = float(axis @ axis)
    if length < 1:
        return np.full((size[1], size[0]), 0.5, np.float32)
    y, x = np.ogrid[: size[1], : size[0]]
    along = np.clip(((x - feet[0, 0]) * axis[0] + (y - feet[0, 1]) * axis[1]) / length, 0, 1)
    return np.asarray(along * along * (3 - 2 * along), np.float32)


def shade(person: Person, shadow: FloorShadow | None, target: TargetPose) -> Float32Array | None:
    """The model's shadow in its target pose, see cast; None if it has none. The wall's goes as the pose departs from
    the photo's."""
    if shadow is None:
        return None
    bones = list(LIMBS.values())
    before, after = (np.array([direction(k, bone) for bone in bones]) for k in (person.keypoints, target.keypoints))
    moved = max(degrees_between(float(a), float(b)) for a, b in zip(before, after, strict=True))
    wall = float(np.clip(1.0 - moved / WALL_STAYS, 0.0, 1.0))
    return cast(shadow, shadow.feet, feet_of(target.keypoints), target.scale, target.size, wall)


def darken(background: UInt8Array, multiplier: Float32Array) -> UInt8Array:
    """The background under the shadow, H x W x 3 uint8; untouched rows are copied."""
    out = background.copy()
    rows = np.flatnonzero((multiplier < 1).any(axis=1))
    if len(rows):
        strip = np.s_[rows[0] : rows[-1] + 1]
        out[strip] = np.round(background[strip] * multiplier[strip, :, None])
    return out


def _grounded(source: Float32Array, target: Float32Array, limit: float) -> Float32Array:
    """Target feet as far down as the floor is: none more than `limit` above the other."""
    sinking = target[:, 1] - source[:, 1]
    out = np.array(target, np.float32)
    out[:, 1] += np.maximum(sinking.max() - limit - sinking, 0)
    return out


def _window(
    darkness: Float32Array, source: Float32Array, target: Float32Array, scale: float, size: Size
) -> tuple[slice, slice] | None:
    """Rows and columns of the output that the shadow may reach; to the output's edge where it runs out of the photo."""
    rows, cols = np.flatnonzero(darkness.any(axis=1)), np.flatnonzero(darkness.any(axis=0))
    if not len(rows):
        return None
    height, width = darkness.shape
    low = (np.array([cols[0], rows[0]]) - source) * scale + target
    high = (np.array([cols[-1] + 1, rows[-1] + 1]) - source) * scale + target
    left, top = np.floor(low.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(high.max(axis=0)).astype(int) + 1
    left, right = 0 if cols[0] == 0 else max(left, 0), size[0] if cols[-1] == width - 1 else min(right, size[0])
    top, bottom = max(top, 0), size[1] if rows[-1] == height - 1 else min(bottom, size[1])
    return np.s_[top:bottom, left:right] if top < bottom and left < right else None
