"""A pose without its person: what a picture needs to know of a shopper's photo, and nothing else.

    pose = Pose.of(person)       # quantised, within the estimator's noise
    pose.keypoints()             # as Keypoints again, in pixels of the frame
    Pose.unpack(pose.pack())     # the same pose

Every shopper photo becomes a Pose before anything is made of it, so a pose that travelled in a token gives the same
picture, to the byte, as the photo it was taken from.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from tryon_service.errors import CODES, InputError
from tryon_service.perception.scale import pixels_per_metre
from tryon_service.perception.skeletons import Landmark
from tryon_service.poses.skeleton import POSE_BONES, Vectors, bones_of, landmarks_of
from tryon_service.types import Float32Array, Keypoints, Person, Reason, Size

TURN = 1440
"""Steps of a full turn: a bone's direction is kept to a quarter of a degree."""
SIDE = 8192
"""Steps of the frame's longer side: places and lengths in the picture, an eighth of a pixel for a small photo."""
METRE = 1000
"""Steps of a metre: lengths in space."""
CERTAIN = 255
"""Steps of the network's belief in a joint."""
MOST_STEPS = 32767
"""The longest bone, and the place farthest from the frame's corner: four times its side, or 32 metres."""
MAX_PIXELS = 1 << 20
"""Longest side of a frame; no photo that may be decoded comes near it."""

_BONES, _JOINTS = len(POSE_BONES), len(Landmark)
_LAYOUT = struct.Struct(f"<B3I2h{2 * _BONES}H{3 * _BONES}h{_JOINTS}B{(_JOINTS + 7) // 8}s")
_VERSION = 1


