"""Which of a card's photos is used: the one whose view, crop and pose are nearest to the shopper's, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.view import degrees_between, direction, yaw
from tryon_service.types import Keypoints, ProductChoice, ViewName

DEGREES_PER_MISSING_JOINT = 10.0
MOVEMENT_WEIGHT = 0.25
"""Degrees of view that a degree of mean limb movement counts for: enough to decide between equal views."""

JOINTS: tuple[Landmark, ...] = tuple(sorted({joint for bone in LIMBS.values() for joint in bone}))
"""Shoulders, elbows, wrists, hips, knees and ankles."""


def choose(products: Mapping[int, Keypoints], shopper: Keypoints) -> ProductChoice:
    """The photo that suits the shopper best, by its index on the card; of equal ones the first.

    products: the poses of the photos something can be made of, at least one.
    """
    index = min(sorted(products), key=lambda index: mismatch(products[index], shopper))
    chosen = products[index]
    return ProductChoice(
        index=index,
        view=view_name(chosen),
        shopper_view=view_name(shopper),
        degrees_apart=degrees_between(yaw(chosen), yaw(shopper)),
        movement=movement(chosen, shopper),
        missing=tuple(joint.name.lower() for joint in JOINTS if shopper.seen[joint] and not chosen.seen[joint]),
    )


def mismatch(product: Keypoints, shopper: Keypoints) -> float:
    """How badly a product photo suits a shopper, in degrees: the angle between the two torsos about the vertical,
    DEGREES_PER_MISSING_JOINT for each of JOINTS that only one of the photos shows, and MOVEMENT_WEIGHT times the mean
    angle by which limbs must turn."""
    angle = degrees_between(yaw(product), yaw(shopper))
    alone = np.count_nonzero(product.seen[list(JOINTS)] != shopper.seen[list(JOINTS)])
    return float(angle + DEGREES_PER_MISSING_JOINT * alone + MOVEMENT_WEIGHT * movement(product, shopper))


def movement(product: Keypoints, shopper: Keypoints) -> float:
    """Mean angle in degrees between the limbs' directions in the two pictures; 0 if no limb is seen in both."""
    both = product.seen & shopper.seen
    turns = [
        degrees_between(direction(product, bone), direction(shopper, bone))
        for bone in LIMBS.values()
        if both[list(bone)].all()
    ]
    return float(np.mean(turns)) if turns else 0.0


def view_name(keypoints: Keypoints) -> ViewName:
    """How a body stands: turned from the camera by up to 30 degrees, 60, 120, or more."""
    turned = abs(float(np.degrees(yaw(keypoints))))
    if turned <= 30.0:
        return "front"
    if turned <= 60.0:
        return "three_quarter"
    return "side" if turned <= 120.0 else "back"
