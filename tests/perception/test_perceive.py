"""The steps of perception together, with stand-ins for the backends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.perception.backends import MATTER, POSE
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.perceive import matte_box, perceive
from tryon_service.types import Float32Array, Keypoints, NetworkId, Part, Photo, Reason, UInt8Array

PHOTO = Photo(np.zeros((400, 300, 3), np.uint8), (300, 400), "")


@dataclass
class FakePose:
    keypoints: Keypoints
    code: str = ""
    networks: tuple[NetworkId, ...] = ()

    def estimate(self, photo: Photo) -> PoseEstimate:
        if self.code:
            raise RefusedError([Reason(self.code)])
        return PoseEstimate(self.keypoints, np.ones(photo.rgb.shape[:2], np.float32), 1.0)


@dataclass
class FakeMatter:
    box: tuple[int, int, int, int]
    networks: tuple[NetworkId, ...] = ()

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        left, top, right, bottom = self.box
        matte = np.zeros(photo.rgb.shape[:2], np.float32)
        matte[top:bottom, left:right] = 1
        return matte


class FakeParser:
    networks: tuple[NetworkId, ...] = ()

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        return np.where(matte > 0.5, Part.UPPER, Part.BACKGROUND).astype(np.uint8)


def test_a_person_is_put_together(standing: Keypoints) -> None:
    box = (60, 30, 160, 390)
    person = perceive(PHOTO, pose=FakePose(standing), matter=FakeMatter(box), parser=FakeParser())
    assert person.box == box
    assert person.parsing[200, 100] == Part.UPPER
    # The person's left arm is right of the matte.
    assert person.keypoints.seen[16]
    assert not person.keypoints.seen[15]


@pytest.mark.parametrize("code", ["no_person", "several_people"])
def test_refusals_name_the_photo(standing: Keypoints, code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        perceive(
            PHOTO,
            role="product[1]",
            pose=FakePose(standing, code),
            matter=FakeMatter((0, 0, 9, 9)),
            parser=FakeParser(),
        )
    assert caught.value.code == code
    assert caught.value.field == "product[1]"
    assert [reason.photo for reason in caught.value.reasons] == ["product[1]"]


def test_a_small_person_is_refused_with_figure_and_limit(standing: Keypoints) -> None:
    with pytest.raises(RefusedError, match="90 pixels") as caught:
        perceive(
            PHOTO, role="shopper", pose=FakePose(standing), matter=FakeMatter((60, 30, 90, 120)), parser=FakeParser()
        )
    assert caught.value.code == "person_too_small"
    assert caught.value.reasons[0].value == 90
    assert caught.value.reasons[0].limit == 96


def test_the_box_of_nothing_is_no_person() -> None:
    with pytest.raises(RefusedError) as caught:
        matte_box(np.zeros((5, 5), np.float32))
    assert caught.value.code == "no_person"


def test_default_backends_are_registered() -> None:
    assert "blazepose" in POSE.names()
    assert "guided" in MATTER.names()
    assert MATTER.create("guided").networks == ()


def test_the_pose_is_the_same_without_the_mirror_image(standing: Keypoints) -> None:
    looks = []

    class Counted(FakePose):
        def estimate(self, photo: Photo) -> PoseEstimate:
            looks.append(photo)
            return super().estimate(photo)

    backends = {"pose": Counted(standing), "matter": FakeMatter((60, 30, 240, 390)), "parser": FakeParser()}
    steady, quick = perceive(PHOTO, **backends), perceive(PHOTO, **backends, steady=False)
    assert len(looks) == 3
    np.testing.assert_array_equal(quick.keypoints.xyz, steady.keypoints.xyz)
