"""Legs: steps too small to matter are left out, crossed legs stay as they were photographed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.figures import POSES, Figure, FigurePose, draw_figure
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.rig import LEGS
from tryon_service.retarget.view import degrees_between, direction
from tryon_service.types import Keypoints, Person, TargetPose

SIZE = (240, 320)
BONES = [name for name in LIMBS if "arm" not in name]
JOINTS = [Landmark[f"{side}_{name}"] for side in ("LEFT", "RIGHT") for name in ("HIP", "KNEE", "ANKLE", "FOOT_INDEX")]
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def model(person_of: MakePerson) -> Person:
    return person_of(draw_figure("standing", size=SIZE))


def stepping(degrees: float) -> Keypoints:
    """A shopper whose legs stand apart by so many degrees more than the model's."""
    pose = replace(
        POSES["standing"],
        **{name: (getattr(POSES["standing"], name)[0] + degrees, 0.0) for name in BONES},
    )
    return draw_figure(pose, size=SIZE).keypoints


def turned(model: Person, target: TargetPose) -> list[float]:
    return [degrees_between(*(direction(k, LIMBS[n]) for k in (model.keypoints, target.keypoints))) for n in BONES]


def test_a_small_step_is_left_out(model: Person) -> None:
    assert max(turned(model, retarget(model, stepping(7.0)))) < 1.0


def test_a_large_step_is_followed(model: Person) -> None:
    assert min(turned(model, retarget(model, stepping(20.0)))) > 18.0


def test_a_leg_moves_whole_or_not_at_all(model: Person) -> None:
    pose = FigurePose("kicking", left_thigh=(24.0, 0.0), left_shin=(10.0, 0.0))
    shopper = draw_figure(pose, size=SIZE).keypoints
    target = retarget(model, shopper)
    shin = LIMBS["left_shin"]
    assert degrees_between(direction(target.keypoints, shin), direction(shopper, shin)) < 2.0


@pytest.mark.parametrize("pose", ["legs_apart", "contrapposto"])
def test_crossed_legs_stay_where_they_are(model: Person, pose: str) -> None:
    target = retarget(model, draw_figure(pose, size=SIZE).keypoints, anchored=frozenset(LEGS))
    assert target.held == frozenset(BONES)
    before, after = (k.xy[JOINTS] - k.xy[JOINTS[0]] for k in (model.keypoints, target.keypoints))
    np.testing.assert_allclose(after / target.scale, before, atol=1e-3)
