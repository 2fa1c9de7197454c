"""Confusion and IoU against counts done by hand; skin of another tone."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.appearance.agreement import confusion, iou, merged, person_iou, summary
from tryon_service.appearance.skin_tone import lightness, tinted_skin

TRUTH = np.array([[0, 0, 1, 1, 2, 255]], np.uint8)
ANSWER = np.array([[0, 1, 1, 2, 2, 0]], np.uint8)


def test_confusion_leaves_unknown_pixels_out() -> None:
    assert confusion(TRUTH, ANSWER, 3).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_iou_merged_and_person() -> None:
    matrix = confusion(TRUTH, ANSWER, 3)
    assert iou(matrix) == pytest.approx([1 / 2, 1 / 3, 1 / 2])
    assert merged(matrix, [[0], [1, 2]]).tolist() == [[1, 1], [0, 3]]
    assert person_iou(matrix) == pytest.approx(3 / 4)


def test_summary_means_over_classes_in_the_truth() -> None:
    matrix = np.zeros((4, 4), np.int64)
    matrix[:3, :3] = confusion(TRUTH, ANSWER, 3)
    found = summary(matrix, list("abcd"), {"x": [0], "y": [1, 2], "z": [3]})
    assert found["miou"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert np.isnan(found["merged_z"])


def test_tinted_skin_changes_skin_alone() -> None:
    rgb = np.full((40, 40, 3), (200, 160, 140), np.uint8)
    skin = np.zeros((40, 40), bool)
    skin[15:25, 15:25] = True
    dark, light = tinted_skin(rgb, skin, -0.8), tinted_skin(rgb, skin, 0.8)
    assert lightness(dark, skin) + 10 < lightness(rgb, skin) < lightness(light, skin) - 5
    assert (dark[:8] == rgb[:8]).all()
    assert tinted_skin(rgb, np.zeros_like(skin), -0.5) is rgb
    assert np.isnan(lightness(rgb, np.zeros_like(skin)))
