"""Which of a card's photos is used: the one whose view and crop are nearest to the shopper's."""

from __future__ import annotations

import numpy as np

from tryon_service.perception.skeletons import LIMBS
from tryon_service.retarget.view import degrees_between, yaw
from tryon_service.types import Keypoints

DEGREES_PER_MISSING_JOINT = 10.0


def mismatch(product: Keypoints, shopper: Keypoints) -> float:
    """How badly a product photo suits a shopper, in degrees: the angle between the two torsos about the vertical, and
    DEGREES_PER_MISSING_JOINT for each elbow, wrist, shoulder, hip, knee or ankle that only one of the photos shows."""
    angle = degrees_between(yaw(product), yaw(shopper))
    joints = sorted({joint for bone in LIMBS.values() for joint in bone})
    return float(angle + DEGREES_PER_MISSING_JOINT * np.count_nonzero(product.seen[joints] != shopper.seen[joints]))
