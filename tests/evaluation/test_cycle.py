"""Small moves, and the undoing of what fits a pose into the frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tryon_service.evaluation.cycle import BINS, cases, placed_back, registered, small_move, summary
from tryon_service.evaluation.limbs import degrees_between, directions
from tryon_service.evaluation.ssim import ssim
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.skeletons import LIMBS
from tryon_service.types import Keypoints, TargetPose


@pytest.fixture(scope="module")
def pose() -> Keypoints:
    return draw_figure("standing", OUTFITS["print_tee"], (288, 384)).keypoints


def lengths(points: np.ndarray) -> np.ndarray:
    return np.array([np.hypot(*(points[far] - points[near])[:2]) for near, far in LIMBS.values()])


def test_small_moves_turn_every_limb_by_less_than_twenty_degrees(pose: Keypoints) -> None:
    for seed in range(20):
        moved = small_move(pose, np.random.default_rng(seed))
        turned = degrees_between(directions(pose), directions(moved))
        assert turned.max() < 20
        assert turned[:4].min() > 2, "arms"
        assert lengths(moved.xyz) == pytest.approx(lengths(pose.xyz), rel=1e-4)
        assert lengths(moved.world) == pytest.approx(lengths(pose.world), rel=1e-4)
    assert np.array_equal(
        small_move(pose, np.random.default_rng(3)).xyz, small_move(pose, np.random.default_rng(3)).xyz
    )


def fitted(pose: Keypoints, scale: float, shift: tuple[float, float]) -> TargetPose:
    xyz = pose.xyz * np.float32(scale)
    xyz[:, :2] += shift
    return TargetPose(replace(pose, xyz=xyz), turn=0.0, size=(288, 384), scale=scale)


def test_fitting_into_the_frame_is_undone(pose: Keypoints) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (384, 288, 3)).astype(np.uint8), (0, 0), 6)
    move = np.array([[0.8, 0, 30], [0, 0.8, 50]], np.float64)
    shrunk = np.asarray(cv2.warpAffine(smooth, move, (288, 384), flags=cv2.INTER_AREA), np.uint8)
    there, back = fitted(pose, 0.8, (30.0, 50.0)), fitted(pose, 1.0, (0.0, 0.0))
    again = placed_back(shrunk, [(pose, there), (pose, back)])
    assert np.abs(again[20:-20, 20:-20].astype(int) - smooth[20:-20, 20:-20]).mean() < 1.5
    assert placed_back(shrunk, [(pose, back), (pose, back)]) is shrunk


def test_registration_lays_a_shifted_picture_back() -> None:
    photo = draw_figure("standing", OUTFITS["print_tee"], (288, 384)).photo
    move = np.array([[1, 0, 4], [0, 1, -3]], np.float64)
    shifted = np.asarray(cv2.warpAffine(photo, move, (288, 384), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    assert ssim(registered(shifted, photo), photo) > ssim(shifted, photo) + 0.02
    assert ssim(registered(shifted, photo), photo) > 0.97
    flat = np.full_like(photo, 90)
    assert registered(flat, photo) is flat


def test_cases_pair_models_and_exercises_both_ways(tmp_path: Path) -> None:
    for name in ("models/a.jpg", "models/b.jpg", "models/c.jpg", "two_poses/squat_0.jpg", "two_poses/squat_1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    keys = [case.key for case in cases(tmp_path, None)]
    assert len(keys) == len(set(keys)) == 3 * (2 + 2) + 2
    assert {"a to b", "c to b", "b to small 1", "squat_0 to squat_1", "squat_1 to squat_0"} <= set(keys)
    assert {case.kind for case in cases(tmp_path, None)} == {"natural", "small", "two_poses"}


def test_summary_bins_by_the_largest_movement() -> None:
    common = {"kind": "natural", "verdicts": ["accepted", "accepted"]}
    records: list[dict[str, Any]] = [
        {
            **common,
            "key": "1",
            "status": "counted",
            "moved": 5.0,
            "ssim": 0.9,
            "ssim_256": 0.8,
            "ssim_registered": 0.95,
        },
        {
            **common,
            "key": "2",
            "status": "counted",
            "moved": 30.0,
            "ssim": 0.7,
            "ssim_256": 0.7,
            "ssim_registered": 0.7,
        },
        {**common, "key": "3", "status": "not_landed", "moved": 60.0},
        {"key": "4", "kind": "natural", "status": "refused", "code": "side_view", "leg": "there"},
    ]
    figures = summary(records)
    assert figures["under_20"]["all"] == {
        "counted": 1,
        "ssim": {"mean": 0.9, "median": 0.9},
        "ssim_256": {"mean": 0.8, "median": 0.8},
        "ssim_registered": {"mean": 0.95, "median": 0.95},
    }
    assert [figures[name]["not_landed"] for name in BINS] == [0, 0, 1]
    assert figures["refused_by_code"] == {"there: side_view": 1}
