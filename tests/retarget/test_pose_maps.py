"""Maps of joints in both encodings, against the published ones and against the rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.errors import InputError
from tryon_service.retarget.pose_maps import ENCODINGS, pose_maps

PARITY = Path(__file__).parents[2] / "../shared/parity/adgan.npz"
SIZE = (44, 64)


def joints(*rows: tuple[float, float, float]) -> np.ndarray:
    """18 rows, of which the first are these; the others are not seen."""
    out = np.full((18, 3), np.nan, np.float32)
    out[:, 2] = 0
    out[: len(rows)] = rows
    return out


def test_both_encodings_are_the_published_ones() -> None:
    if not PARITY.is_file():
        pytest.skip("no adgan.npz in ../shared/parity")
    with np.load(PARITY) as file:
        maps, keypoints = file["in/pose"], file["in/keypoints_yx"]
    for expected, yx in zip(maps, keypoints, strict=True):
        rows = np.concatenate([yx[:, ::-1], (yx[:, :1] >= 0)], axis=1).astype(np.float32)
        np.testing.assert_allclose(pose_maps("gaussian", rows, SIZE), expected, atol=1e-6)
        np.testing.assert_array_equal(pose_maps("impulse", rows, SIZE), expected > 0.9999)


def test_an_impulse_is_one_pixel_also_between_pixels() -> None:
    maps = pose_maps("impulse", joints((10.4, 20.6, 1), (-0.4, 63.4, 1)), SIZE)
    assert maps.shape == (18, 64, 44)
    assert maps.dtype == np.float32
    assert [tuple(place) for place in np.argwhere(maps)] == [(0, 21, 10), (1, 63, 0)]


def test_a_gaussian_falls_to_a_known_value() -> None:
    (first, *_) = pose_maps("gaussian", joints((20, 30, 1)), SIZE)
    assert first[30, 20] == 1
    assert first[30, 26] == first[36, 20] == pytest.approx(np.exp(-0.5))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "row", [(20, 30, 0), (44, 30, 1), (20, 64, 1), (-3, 5, 1), (np.nan, 5, 1), (np.inf, 5, 1), (1e30, 5, 1)]
)
def test_what_isn_t_seen_or_lies_outside_has_an_empty_map(encoding: str, row: tuple[float, float, float]) -> None:
    assert not pose_maps(encoding, joints(row), SIZE).any()


def test_an_unknown_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="impulse, gaussian"):
        pose_maps("smooth", joints((20, 30, 1)), SIZE)
