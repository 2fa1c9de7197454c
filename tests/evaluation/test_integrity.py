"""Loose pieces, slivers and agreement of parsings, on shapes whose areas are known."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.evaluation.integrity import attribute_agreement, loose_pieces, loose_share, new_slivers, slivers
from tryon_service.types import Float32Array, Part, UInt8Array


def body() -> Float32Array:
    """A person of 300 x 100 pixels."""
    alpha = np.zeros((400, 300), np.float32)
    alpha[50:350, 100:200] = 1.0
    return alpha


def test_one_piece_has_nothing_loose() -> None:
    assert loose_share(body()) == 0.0
    assert loose_share(np.zeros((20, 20), np.float32)) == 0.0


def test_loose_pieces_are_shares_of_the_person_largest_first() -> None:
    alpha = body()
    alpha[100:110, 210:220] = 1.0
    alpha[200:220, 230:250] = 1.0
    assert loose_pieces(alpha) == pytest.approx([400 / 30500, 100 / 30500])
    assert loose_share(alpha) == pytest.approx(500 / 30500)


def test_what_touches_by_a_corner_is_not_loose_and_faint_is_nobody() -> None:
    alpha = body()
    alpha[40:50, 90:100] = 1.0
    alpha[10:20, 10:20] = 0.4
    assert loose_share(alpha) == 0.0


def test_a_torn_strip_a_gap_and_a_small_hole_are_new_slivers() -> None:
    source = body()
    for change, area in (
        ((slice(150, 250), slice(200, 240), 0.0), 0),
        ((slice(150, 151), slice(200, 240), 1.0), 40),
        ((slice(150, 151), slice(120, 180), 0.0), 60),
        ((slice(150, 156), slice(120, 128), 0.0), 48),
    ):
        rows, columns, value = change
        alpha = source.copy()
        alpha[rows, columns] = value
        assert new_slivers(alpha, source) == pytest.approx(area / 30000, rel=0.15), change


def test_the_gap_between_an_arm_and_the_waist_is_no_sliver() -> None:
    source = body()
    alpha = source.copy()
    alpha[150:250, 120:140] = 0.0
    assert new_slivers(alpha, source) < 2e-3
    assert slivers(np.zeros((20, 20), np.float32)) == 0.0


def parsing() -> UInt8Array:
    ids = np.zeros((100, 100), np.uint8)
    ids[10:50, 20:80], ids[50:90, 20:80] = Part.UPPER, Part.TROUSERS
    return ids


def test_agreement_is_the_mean_iou_of_what_is_present() -> None:
    reference = parsing()
    assert attribute_agreement(reference, reference) == 1.0
    moved = reference.copy()
    moved[50:60, 20:80] = Part.UPPER
    assert attribute_agreement(reference, moved) == pytest.approx((40 / 50 + 30 / 40) / 2)
    moved[:] = Part.BACKGROUND
    assert attribute_agreement(reference, moved) == 0.0


def test_agreement_leaves_out_specks_and_what_does_not_count() -> None:
    reference = parsing()
    speck = reference.copy()
    speck[12, 22:26] = Part.FACE
    assert attribute_agreement(speck, reference) == pytest.approx(1.0, abs=2e-3)
    other = reference.copy()
    other[:50] = Part.DRESS
    where = np.zeros((100, 100), bool)
    where[50:] = True
    assert attribute_agreement(reference, other, where) == 1.0
    assert attribute_agreement(np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8)) == 1.0
