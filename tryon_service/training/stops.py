"""A photographed person on the way through other poses: drawn, taken apart again as drawn, drawn again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tryon_service.appearance.decompose import decompose
from tryon_service.imaging.composite import composite
from tryon_service.perception.perceive import matte_box
from tryon_service.renderers.base import Renderer
from tryon_service.retarget.outline import Outline, trace
from tryon_service.types import (
    Appearance,
    Float32Array,
    Layer,
    Person,
    Photo,
    Rendered,
    RenderInput,
    TargetPose,
)


@dataclass(frozen=True)
class Stop:
    """A place on the way. scale: from the photo to here, as in TargetPose; hops: renders up to here.

    What was completed on the way here counts as completed in the appearance's layers.
    """

    appearance: Appearance
    scale: float = 1.0
    hops: int = 0

    @property
    def person(self) -> Person:
        return self.appearance.person

    @cached_property
    def outline(self) -> Outline:
        return trace(self.person)

    def drawn(self, renderer: Renderer, target: TargetPose) -> Rendered:
        return renderer.render([RenderInput(self.appearance, target, renderer.prepare(self.appearance))])[0]

    def moved(self, renderer: Renderer, target: TargetPose) -> Stop:
        """The stop after this one, the target's turns left out: what a turned body hides can't be turned back.

        Nobody is perceived: outline, parts and joints of the picture are known exactly.
        Raises RefusedError("no_person") if nothing of the person is left in the frame.
        """
        target = replace(target, turn=0.0, head_turn=0.0)
        rendered = self.drawn(renderer, target)
        photo = Photo(composite(rendered, self.appearance.background), target.size, digest="")
        person = Person(photo, target.keypoints, rendered.alpha, rendered.parsing, matte_box(rendered.alpha))
        appearance = decompose(person)
        layers = {name: as_real_as(layer, rendered.coverage) for name, layer in appearance.layers.items()}
        return Stop(
            replace(appearance, layers=layers, background=self.appearance.background),
            self.scale * target.scale,
            self.hops + 1,
        )

    def back_to(self, person: Person) -> TargetPose:
        """The way's first pose exactly. person: the photo's."""
        size = (person.photo.rgb.shape[1], person.photo.rgb.shape[0])
        return TargetPose(person.keypoints, 0.0, size, 1.0 / self.scale)


def as_real_as(layer: Layer, coverage: Float32Array) -> Layer:
    """The layer with those pixels counted as completed that already were in the picture it was cut from. coverage:
    that picture's, H x W."""
    (x, y), (height, width) = layer.origin, layer.real.shape
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, coverage.shape[1]), min(y + height, coverage.shape[0])
    real = np.zeros_like(layer.real)
    inside = np.s_[top - y : bottom - y, left - x : right - x]
    real[inside] = np.rint(layer.real[inside] * coverage[top:bottom, left:right])
    return replace(layer, real=real)
