"""Maps of joints as the generators read poses: one map per joint of COCO18, in an encoding that has a name.

ADGAN and PATN were published with maps whose Gaussians had been rounded down to bytes, so that a joint is a single
pixel; ours are whole. A network takes what it was trained on and draws noise from the other, so that weights name their
encoding (zoo/weights_file.py) and nobody guesses.

Convention: (x, y) in pixels, pixel centres at whole numbers, x to the right and y down; joints outside are not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tryon_service.errors import InputError
from tryon_service.types import BoolArray, Float32Array, Size

SIGMA = 6.0
"""Width of the Gaussians in pixels, at any size: that of PATN and ADGAN at 256 x 176."""


def pose_maps(encoding: str, coco18: Float32Array, size: Size) -> Float32Array:
    """18 x H x W float32 in [0, 1] for a picture of size (width, height); a joint that isn't seen has an empty map.

    encoding: a name in ENCODINGS; coco18: 18 x 3 rows of (x, y, seen) in the picture's pixels (skeletons.coco18).
    Raises InputError("invalid_option") for a name that isn't one.
    """
    if encoding not in ENCODINGS:
        raise InputError("invalid_option", f"{encoding!r} is not one of {', '.join(ENCODINGS)}.", "pose_encoding")
    width, height = size
    xy = coco18[:, :2]
    with np.errstate(invalid="ignore"):
        inside = np.all((np.rint(xy) >= 0) & (np.rint(xy) < (width, height)), axis=1)
    return ENCODINGS[encoding](xy, inside & (coco18[:, 2] > 0), size)


def _impulse(xy: Float32Array, shown: BoolArray, size: Size) -> Float32Array:
    """1 at the pixel nearest to the joint, 0 elsewhere."""
    maps = np.zeros((len(xy), size[1], size[0]), np.float32)
    (joints,) = np.nonzero(shown)
    columns, rows = np.rint(xy[joints]).astype(int).T
    maps[joints, rows, columns] = 1.0
    return maps


def _gaussian(xy: Float32Array, shown: BoolArray, size: Size) -> Float32Array:
    """1 at the joint, falling with the distance."""
    at = np.where(shown[:, None], xy, 0.0)
    across = np.exp(-((np.arange(size[0]) - at[:, :1]) ** 2) / (2 * SIGMA**2))
    down = np.exp(-((np.arange(size[1]) - at[:, 1:]) ** 2) / (2 * SIGMA**2)) * shown[:, None]
    return (down[:, :, None] * across[:, None, :]).astype(np.float32)


ENCODINGS: Mapping[str, Callable[[Float32Array, BoolArray, Size], Float32Array]] = MappingProxyType(
    {"impulse": _impulse, "gaussian": _gaussian}
)
"""By the name that weights carry."""
