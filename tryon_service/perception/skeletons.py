"""Joint tables: BlazePose's 33 landmarks, their bones and mirror pairs, and the 18 joints of COCO/OpenPose.

Left and right are the person's own. Sources: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking"
(2020) for the landmarks; Cao et al., "OpenPose" (2019) for the 18 joints and their order, as ADGAN and PATN use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from tryon_service.types import Float32Array, Keypoints


class Landmark(IntEnum):
    """BlazePose's landmarks in the order of every 33-row array."""

    NOSE = 0
    LEFT_EYE_INNER = 1
    LEFT_EYE = 2
    LEFT_EYE_OUTER = 3
    RIGHT_EYE_INNER = 4
    RIGHT_EYE = 5
    RIGHT_EYE_OUTER = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    MOUTH_LEFT = 9
    MOUTH_RIGHT = 10
    LEFT_SHOULDER = 11
    RIGHT_SHOULDER = 12
    LEFT_ELBOW = 13
    RIGHT_ELBOW = 14
    LEFT_WRIST = 15
    RIGHT_WRIST = 16
    LEFT_PINKY = 17
    RIGHT_PINKY = 18
    LEFT_INDEX = 19
    RIGHT_INDEX = 20
    LEFT_THUMB = 21
    RIGHT_THUMB = 22
    LEFT_HIP = 23
    RIGHT_HIP = 24
    LEFT_KNEE = 25
    RIGHT_KNEE = 26
    LEFT_ANKLE = 27
    RIGHT_ANKLE = 28
    LEFT_HEEL = 29
    RIGHT_HEEL = 30
    LEFT_FOOT_INDEX = 31
    RIGHT_FOOT_INDEX = 32


Bone = tuple[Landmark, Landmark]
"""(the end nearer the trunk, the far end)."""

LANDMARK_NAMES: tuple[str, ...] = tuple(landmark.name.lower() for landmark in Landmark)

HEAD: tuple[Landmark, ...] = tuple(Landmark(i) for i in range(11))

MIRRORED: tuple[int, ...] = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33)))
"""MIRRORED[i] is the landmark that landmark i becomes in a mirrored photo."""

LIMBS: Mapping[str, Bone] = MappingProxyType(
    {
        "left_upper_arm": (Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW),
        "left_forearm": (Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST),
        "right_upper_arm": (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_ELBOW),
        "right_forearm": (Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST),
        "left_thigh": (Landmark.LEFT_HIP, Landmark.LEFT_KNEE),
        "left_shin": (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
        "right_thigh": (Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE),
        "right_shin": (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    }
)
"""The eight long bones, by name."""

BONES: tuple[Bone, ...] = (
    *LIMBS.values(),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP),
    (Landmark.LEFT_WRIST, Landmark.LEFT_PINKY),
    (Landmark.LEFT_WRIST, Landmark.LEFT_INDEX),
    (Landmark.LEFT_WRIST, Landmark.LEFT_THUMB),
    (Landmark.LEFT_INDEX, Landmark.LEFT_PINKY),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_PINKY),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_INDEX),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_THUMB),
    (Landmark.RIGHT_INDEX, Landmark.RIGHT_PINKY),
    (Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL),
    (Landmark.LEFT_ANKLE, Landmark.LEFT_FOOT_INDEX),
    (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    (Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL),
    (Landmark.RIGHT_ANKLE, Landmark.RIGHT_FOOT_INDEX),
    (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
    (Landmark.NOSE, Landmark.LEFT_EYE_INNER),
    (Landmark.LEFT_EYE_INNER, Landmark.LEFT_EYE),
    (Landmark.LEFT_EYE, Landmark.LEFT_EYE_OUTER),
    (Landmark.LEFT_EYE_OUTER, Landmark.LEFT_EAR),
    (Landmark.NOSE, Landmark.RIGHT_EYE_INNER),
    (Landmark.RIGHT_EYE_INNER, Landmark.RIGHT_EYE),
    (Landmark.RIGHT_EYE, Landmark.RIGHT_EYE_OUTER),
    (Landmark.RIGHT_EYE_OUTER, Landmark.RIGHT_EAR),
    (Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT),
)
"""Every line of the stick figure."""

COCO18: tuple[tuple[str, tuple[Landmark, ...]], ...] = (
    ("nose", (Landmark.NOSE,)),
    ("neck", (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)),
    ("right_shoulder", (Landmark.RIGHT_SHOULDER,)),
    ("right_elbow", (Landmark.RIGHT_ELBOW,)),
    ("right_wrist", (Landmark.RIGHT_WRIST,)),
    ("left_shoulder", (Landmark.LEFT_SHOULDER,)),
    ("left_elbow", (Landmark.LEFT_ELBOW,)),
    ("left_wrist", (Landmark.LEFT_WRIST,)),
    ("right_hip", (Landmark.RIGHT_HIP,)),
    ("right_knee", (Landmark.RIGHT_KNEE,)),
    ("right_ankle", (Landmark.RIGHT_ANKLE,)),
    ("left_hip", (Landmark.LEFT_HIP,)),
    ("left_knee", (Landmark.LEFT_KNEE,)),
    ("left_ankle", (Landmark.LEFT_ANKLE,)),
    ("right_eye", (Landmark.RIGHT_EYE,)),
    ("left_eye", (Landmark.LEFT_EYE,)),
    ("right_ear", (Landmark.RIGHT_EAR,)),
    ("left_ear", (Landmark.LEFT_EAR,)),
)
"""The 18 joints in order, each with the landmarks it is the middle of."""


def coco18(keypoints: Keypoints) -> Float32Array:
    """18 x 3 float32 rows of (x, y, seen) in the order of COCO18; seen is 1 if every landmark behind the joint is."""
    rows = np.empty((len(COCO18), 3), np.float32)
    for row, (_, sources) in zip(rows, COCO18, strict=True):
        row[:2] = keypoints.xy[list(sources)].mean(axis=0)
        row[2] = keypoints.seen[list(sources)].all()
    return rows


def mirrored(keypoints: Keypoints, width: int) -> Keypoints:
    """The pose in the photo flipped left to right; width is the photo's, in pixels."""
    order = list(MIRRORED)
    xyz, world = keypoints.xyz[order].copy(), keypoints.world[order].copy()
    xyz[:, 0] = width - 1 - xyz[:, 0]
    world[:, 0] *= -1
    return Keypoints(xyz, world, keypoints.visibility[order], keypoints.seen[order])
