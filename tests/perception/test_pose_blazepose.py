"""BlazePose: its geometry exactly, its results against the reference pipeline's on real photos."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.perception.blazepose_networks import Roi, _anchors, _refine, _weighted_nms
from tryon_service.perception.pose_blazepose import BlazePose
from tryon_service.perception.skeletons import mirrored
from tryon_service.types import Photo

Load = Callable[[str], Photo]


def test_a_region_maps_its_centre_and_corner() -> None:
    upright = Roi((100.0, 200.0), 512.0, 0.0).to_image
    np.testing.assert_allclose(upright @ (128, 128, 1), (100, 200), atol=1e-4)
    np.testing.assert_allclose(upright @ (0, 0, 1), (100 - 256, 200 - 256), atol=1e-4)
    # Turned a quarter clockwise the crop's upper edge is the region's right side.
    turned = Roi((100.0, 200.0), 512.0, math.pi / 2).to_image
    np.testing.assert_allclose(turned @ (128, 0, 1), (100 + 256, 200), atol=1e-3)


def test_a_region_around_alignment_points() -> None:
    upright = Roi.around(np.array([50, 80], np.float32), np.array([50, 20], np.float32))
    assert upright.side == pytest.approx(2 * 60 * 1.25)
    assert upright.angle == pytest.approx(0)
    leaning = Roi.around(np.array([50, 80], np.float32), np.array([110, 80], np.float32))
    assert leaning.angle == pytest.approx(math.pi / 2)


def test_anchors_are_as_many_as_the_network_answers() -> None:
    anchors = _anchors()
    assert anchors.shape == (2254, 2)
    np.testing.assert_allclose(anchors[0], (0.5 / 28, 0.5 / 28))
    np.testing.assert_allclose(anchors[-1], (6.5 / 7, 6.5 / 7))


def test_overlapping_detections_become_their_weighted_mean() -> None:
    rows = np.array([[0, 0, 10, 10, 5, 5, 5, 0], [1, 0, 11, 10, 7, 5, 5, 0], [50, 50, 60, 60, 1, 2, 3, 4]], np.float32)
    found = _weighted_nms(rows, np.array([0.6, 0.2, 0.9], np.float32))
    assert [score for score, _ in found] == pytest.approx([0.9, 0.6])
    assert found[1][1][4] == pytest.approx((5 * 0.6 + 7 * 0.2) / 0.8)


def test_heatmaps_move_a_point_only_where_they_are_sure() -> None:
    heatmaps = np.zeros((64, 64, 39), np.float32)
    heatmaps[20, 31, 0] = 0.9
    heatmaps[20, 31, 1] = 0.3
    points = np.tile(np.float32([120.0, 80.0]), (39, 1))
    refined = _refine(points, heatmaps)
    np.testing.assert_allclose(refined[0], (31 * 4, 20 * 4))
    np.testing.assert_allclose(refined[1], (120, 80))


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_agreement_with_the_reference_pipeline(blazepose: BlazePose, load: Load, photos: Path, every: int) -> None:
    pixels, shares, missed = [], [], []
    entries = json.loads((photos / "reference_pose.json").read_text())["photos"]
    for name, entry in [(name, entry) for name, entry in entries.items() if entry is not None][::every]:
        photo = load(name)
        try:
            xy = blazepose.estimate(photo).keypoints.xy
        except RefusedError:
            missed.append(name)
            continue
        reference = np.array(entry["landmarks"])
        height, width = photo.rgb.shape[:2]
        inside = np.all((reference[:, :2] >= 0) & (reference[:, :2] < (width, height)), axis=1)
        distance = np.linalg.norm(xy - reference[:, :2], axis=1)[inside & (reference[:, 3] >= 0.8)]
        pixels.append(distance)
        shares.append(distance / np.ptp(reference[:, 1]))
    assert missed == []
    assert np.median(np.concatenate(pixels)) <= 1.5
    assert np.percentile(np.concatenate(shares), 95) <= 0.015


def test_two_people_side_by_side_are_refused(blazepose: BlazePose, load: Load) -> None:
    left, right = load("models/00035_00.jpg").rgb, load("models/01008_00.jpg").rgb
    both = np.hstack([left, right])
    with pytest.raises(RefusedError) as caught:
        blazepose.estimate(Photo(both, (both.shape[1], both.shape[0]), ""))
    assert caught.value.code == "several_people"


def test_legs_without_a_head_are_found(blazepose: BlazePose, load: Load) -> None:
    photo = load("store/photos/mp05_front.jpg")
    found = blazepose.estimate(photo)
    height = photo.rgb.shape[0]
    hips, ankles = found.keypoints.xy[[23, 24], 1].mean(), found.keypoints.xy[[27, 28], 1].mean()
    assert hips < 0.3 * height
    assert ankles > 0.8 * height
    assert found.mask.mean() > 0.2


def test_a_mirrored_photo_gives_the_mirrored_pose(blazepose: BlazePose, load: Load) -> None:
    photo = load("models/051918_0.jpg")
    height, width = photo.rgb.shape[:2]
    one = blazepose.estimate(photo).keypoints
    flipped = Photo(np.ascontiguousarray(photo.rgb[:, ::-1]), photo.size, "")
    two = mirrored(blazepose.estimate(flipped).keypoints, width)
    assert np.median(np.linalg.norm(one.xy - two.xy, axis=1)) < 0.01 * height


def noise(cell: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (768 // cell, 512 // cell, 3), dtype=np.uint8)
    return cv2.resize(small, (512, 768))


@pytest.mark.parametrize(
    "rgb",
    [
        np.full((600, 400, 3), 255, np.uint8),
        np.full((600, 400, 3), 90, np.uint8),
        noise(1, 0),
        noise(32, 1),
        noise(64, 2),
        np.tile(np.linspace(0, 255, 400).astype(np.uint8)[np.newaxis, :, np.newaxis], (600, 1, 3)),
    ],
    ids=["white", "grey", "fine noise", "coarse noise", "blobs", "gradient"],
)
def test_pictures_without_people_are_refused(blazepose: BlazePose, rgb: np.ndarray) -> None:
    with pytest.raises(RefusedError) as caught:
        blazepose.estimate(Photo(rgb, (rgb.shape[1], rgb.shape[0]), ""))
    assert caught.value.code == "no_person"
