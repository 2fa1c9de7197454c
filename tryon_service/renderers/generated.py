"""What the renderers share that draw a portrait anew: how a person is shown to them, and how what they drew becomes a
person in the output frame. Nothing of such a picture is real, so who is in it is perceived as in any other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.perception.backends import MATTER, PARSER, POSE
from tryon_service.perception.base import Matter, Parser, PoseEstimator
from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.perceive import perceive
from tryon_service.renderers.portrait import WHITE, PortraitFrame, over_white
from tryon_service.types import Float32Array, Person, Photo, Rendered, Size, TargetPose, UInt8Array

SEEN_HEIGHT = 256
"""Pixels of height that a portrait must have to be perceived; smaller ones are enlarged."""
FAINT = 24.0
"""Levels below white from which a pixel is taken for the person where nobody is recognised."""


@dataclass(frozen=True)
class Eyes:
    """Perception's backends."""

    pose: PoseEstimator
    matter: Matter
    parser: Parser

    def see(self, picture: UInt8Array) -> tuple[Float32Array, UInt8Array]:
        """(matte, parsing) of the one person in an H x W x 3 picture: H x W float32 in [0, 1], H x W uint8 Part ids.

        Where nobody is recognised, all that isn't white counts as a person of no known parts: such a picture gets no
        better by being empty, and the verdict sees it for what it is.
        """
        photo = Photo(picture, (picture.shape[1], picture.shape[0]), digest="")
        try:
            found = perceive(photo, pose=self.pose, matter=self.matter, parser=self.parser)
        except RefusedError:
            darkest = picture.min(axis=2).astype(np.float32)
            matte = np.clip((WHITE - darkest) / np.float32(FAINT), 0, 1)
            return matte, np.zeros(matte.shape, np.uint8)
        return found.matte, found.parsing


@cache
def own_eyes() -> Eyes:
    """The default backends, opened when first needed and shared by all renderers of the process. Raises ZooError."""
    return Eyes(POSE.create("blazepose"), MATTER.create("guided"), PARSER.create("network"))


def portrait_of(person: Person, size: Size) -> tuple[PortraitFrame, UInt8Array]:
    """The person's frame, and the person in it over white: h x w x 3 uint8 for a size of (w, h)."""
    height, width = person.matte.shape
    frame = PortraitFrame.of(person.keypoints, size, (width, height))
    matte = frame.cut_mask(person.matte)
    return frame, over_white(decontaminate(frame.cut(person.photo.rgb), matte), matte)


def target_frame(target: TargetPose, size: Size) -> PortraitFrame:
    """The frame that the portrait for this target is drawn in."""
    return PortraitFrame.of(target.keypoints, size, target.size)


def placed(portrait: UInt8Array, frame: PortraitFrame, eyes: Eyes) -> Rendered:
    """A drawn portrait (h x w x 3 uint8) as a rendered person at the size of the frame's picture.

    It is looked at about as large as it was drawn: enlarged to the picture, its edges would be wide rims of white.
    """
    times = -(-SEEN_HEIGHT // portrait.shape[0])
    size = portrait.shape[1] * times, portrait.shape[0] * times
    frame = replace(frame, size=size)
    drawn = np.asarray(cv2.resize(portrait, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    matte, parsing = eyes.see(drawn)
    picture, _ = frame.back(decontaminate(drawn, matte))
    alpha = np.asarray(frame.back_mask(matte), np.float32)
    parts = np.where(alpha > 0.5, frame.back_mask(parsing), np.uint8(0))
    return Rendered(picture, np.clip(alpha, 0, 1), np.zeros_like(alpha), parts)
