"""A pose as 26 numbers: what the nearest frame is looked up by, and what the vector's network draws from."""

from __future__ import annotations

import numpy as np

from tryon_service.types import Float32Array, Size

LANDMARKS = (0, *range(11, 17), *range(23, 29))
"""The 13 of BlazePose's landmarks that make a pose vector: nose, shoulders, elbows, wrists, hips, knees, ankles."""
POSE_NUMBERS = 2 * len(LANDMARKS)


def pose_vector(xy: Float32Array, size: Size) -> Float32Array:
    """26 float32 in [-1, 1]: x and y of LANDMARKS in turn, -1 at the frame's left and upper edge, 1 at its right and
    lower one; what lies outside is moved to the edge.

    xy: 33 x 2 landmarks in pixels of a frame of size (width, height), pixel centres at whole numbers, whether they are
    seen or not: a vector has no way to leave one out.
    """
    relative = (xy[list(LANDMARKS)].astype(np.float64) + 0.5) / size * 2 - 1
    return np.clip(relative, -1, 1).astype(np.float32).reshape(POSE_NUMBERS)
