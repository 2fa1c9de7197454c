"""Which leg a pixel belongs to: on drawn figures whose legs touch, cross and stand apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from undressing import SIZE, overlap, person_from

from tryon_service.appearance.limbs import LimbField, crossed_legs, fields_for, nearer_leg, own_legs, shared_rim
from tryon_service.appearance.subject import Subject
from tryon_service.figures import Figure, FigurePose, draw_figure
from tryon_service.perception.skeletons import Landmark
from tryon_service.retarget.rig import LEGS, build_rig
from tryon_service.types import Part

CROSSING = FigurePose("legs crossing", left_thigh=(-9.0, 0.0), left_shin=(-16.0, 0.0), right_shin=(-8.0, 0.0))
APART = FigurePose("legs apart", left_thigh=(9.0, 0.0), right_thigh=(9.0, 0.0))


def subject_of(pose: FigurePose) -> tuple[Subject, dict[str, LimbField]]:
    subject = Subject.of(person_from(draw_figure(pose, size=SIZE)))
    rig = build_rig(subject.keypoints)
    return subject, fields_for(rig, subject.keypoints, subject.matte, subject.torso, list(LEGS))


def brought_forward(figure: Figure, side: str, metres: float = 0.2) -> Figure:
    world = figure.keypoints.world.copy()
    world[[Landmark[f"{side}_{name}"] for name in ("KNEE", "ANKLE")], 2] -= metres
    return replace(figure, keypoints=replace(figure.keypoints, world=world))


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
def test_the_leg_nearer_to_the_camera(side: str) -> None:
    figure = draw_figure(APART, size=SIZE)
    assert nearer_leg(figure.keypoints) == ""
    assert nearer_leg(brought_forward(figure, side).keypoints) == f"{side.lower()}_leg"


@pytest.mark.parametrize("front", LEGS)
def test_the_front_leg_keeps_what_lies_on_both(front: str) -> None:
    subject, fields = subject_of(CROSSING)
    lower = (subject.matte > 0.5) & (fields[LEGS[0]].t > 1.3)
    legs = own_legs(subject.rgb, lower, fields, front)
    both = lower & (np.maximum(*(fields[name].r for name in LEGS)) < 0.5)
    assert both.sum() > 20, "the drawing has to have a crossing"
    assert legs[front][both].mean() > 0.95


def test_legs_apart_are_told_apart_across_the_gap() -> None:
    subject, fields = subject_of(APART)
    lower = np.isin(subject.parsing, (Part.TROUSERS, Part.SHOES))
    knees = min(subject.keypoints.xy[[Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE], 1])
    below = lower & (np.arange(lower.shape[0])[:, None] > knees)
    middle = subject.keypoints.xy[[Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE], 0].mean()
    on_the_right = below & (np.arange(lower.shape[1]) > middle)  # the person's left
    legs = own_legs(subject.rgb, lower, fields)
    assert overlap(legs["left_leg"] & below, on_the_right) > 0.99
    assert overlap(legs["right_leg"] & below, below & ~on_the_right) > 0.99


def test_only_legs_that_hide_each_other_are_crossed() -> None:
    for pose, expected in ((CROSSING, frozenset(LEGS)), (APART, frozenset[str]())):
        subject, fields = subject_of(pose)
        assert crossed_legs(fields, subject.matte, subject.torso) == expected, pose.name


def test_a_shared_rim_narrows_towards_the_knee_and_the_background() -> None:
    height, width, torso = 200, 120, 400.0
    t = np.broadcast_to(np.linspace(1.0, 2.0, height, dtype=np.float32)[:, None], (height, width))
    field = LimbField(t, np.zeros_like(t), np.zeros_like(t))
    own, person = np.zeros((height, width), bool), np.ones((height, width), bool)
    own[:, :60] = True
    widths = shared_rim(own, field, person, torso).sum(axis=1)
    assert widths[0] > 20
    assert (np.diff(widths) <= 0).all()
    assert widths[-1] == 0
    person[60:, 58:64] = False  # the legs part here
    cut = shared_rim(own, field, person, torso)
    assert not cut[60:, 64:].any(), "nothing across the gap"
    assert (cut.sum(axis=1) <= widths).all()