@dataclass(frozen=True)
class Pose:
    """One person's pose, in whole steps; poses are equal if their steps are.

    size: (width, height) of the frame, pixels of the upright photo. height: the person's, pixels of the frame.
    root: (x, y) of the hips' middle, steps of SIDE from the frame's corner.
    picture: 32 (direction, length) of POSE_BONES in the picture: steps of TURN, 0 right and a quarter turn down, and
        of SIDE. world: 32 (direction, tilt, length) in space: the same direction as the camera sees it, steps of TURN
        away from the camera, and steps of METRE.
    visibility: 33 of [0, CERTAIN]; seen: 33; both as in Keypoints.
    doubts: what makes every picture in this pose doubtful, such as a blurred photo.
    """

    size: Size
    height: int
    root: tuple[int, int]
    picture: tuple[tuple[int, int], ...]
    world: tuple[tuple[int, int, int], ...]
    visibility: tuple[int, ...]
    seen: tuple[bool, ...]
    doubts: tuple[Reason, ...] = ()

    @classmethod
    def of(cls, person: Person, doubts: Sequence[Reason] = ()) -> Pose:
        """The pose of a photographed person, in the frame of the file and not of a reduced copy."""
        reduction = person.photo.reduction
        height = (person.box[3] - person.box[1]) * reduction
        return cls.quantised(person.keypoints.moved(reduction), person.photo.size, height, doubts)

    @classmethod
    def quantised(cls, keypoints: Keypoints, size: Size, height: float, doubts: Sequence[Reason] = ()) -> Pose:
        """keypoints, height: in pixels of a frame of `size`. What isn't finite or lies too far out is brought in."""
        step = SIDE / max(size)
        root, flat = bones_of(_bounded(keypoints.xyz[:, :2] + 0.5, MOST_STEPS / step) * step)
        solid = bones_of(_bounded(keypoints.world, MOST_STEPS / METRE) * METRE)[1]
        length = np.hypot(flat[:, 0], flat[:, 1])
        across = np.hypot(solid[:, 0], solid[:, 1])
        tilt = np.arctan2(solid[:, 2], across)
        away = np.hypot(across, solid[:, 2])
        return cls(
            size=size,
            height=int(np.clip(round(height), 1, MAX_PIXELS)),
            root=(_steps(root)[0], _steps(root)[1]),
            picture=tuple(zip(_turns(flat), _steps(length), strict=True)),
            world=tuple(zip(_turns(solid), _steps(tilt * TURN / math.tau), _steps(away), strict=True)),
            visibility=tuple(_steps(np.clip(np.nan_to_num(keypoints.visibility), 0.0, 1.0) * CERTAIN)),
            seen=tuple(bool(one) for one in keypoints.seen),
            doubts=tuple(doubts),
        )

    def keypoints(self) -> Keypoints:
        """In pixels of the frame; the same numbers for equal poses."""
        pixel = max(self.size) / SIDE
        angle, length = np.array(self.picture, np.float64).T * [[math.tau / TURN], [pixel]]
        flat = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        angle, tilt, length = np.array(self.world, np.float64).T * [[math.tau / TURN], [math.tau / TURN], [1 / METRE]]
        across = np.cos(tilt)
        solid = length[:, None] * np.stack([across * np.cos(angle), across * np.sin(angle), np.sin(tilt)], axis=1)
        world = landmarks_of(np.zeros(3), solid).astype(np.float32)
        xyz = np.zeros((_JOINTS, 3), np.float32)
        xyz[:, :2] = landmarks_of(np.array(self.root) * pixel, flat) - 0.5
        visibility = np.array(self.visibility, np.float32) / np.float32(CERTAIN)
        flat_pose = Keypoints(xyz, world, visibility, np.array(self.seen, np.bool_))
        xyz[:, 2] = world[:, 2] * pixels_per_metre(flat_pose)
        return flat_pose

    def pack(self) -> bytes:
        """About 380 bytes."""
        numbers = (*self.size, self.height, *self.root, *(n for bone in self.picture for n in bone))
        space = (n for bone in self.world for n in bone)
        seen = np.packbits(np.array(self.seen, np.bool_)).tobytes()
        doubts = json.dumps([astuple(reason) for reason in self.doubts], separators=(",", ":"))
        return _LAYOUT.pack(_VERSION, *numbers, *space, *self.visibility, seen) + doubts.encode()

    @classmethod
    def unpack(cls, data: bytes) -> Pose:
        """Raises InputError("invalid_pose") for bytes that no pose of this version was packed into."""
        try:
            version, *numbers, seen = _LAYOUT.unpack_from(data)
            doubts = tuple(Reason(*row) for row in json.loads(data[_LAYOUT.size :]))
        except (struct.error, ValueError, TypeError, RecursionError):
            raise InputError("invalid_pose", field="pose") from None
        values = iter(numbers)
        flags = np.unpackbits(np.frombuffer(seen, np.uint8), count=_JOINTS)
        pose = cls(
            size=(next(values), next(values)),
            height=next(values),
            root=(next(values), next(values)),
            picture=tuple((next(values), next(values)) for _ in range(_BONES)),
            world=tuple((next(values), next(values), next(values)) for _ in range(_BONES)),
            visibility=tuple(values),
            seen=tuple(bool(flag) for flag in flags),
            doubts=doubts,
        )
        if version != _VERSION or not pose._possible():
            raise InputError("invalid_pose", field="pose")
        return pose

    def _possible(self) -> bool:
        return (
            all(0 < side <= MAX_PIXELS for side in (*self.size, self.height))
            and all(turn < TURN and length <= MOST_STEPS for turn, length in self.picture)
            and all(0 <= turn < TURN and abs(tilt) <= TURN // 4 and length >= 0 for turn, tilt, length in self.world)
            and all(_known(reason) for reason in self.doubts)
        )


def _known(reason: Reason) -> bool:
    words = (reason.code, reason.photo, reason.part)
    figures = (reason.value, reason.limit)
    return (
        all(isinstance(word, str) for word in words)
        and reason.code in CODES
        and all(figure is None or (isinstance(figure, float) and math.isfinite(figure)) for figure in figures)
    )


def _bounded(points: Float32Array, most: float) -> Vectors:
    """As float64, within reach of the steps."""
    return np.clip(np.nan_to_num(points.astype(np.float64)), -most, most)


def _steps(values: NDArray[np.floating]) -> list[int]:
    return [int(step) for step in np.clip(np.rint(values), -MOST_STEPS, MOST_STEPS)]


def _turns(bones: Vectors) -> list[int]:
    """Directions in the picture, [0, TURN)."""
    return [step % TURN for step in _steps(np.arctan2(bones[:, 1], bones[:, 0]) * TURN / math.tau)]
