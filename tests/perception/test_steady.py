"""The steady estimate is the mean of both sides, and the plain one where they disagree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.figures import Figure, draw_figure
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.skeletons import mirrored
from tryon_service.perception.steady import both_estimates, steady_estimate
from tryon_service.types import NetworkId, Photo, Reason

WIDTH = 120


class Lopsided:
    """Puts everything `off` pixels too far to the picture's right, whatever it is shown."""

    networks: tuple[NetworkId, ...] = ()

    def __init__(self, figure: Figure, off: float) -> None:
        self.figure, self.off = figure, off

    def estimate(self, photo: Photo) -> PoseEstimate:
        keypoints, mask = self.figure.keypoints, self.figure.matte
        if not np.array_equal(photo.rgb, self.figure.photo):
            keypoints, mask = mirrored(keypoints, WIDTH), mask[:, ::-1]
        return PoseEstimate(keypoints.moved(1.0, (self.off, 0.0)), mask, 0.8)


class Blind(Lopsided):
    def estimate(self, photo: Photo) -> PoseEstimate:
        if np.array_equal(photo.rgb, self.figure.photo):
            return super().estimate(photo)
        raise RefusedError([Reason("no_person")])


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_figure("arms_out", size=(WIDTH, 160))


def test_errors_of_the_two_sides_cancel(figure: Figure) -> None:
    pose, photo = Lopsided(figure, 3.0), Photo(figure.photo, (WIDTH, 160), "")
    found = steady_estimate(pose, photo, pose.estimate(photo))
    assert found.keypoints.xy == pytest.approx(figure.keypoints.xy, abs=1e-3)
    assert found.mask == pytest.approx(figure.matte)
    assert found.score == pytest.approx(0.8)


def test_a_photo_and_its_mirror_image_agree(figure: Figure) -> None:
    pose, photo = Lopsided(figure, 2.0), Photo(figure.photo, (WIDTH, 160), "")
    flipped = replace(photo, rgb=np.ascontiguousarray(figure.photo[:, ::-1]))
    here, there = (steady_estimate(pose, one, pose.estimate(one)) for one in (photo, flipped))
    assert mirrored(there.keypoints, WIDTH).xy == pytest.approx(here.keypoints.xy, abs=1e-3)
    assert there.mask[:, ::-1] == pytest.approx(here.mask)


@pytest.mark.parametrize("pose", [Lopsided, Blind])
def test_the_estimate_stands_where_the_two_are_not_of_one_person(figure: Figure, pose: type[Lopsided]) -> None:
    photo = Photo(figure.photo, (WIDTH, 160), "")
    estimator = pose(figure, 60.0 if pose is Lopsided else 0.0)
    estimate = estimator.estimate(photo)
    assert steady_estimate(estimator, photo, estimate) is estimate


def test_both_estimates_are_the_photos_own_and_the_steady_one(figure: Figure) -> None:
    pose, photo = Lopsided(figure, 3.0), Photo(figure.photo, (WIDTH, 160), "")
    own, steady = both_estimates(pose, photo)
    assert own.keypoints.xy == pytest.approx(pose.estimate(photo).keypoints.xy)
    assert steady.keypoints.xy == pytest.approx(steady_estimate(pose, photo, own).keypoints.xy)


def test_a_refusal_of_the_photo_stands_whatever_its_mirror_image_shows(figure: Figure) -> None:
    photo = Photo(np.ascontiguousarray(figure.photo[:, ::-1]), (WIDTH, 160), "")
    with pytest.raises(RefusedError) as caught:
        both_estimates(Blind(figure, 0.0), photo)
    assert caught.value.code == "no_person"
