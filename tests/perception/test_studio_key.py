"""The keyed rim on a drawn person before plain paper, whose true alpha is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.perception.studio_key import key_studio
from tryon_service.types import Float32Array, Keypoints, UInt8Array

SIDE = 4
"""Drawn that many times larger and reduced, so that edges are true mixtures."""
SKIN = (150, 95, 70)


def alpha_of(pose: Keypoints, gap: int = 0) -> Float32Array:
    """Thick limbs and a trunk; gap: radius in pixels of a hole in the left hand, as between thumb and finger."""
    large = np.zeros((400 * SIDE, 300 * SIDE), np.uint8)
    points = {index: tuple(int(v * SIDE) for v in pose.xy[index]) for index in range(33)}
    for name, (near, far) in LIMBS.items():
        cv2.line(large, points[near], points[far], 255, (22 if "arm" in name else 34) * SIDE)
    cv2.fillConvexPoly(large, np.array([points[i] for i in (11, 12, 24, 23)]), 255)
    cv2.circle(large, points[Landmark.LEFT_INDEX], 14 * SIDE, 255, -1)
    if gap:
        cv2.circle(large, points[Landmark.LEFT_INDEX], gap * SIDE, 0, -1)
    return np.asarray(cv2.resize(large, (300, 400), interpolation=cv2.INTER_AREA) / np.float32(255), np.float32)


def photo(alpha: Float32Array, noise: float = 1.0, person: tuple[int, int, int] = SKIN) -> UInt8Array:
    """The person before nearly white paper, darker at the bottom."""
    paper = np.linspace(252, 240, 400)[:, None, None] + np.random.default_rng(3).normal(0, noise, (400, 300, 3))
    share = alpha[..., None]
    return np.asarray(np.clip(np.rint(share * np.asarray(person) + (1 - share) * paper), 0, 255), np.uint8)


def away_from_head_and_feet(pose: Keypoints) -> slice:
    return slice(int(pose.xy[Landmark.LEFT_SHOULDER, 1]) + 10, int(pose.xy[Landmark.LEFT_KNEE, 1]))


@pytest.mark.parametrize("error", [-2, 2])
def test_a_matte_off_by_two_pixels_becomes_the_true_edge(standing: Keypoints, error: int) -> None:
    alpha = alpha_of(standing)
    window = np.ones((2 * abs(error) + 1,) * 2, np.uint8)
    wrong = np.asarray(cv2.dilate(alpha, window) if error > 0 else cv2.erode(alpha, window), np.float32)
    rows = away_from_head_and_feet(standing)
    before, after = (np.abs(matte - alpha)[rows].mean() for matte in (wrong, key_studio(photo(alpha), wrong, standing)))
    assert after < 0.15 * before


def test_a_gap_between_fingers_is_open(standing: Keypoints) -> None:
    alpha, closed = alpha_of(standing, gap=5), alpha_of(standing)
    gap = (alpha < 0.01) & (closed > 0.99)
    keyed = key_studio(photo(alpha), closed, standing)
    assert gap.sum() > 40
    assert keyed[gap].max() < 0.05
    assert np.abs(keyed - alpha)[away_from_head_and_feet(standing)].mean() < 0.002


def test_a_white_print_on_the_chest_is_no_gap(standing: Keypoints) -> None:
    alpha = alpha_of(standing)
    rgb = photo(alpha)
    cv2.circle(rgb, (150, 140), 5, (248, 248, 248), -1)
    assert key_studio(rgb, alpha, standing)[135:145, 145:155].min() == 1


@pytest.mark.parametrize("width", [3, 6])
def test_stripes_of_the_papers_colour_are_no_gaps(standing: Keypoints, width: int) -> None:
    """They begin at the outline and lie beside the hands, as background does."""
    alpha = alpha_of(standing)
    dark, white = photo(alpha, person=(30, 30, 30)), photo(alpha, person=(250, 250, 250))
    rows = (np.arange(400) // width % 2 == 0)[:, None, None]
    keyed = key_studio(np.where(rows, dark, white), alpha, standing)
    assert np.abs(keyed - alpha)[away_from_head_and_feet(standing)].max() < 0.2


def test_white_clothes_keep_their_matte(standing: Keypoints) -> None:
    alpha = alpha_of(standing)
    rgb = photo(alpha, person=(246, 246, 246))
    assert np.abs(key_studio(rgb, alpha, standing) - alpha).max() < 1e-6


def test_a_street_is_left_alone(standing: Keypoints) -> None:
    alpha = alpha_of(standing)
    assert (key_studio(photo(alpha, noise=25.0), alpha, standing) == alpha).all()


def test_head_and_feet_are_left_alone(standing: Keypoints) -> None:
    alpha = alpha_of(standing)
    wrong = np.asarray(cv2.dilate(alpha, np.ones((5, 5), np.uint8)), np.float32)
    keyed = key_studio(photo(alpha), wrong, standing)
    for landmark in (Landmark.NOSE, Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL):
        x, y = standing.xy[landmark].astype(int)
        around = np.s_[y - 20 : y + 20, x - 20 : x + 20]
        assert (keyed[around] == wrong[around]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_matte_without_an_edge_stays(standing: Keypoints, value: float) -> None:
    matte = np.full((400, 300), value, np.float32)
    assert (key_studio(photo(alpha_of(standing)), matte, standing) == matte).all()


def test_a_highlight_deep_inside_is_solid(standing: Keypoints) -> None:
    alpha = alpha_of(standing)
    x, y = standing.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_SHOULDER]].mean(axis=0).astype(int)
    wrong = alpha.copy()
    wrong[y - 2 : y + 3, x - 2 : x + 3] = 0.7
    assert key_studio(photo(alpha), wrong, standing)[y - 2 : y + 3, x - 2 : x + 3].min() == 1
