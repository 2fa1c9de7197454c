"""Which arms of drawn figures can be moved on their own: small hands that are seen, and covered ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from undressing import drawn, person_from

from tryon_service.appearance.decompose import decompose
from tryon_service.figures import Figure
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Part


@pytest.fixture
def figure() -> Figure:
    return drawn("standing", "print_tee").figure


def below(figure: Figure, share: float) -> np.ndarray:
    """H x W bool: the left arm's skin from a share of the forearm on."""
    elbow, wrist = figure.keypoints.xy[[Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST]]
    y, x = np.mgrid[: figure.matte.shape[0], : figure.matte.shape[1]]
    bone = wrist - elbow
    return (figure.parsing == Part.LEFT_ARM) & (
        (x - elbow[0]) * bone[0] + (y - elbow[1]) * bone[1] > share * bone @ bone
    )


def inner_half(mask: np.ndarray, share: float) -> np.ndarray:
    """H x W bool: this share of every row of a mask, on the side of the body (the picture's left)."""
    run, total = np.cumsum(mask, axis=1), mask.sum(axis=1, keepdims=True)
    return mask & (run <= share * total)


def hidden(figure: Figure, mask: np.ndarray, part: Part) -> Figure:
    """Figure with a mask painted over: with cloth, or with Part.BACKGROUND taken away."""
    photo, parsing, matte = figure.photo.copy(), figure.parsing.copy(), figure.matte.copy()
    photo[mask], parsing[mask] = (58, 74, 104), part
    if part == Part.BACKGROUND:
        photo[mask], matte[mask] = figure.photo[2, 2], 0.0
    return replace(figure, photo=photo, parsing=parsing, matte=matte)


def test_a_hand_seen_edge_on_is_not_hidden(figure: Figure) -> None:
    narrow = hidden(figure, inner_half(below(figure, 1.0), 0.6), Part.BACKGROUND)
    assert decompose(person_from(narrow)).anchored == frozenset()


def test_a_hand_under_cloth_is_hidden(figure: Figure) -> None:
    covered = hidden(figure, inner_half(below(figure, 1.0), 0.85), Part.UPPER)
    assert decompose(person_from(covered)).anchored == {"left_arm"}


def test_a_hand_as_small_whose_forearm_is_half_covered_is_hidden(figure: Figure) -> None:
    both = inner_half(below(figure, 0.05), 0.55)
    assert decompose(person_from(hidden(figure, both, Part.TROUSERS))).anchored == {"left_arm"}
