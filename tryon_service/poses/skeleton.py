"""The 33 landmarks as bones and back: everything that a pose is compared by is a bone's direction."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.skeletons import HEAD, LIMBS, Landmark

Vectors = NDArray[np.float64]
Ends = tuple[tuple[Landmark, ...], tuple[Landmark, ...]]
"""(near, far) end of a bone; of two landmarks the middle is meant."""

_HIPS = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
_NECK = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
_EARS = (Landmark.LEFT_EAR, Landmark.RIGHT_EAR)


def _tips() -> list[Ends]:
    """Hands and feet, from wrist and ankle."""
    hand, foot = ("PINKY", "INDEX", "THUMB"), ("HEEL", "FOOT_INDEX")
    joints = [
        (side, root, tip)
        for side in ("LEFT", "RIGHT")
        for root, tips in (("WRIST", hand), ("ANKLE", foot))
        for tip in tips
    ]
    return [((Landmark[f"{side}_{root}"],), (Landmark[f"{side}_{tip}"],)) for side, root, tip in joints]


POSE_BONES: tuple[Ends, ...] = (
    ((_HIPS[1],), (_HIPS[0],)),
    (_HIPS, _NECK),
    ((_NECK[1],), (_NECK[0],)),
    (_NECK, _EARS),
    ((_EARS[1],), (_EARS[0],)),
    *((_EARS, (landmark,)) for landmark in HEAD if landmark not in _EARS),
    *(((near,), (far,)) for near, far in LIMBS.values()),
    *_tips(),
)
"""The 32 bones that, with the place of the hips' middle, are the same as 33 landmarks: lines across the hips, shoulders
and ears, from right to left, and what hangs on their middles and ends."""


def bones_of(points: Vectors) -> tuple[Vectors, Vectors]:
    """(the hips' middle, the 32 bones) of 33 x D landmarks: D and 32 x D."""
    rows = _matrix() @ points
    return rows[0], rows[1:]


def landmarks_of(root: Vectors, bones: Vectors) -> Vectors:
    """33 x D landmarks; the inverse of bones_of."""
    return np.asarray(_inverse() @ np.concatenate([root[None], bones]))


@cache
def _matrix() -> Vectors:
    """33 x 33: landmarks to the hips' middle and the bones."""
    rows = np.zeros((1 + len(POSE_BONES), len(Landmark)))
    rows[0, list(_HIPS)] = 0.5
    for row, (near, far) in zip(rows[1:], POSE_BONES, strict=True):
        row[list(near)] -= 1 / len(near)
        row[list(far)] += 1 / len(far)
    return rows


@cache
def _inverse() -> Vectors:
    """Its entries are halves, so that rounding makes it exact."""
    return np.asarray(np.round(2 * np.linalg.inv(_matrix())) / 2)
