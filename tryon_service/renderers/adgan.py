"""ADGAN as a renderer: the product photo becomes a code with a slice for each attribute, and the code is drawn in the
target pose. Slices may come from several photos, which is a Look.

Needs the person's parsing and joints; draws 176 x 256 pixels whatever is asked for. renderers/nets/adgan_net.py names
the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tryon_service.devices import first_of, one_each
from tryon_service.renderers.base import GENERATED, RENDERERS, RendererInfo
from tryon_service.renderers.generated import Eyes, own_eyes, placed, portrait_of, target_frame
from tryon_service.renderers.generators import NATIVE_SIZE, OpenGenerator, open_generator
from tryon_service.renderers.nets.generator_input import one_hot, to_levels, to_picture
from tryon_service.retarget.pose_maps import pose_maps
from tryon_service.types import Appearance, Float32Array, Rendered, RenderInput

NAME = "adgan"
EXCLUSIVE = ("pants", "skirt")
"""Nobody wears both: whoever lends one of them lends how the other is not there."""


class AdganRenderer:
    """See the module's docstring. prepare() gives the code, S float32. Safe to call from several threads.

    eyes: what the drawn picture is looked at with, the default backends for None.
    """

    def __init__(self, generator: OpenGenerator, eyes: Eyes | None = None) -> None:
        self.info = RendererInfo(NAME, GENERATED, NATIVE_SIZE, networks=(generator.id,), looks=True)
        self._net: Any = generator.net
        self._header, self.eyes = generator.header, eyes

    def prepare(self, appearance: Appearance) -> Float32Array:
        import torch

        frame, portrait = portrait_of(appearance.person, NATIVE_SIZE)
        parsing = one_hot(frame.cut_mask(appearance.person.parsing))
        with torch.inference_mode():
            code = self._net.style(*one_each(to_levels(portrait), parsing))
        return first_of(code)

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        return [self._render(item) for item in batch]

    def _render(self, item: RenderInput) -> Rendered:
        import torch

        own = item.prepared if item.prepared is not None else self.prepare(item.appearance)
        code = mixed(own, item.look, self._header.classes)
        frame = target_frame(item.target, NATIVE_SIZE)
        maps = pose_maps(self._header.pose_encoding, frame.coco18(item.target.keypoints), NATIVE_SIZE)
        with torch.inference_mode():
            drawn = self._net.draw(*one_each(maps, code))
        return placed(to_picture(first_of(drawn)), frame, self.eyes or own_eyes())


def mixed(code: Float32Array, look: Mapping[str, Float32Array], classes: Sequence[str]) -> Float32Array:
    """A copy of the code (S) with the slices that look names taken from the codes of others."""
    lenders = dict(look)
    for one, other in (EXCLUSIVE, EXCLUSIVE[::-1]):
        if one in look:
            lenders.setdefault(other, look[one])
    slices = code.reshape(len(classes), -1).copy()
    for attribute, lender in lenders.items():
        index = classes.index(attribute)
        slices[index] = lender.reshape(slices.shape)[index]
    return slices.reshape(-1)


@RENDERERS.register(NAME)
def _create() -> AdganRenderer:
    """Raises ZooError("network_missing") where the extra or the weights are not installed."""
    return AdganRenderer(open_generator(NAME))
