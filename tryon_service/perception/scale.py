"""How large a body is on its picture."""

from __future__ import annotations

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import Keypoints

_TRUNK = (
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
)


def pixels_per_metre(keypoints: Keypoints) -> float:
    """The body's scale on the picture: a robust mean over bones of length in pixels over length across the view."""
    ratios = []
    for near, far in (*LIMBS.values(), *_TRUNK):
        across = float(np.hypot(*(keypoints.world[far, :2] - keypoints.world[near, :2])))
        if across > 0.08 and min(keypoints.visibility[near], keypoints.visibility[far]) >= 0.5:
            ratios.append(float(np.hypot(*(keypoints.xy[far] - keypoints.xy[near]))) / across)
    if ratios:
        return float(np.median(ratios))
    extent = float(np.ptp(keypoints.world[:, 1]))
    return float(np.ptp(keypoints.xy[:, 1])) / max(extent, 1e-3)
