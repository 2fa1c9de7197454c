"""Skin told from cloth by colour, in light and shade, on a drawn hand: two fingers and the cloth between them."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.imaging.graph_cut import graph_cut, shadeless

SKIN, NAIL = (150, 100, 80), (210, 160, 140)


def drawn(cloth: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(photo, H x W bool: the hand). The cloth between the fingers lies in deep shade."""
    photo = np.empty((80, 80, 3), np.float32)
    photo[:] = cloth
    hand = np.zeros((80, 80), bool)
    hand[10:40, 20:60] = True
    hand[40:70, 20:34] = hand[40:70, 46:60] = True
    photo[40:70, 34:46] *= 0.4
    photo[hand] = SKIN
    photo[62:70, 22:32] = NAIL
    photo *= np.linspace(0.8, 1.2, 80)[:, None]
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8), hand


@pytest.mark.parametrize("cloth", [(220, 60, 40), (40, 40, 45), (150, 150, 155), (90, 60, 190)])
def test_shaded_cloth_between_fingers_is_cloth_and_a_nail_is_hand(cloth: tuple[int, int, int]) -> None:
    photo, hand = drawn(cloth)
    sure, inside = np.zeros_like(hand), np.ones_like(hand)
    sure[14:34, 24:56] = True
    rest = np.zeros_like(hand)
    rest[:, 68:] = True
    found = graph_cut(photo, sure, inside, rest, inside)
    assert (found == hand).mean() > 0.99
    assert not found[44:68, 36:44].any()
    assert found[63:69, 24:30].mean() > 0.9


def test_nothing_is_found_beyond_what_is_possible() -> None:
    photo, hand = drawn((220, 60, 40))
    sure, possible = np.zeros_like(hand), np.zeros_like(hand)
    sure[14:34, 24:56] = True
    possible[:40] = True
    assert not graph_cut(photo, sure, possible, ~hand, np.ones_like(hand))[40:].any()


def test_without_surroundings_to_learn_from_the_sure_pixels_come_back() -> None:
    photo, hand = drawn((220, 60, 40))
    sure = np.zeros_like(hand)
    sure[14:34, 24:56] = True
    nothing = np.zeros_like(hand)
    np.testing.assert_array_equal(graph_cut(photo, sure, ~nothing, nothing, ~nothing), sure)


def test_the_same_photo_is_cut_the_same_way() -> None:
    photo, hand = drawn((40, 40, 45))
    sure = np.zeros_like(hand)
    sure[14:34, 24:56] = True
    first, second = (graph_cut(photo, sure, np.ones_like(hand), ~hand, np.ones_like(hand)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_shade_hardly_changes_the_ratios_of_the_channels() -> None:
    lit = np.full((4, 4, 3), (220, 90, 60), np.uint8)
    shaded = (lit * 0.5).astype(np.uint8)
    apart = np.abs(shadeless(lit).astype(int) - shadeless(shaded).astype(int)).max(axis=(0, 1))
    assert apart[1:].max() < 15
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert np.abs(shadeless(lit).astype(int) - shadeless(grey).astype(int))[..., 1].min() > 50
