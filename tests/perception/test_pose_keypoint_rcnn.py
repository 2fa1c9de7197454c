"""COCO's joints as ours: order, pixels, what stays unknown, whose pose it is; and detectron2's answers read.

detectron2 is a stand-in here, made after its documentation and source. The last test runs the real thing.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.perception.small_plug_ins import answer_of_a_calm_network, detected, instances, two_tones
from tryon_service.errors import RefusedError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.detectron import Detection, detections
from tryon_service.perception.drawn_mask import draw_mask
from tryon_service.perception.named_view import faces_camera
from tryon_service.perception.plug_ins import BUILD_DETECTRON2, DETECTRON2_COMMIT
from tryon_service.perception.pose_keypoint_rcnn import (
    COCO17,
    KeypointRcnn,
    landmarks,
    main_estimate,
    nearest_pose,
)
from tryon_service.perception.scale import pixels_per_metre
from tryon_service.perception.skeletons import Landmark, mirrored
from tryon_service.types import Photo
from tryon_service.zoo.store import Store

FIGURE = draw_figure("standing", OUTFITS["print_tee"], (300, 400))
BODY = FIGURE.matte > 0.5
PHOTO = Photo(two_tones(BODY), (300, 400), "")
PERSON = detected(FIGURE.keypoints, BODY)
OWN = list(COCO17)


def beside(detection: Detection, x: float, **changes: object) -> Detection:
    moved = detection.keypoints + np.array([x, 0, 0], np.float32)
    return replace(detection, box=detection.box + np.array([x, 0, x, 0], np.float32), keypoints=moved, **changes)


def test_joints_keep_their_names_and_pixels() -> None:
    keypoints, _ = landmarks(PERSON, PHOTO)
    assert np.allclose(keypoints.xy[OWN], FIGURE.keypoints.xy[OWN], atol=1e-3)
    assert COCO17[5] is Landmark.LEFT_SHOULDER
    assert faces_camera(keypoints)
    turned = detected(mirrored(FIGURE.keypoints, 300), BODY[:, ::-1])
    assert np.allclose(landmarks(turned, PHOTO)[0].xy, mirrored(keypoints, 300).xy, atol=1e-3)


def test_what_the_network_does_not_know_is_never_seen() -> None:
    keypoints, _ = landmarks(PERSON, PHOTO)
    others = [landmark for landmark in Landmark if landmark not in COCO17]
    assert len(others) == 33 - 17
    assert not keypoints.seen[others].any()
    assert not keypoints.visibility[others].any()
    assert np.array_equal(keypoints.xy[Landmark.LEFT_INDEX], keypoints.xy[Landmark.LEFT_WRIST])
    assert np.array_equal(keypoints.xy[Landmark.RIGHT_HEEL], keypoints.xy[Landmark.RIGHT_ANKLE])


def test_depth_is_not_made_up() -> None:
    keypoints, scale = landmarks(PERSON, PHOTO)
    assert not keypoints.xyz[:, 2].any()
    assert not keypoints.world[:, 2].any()
    assert np.allclose(keypoints.world[[23, 24]].mean(axis=0), 0, atol=1e-6)
    assert np.allclose(pixels_per_metre(keypoints), scale, rtol=1e-3)
    # The figure is drawn at a known size.
    assert 0.8 < scale / pixels_per_metre(FIGURE.keypoints) < 1.25


@pytest.mark.parametrize(("score", "visibility"), [(0.0, 0.0), (0.02, 0.2), (0.05, 0.5), (0.1, 1.0), (0.9, 1.0)])
def test_a_score_that_is_drawn_is_one_half(score: float, visibility: float) -> None:
    points = PERSON.keypoints.copy()
    points[:, 2] = score
    keypoints, _ = landmarks(replace(PERSON, keypoints=points), PHOTO)
    assert np.allclose(keypoints.visibility[OWN], visibility)


def test_joints_outside_the_photo_are_not_seen() -> None:
    keypoints, _ = landmarks(beside(PERSON, -400), PHOTO)
    assert not keypoints.seen.any()


def test_a_body_without_bones_has_a_size_all_the_same() -> None:
    points = PERSON.keypoints.copy()
    points[:, 2] = 0
    keypoints, scale = landmarks(replace(PERSON, keypoints=points), PHOTO)
    assert 100 < scale < 400
    assert np.isfinite(keypoints.world).all()
    heap = replace(PERSON, keypoints=np.full((17, 3), 5.0, np.float32), box=np.array([4, 4, 5, 5], np.float32))
    assert np.isfinite(landmarks(heap, PHOTO)[0].world).all()


def test_the_main_person_is_found_with_a_mask() -> None:
    reduced = cv2.resize(BODY.astype(np.uint8), (90, 120), interpolation=cv2.INTER_AREA) > 0
    small = detected(FIGURE.keypoints.moved(0.3), reduced, score=0.9)
    estimate = main_estimate(PHOTO, [small, PERSON])
    assert np.allclose(estimate.keypoints.xy[OWN], FIGURE.keypoints.xy[OWN], atol=1e-3)
    assert estimate.score == PERSON.score
    inside = estimate.mask > 0.5
    assert (inside & BODY).sum() > 0.93 * (inside | BODY).sum()


def test_nobody_and_several_are_refused() -> None:
    for people in ([], [replace(PERSON, score=0.6)]):
        with pytest.raises(RefusedError) as caught:
            main_estimate(PHOTO, people)
        assert caught.value.code == "no_person"
        with pytest.raises(RefusedError) as caught:
            nearest_pose(people, FIGURE.keypoints, PHOTO)
        assert caught.value.code == "no_person"
    wide = Photo(two_tones(np.hstack([BODY, BODY])), (600, 400), "")
    with pytest.raises(RefusedError) as caught:
        main_estimate(wide, [PERSON, beside(PERSON, 300)])
    assert caught.value.code == "several_people"


def test_following_takes_the_nearest() -> None:
    people = [PERSON, beside(PERSON, 300)]
    for x in (0.0, 300.0):
        found = nearest_pose(people, FIGURE.keypoints.moved(1.0, (x, 0.0)), PHOTO)
        assert np.allclose(found.xy[OWN], FIGURE.keypoints.xy[OWN] + (x, 0), atol=1e-3)


def test_masks_are_drawn_where_there_is_little_to_see() -> None:
    known, scale = FIGURE.keypoints.seen, pixels_per_metre(FIGURE.keypoints)
    blank = np.full((400, 300, 3), 128, np.uint8)
    mask = draw_mask(blank, FIGURE.keypoints.xy, known, (0, 0, 300, 400), scale)
    assert mask.dtype == np.float32
    assert 0 <= mask.min() <= mask.max() <= 1
    for box in ((10, 10, 11, 11), (-50, -50, -10, -10), (290, 390, 500, 500)):
        assert draw_mask(blank, FIGURE.keypoints.xy, known, box, scale).shape == (400, 300)
    assert not draw_mask(blank, FIGURE.keypoints.xy, np.zeros(33, np.bool_), (0, 0, 300, 400), scale).any()
    one = draw_mask(PHOTO.rgb, FIGURE.keypoints.xy, known, (0, 0, 300, 400), scale)
    assert np.array_equal(one, draw_mask(PHOTO.rgb, FIGURE.keypoints.xy, known, (0, 0, 300, 400), scale))


def test_answers_are_read_surest_first() -> None:
    pytest.importorskip("torch", reason="detectron2's answers are tensors, which need torch (the extra `neural`)")
    points = np.stack([PERSON.keypoints, PERSON.keypoints + 7, np.full((17, 3), np.nan)])
    answer = instances([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 1, 1]], [0.7, 0.9, 0.8], pred_keypoints=points)
    first, second = detections(answer)
    assert (first.score, second.score) == (pytest.approx(0.9), pytest.approx(0.7))
    assert first.box.tolist() == [5, 6, 7, 8]
    assert np.allclose(second.keypoints, PERSON.keypoints)
    assert detections(instances([], [], pred_keypoints=np.zeros((0, 17, 3)))) == []


def test_images_build_the_same_commit() -> None:
    dockerfile = Path(__file__).parents[2] / "deploy" / "Dockerfile.engine-cuda"
    assert DETECTRON2_COMMIT in BUILD_DETECTRON2
    assert f"facebookresearch/detectron2@{DETECTRON2_COMMIT}" in dockerfile.read_text("utf-8")


def test_what_is_to_be_built_is_named(tmp_path: Path) -> None:
    if importlib.util.find_spec("detectron2") is not None:
        pytest.skip("detectron2 is installed: its absence can't be seen")
    with pytest.raises(ZooError) as caught:
        KeypointRcnn(Store(tmp_path))
    assert caught.value.code == "network_missing"
    assert BUILD_DETECTRON2 in caught.value.detail


def test_the_real_network_answers_as_the_stand_in_does() -> None:
    """With random weights: what it sees is noise, how it says so must be what is read."""
    pytest.importorskip("detectron2", reason="detectron2 is not built here: Keypoint R-CNN itself was NOT checked")
    weights, found = answer_of_a_calm_network("keypoint-rcnn", PHOTO.rgb)
    assert weights == pytest.approx(59.1e6, rel=0.01)
    assert found
    for person in found:
        assert person.score == pytest.approx(0.5)
        assert person.keypoints.shape == (17, 3)
        assert 0 <= person.box.min() <= person.box.max() <= 400
        assert np.isfinite(landmarks(person, PHOTO)[0].world).all()
