"""Training crops keep render and truth together, whatever is done to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from torn_figures import torn_figure

from tryon_service.renderers.nets.refine_input import ALPHA, COLOURS, GREY, LEVELS, REAL
from tryon_service.training.refine_crops import mirrored, recoloured, training_crop, whole, window
from tryon_service.training.shards import Sample
from tryon_service.types import Part

GREY_LEVEL = GREY / LEVELS - 1


@pytest.fixture(scope="module")
def sample() -> Sample:
    return torn_figure(1)


@pytest.fixture(scope="module")
def unharmed(sample: Sample) -> Sample:
    """A render that is its own truth."""
    return replace(sample, rgb=sample.target, alpha=sample.target_alpha, parsing=sample.target_parsing)


def test_crops_are_functions_of_their_seed(sample: Sample) -> None:
    for seed in range(8):
        one, other = (training_crop(sample, (64, 96), 0.55, np.random.default_rng(seed)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))
        assert all(np.isfinite(part).all() and part.dtype == np.float32 for part in vars(one).values())
        assert one.image.shape[1:] == one.truth.shape[1:] == one.weight.shape[1:] == (96, 64)
        assert one.pose.shape[1:] == (24, 16)
        assert np.array_equal(one.image[6:].sum(axis=0), np.ones((96, 64))), "every pixel has one class"


def test_what_is_whole_stays_its_own_truth(unharmed: Sample) -> None:
    """Light, skin, cloth, mirror, scale and window change render and truth alike, and leave the ground grey."""
    for seed in range(12):
        crop = training_crop(unharmed, (80, 112), 0.6, np.random.default_rng(seed))
        assert np.abs(crop.image[COLOURS] - crop.truth).max() < 1e-6
        assert np.abs(crop.image[ALPHA] - crop.truth_alpha[0]).max() < 1e-6
        empty = crop.image[ALPHA] == 0
        assert np.abs(crop.truth[:, empty] - GREY_LEVEL).max() < 2.01 / LEVELS, "two levels of 255"


def test_recolouring_changes_something(sample: Sample) -> None:
    changed = [recoloured(sample, np.random.default_rng(seed)).rgb for seed in range(4)]
    assert all(np.abs(rgb.astype(int) - sample.rgb).mean() > 1 for rgb in changed)


def test_a_mirror_changes_sides(sample: Sample) -> None:
    other = mirrored(sample)
    wrists = [one.xy[[15, 16], 0] for one in (sample, other)]
    assert (wrists[0][0] - wrists[0][1]) * (wrists[1][0] - wrists[1][1]) > 0, "the left wrist stays where left is"
    assert np.array_equal(other.alpha[:, ::-1], sample.alpha)
    left = sample.parsing == Part.LEFT_ARM
    assert left.any()
    assert np.array_equal(other.parsing[:, ::-1] == Part.RIGHT_ARM, left)
    twice = mirrored(other)
    assert np.array_equal(twice.parsing, sample.parsing)
    assert np.allclose(twice.xy, sample.xy)
    assert np.array_equal(twice.seen, sample.seen)


def test_weights_are_largest_in_holes_and_nothing_on_faces(sample: Sample) -> None:
    planes = whole(sample, sample.alpha.shape[0])
    weight, person = planes.weight[0], planes.truth_alpha[0] > 0.9
    face = sample.target_parsing == Part.FACE
    assert (weight[: face.shape[0], : face.shape[1]][face] == 0).all()
    holes = person & (planes.image[REAL] < 0.1) & (weight > 0)
    good = person & (planes.image[REAL] > 0.9) & (weight > 0)
    outside = (planes.truth_alpha[0] == 0) & (planes.image[ALPHA] == 0)
    assert np.median(weight[holes]) > 2 * np.median(weight[good]) > 2 * np.median(weight[outside])


def test_windows_look_at_what_is_broken(sample: Sample) -> None:
    planes = whole(sample, sample.alpha.shape[0])
    share = (planes.truth_alpha[0] - planes.image[REAL] > 0.5).mean()
    found = []
    for seed in range(40):
        crop = window(planes, (32, 32), np.random.default_rng(seed))
        found.append((crop.truth_alpha[0] - crop.image[REAL] > 0.5).mean())
    assert np.mean(found) > 1.8 * share


def test_windows_keep_the_pose_with_the_picture(sample: Sample) -> None:
    planes = whole(sample, sample.alpha.shape[0])
    planes.image[0] = np.repeat(np.repeat(planes.pose[3], 4, axis=0), 4, axis=1)
    crop = window(planes, (48, 64), np.random.default_rng(3))
    assert np.array_equal(crop.image[0, ::4, ::4], crop.pose[3])
