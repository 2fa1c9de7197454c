"""PATN as a renderer: the product photo's person, carried from the photo's pose to the target's.

Needs joints only, and draws 176 x 256 pixels whatever is asked for. renderers/nets/patn_net.py names the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tryon_service.devices import first_of, one_each
from tryon_service.renderers.base import GENERATED, RENDERERS, RendererInfo
from tryon_service.renderers.generated import Eyes, own_eyes, placed, portrait_of, target_frame
from tryon_service.renderers.generators import NATIVE_SIZE, OpenGenerator, open_generator
from tryon_service.renderers.nets.generator_input import to_levels, to_picture
from tryon_service.retarget.pose_maps import pose_maps
from tryon_service.types import Appearance, Float32Array, Rendered, RenderInput, UInt8Array

NAME = "patn"


@dataclass(frozen=True)
class PatnSource:
    """A product photo as PATN reads it. portrait: h x w x 3 uint8 over white; joints: 18 x 3 rows of (x, y, seen), in
    the portrait's pixels."""

    portrait: UInt8Array
    joints: Float32Array


class PatnRenderer:
    """See the module's docstring. Safe to call from several threads.

    eyes: what the drawn picture is looked at with, the default backends for None.
    """

    def __init__(self, generator: OpenGenerator, eyes: Eyes | None = None) -> None:
        self.info = RendererInfo(NAME, GENERATED, NATIVE_SIZE, networks=(generator.id,))
        self._net, self._encoding, self.eyes = generator.net, generator.header.pose_encoding, eyes

    def prepare(self, appearance: Appearance) -> PatnSource:
        frame, portrait = portrait_of(appearance.person, NATIVE_SIZE)
        return PatnSource(portrait, frame.coco18(appearance.person.keypoints))

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        return [self._render(item) for item in batch]

    def _render(self, item: RenderInput) -> Rendered:
        import torch

        source = item.prepared if item.prepared is not None else self.prepare(item.appearance)
        frame = target_frame(item.target, NATIVE_SIZE)
        poses = (source.joints, frame.coco18(item.target.keypoints))
        maps = (pose_maps(self._encoding, joints, NATIVE_SIZE) for joints in poses)
        with torch.inference_mode():
            drawn = self._net(*one_each(to_levels(source.portrait), *maps))
        return placed(to_picture(first_of(drawn)), frame, self.eyes or own_eyes())


@RENDERERS.register(NAME)
def _create() -> PatnRenderer:
    """Raises ZooError("network_missing") where the extra or the weights are not installed."""
    return PatnRenderer(open_generator(NAME))
