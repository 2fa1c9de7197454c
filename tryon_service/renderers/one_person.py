"""The teaching family as renderers: each network knows one person by heart and draws that one, whoever wears the
product, in the target pose. They show what a pose alone can tell; they are no way to dress anybody.

`nearest` looks up the frame whose pose is nearest, `pose2image` learned from the plain difference, `pose2image-gan`
from a critic as well. Need joints only, and draw 64 x 64 pixels. renderers/nets/teaching_nets.py names the papers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tryon_service.devices import first_of, one_each
from tryon_service.renderers.base import GENERATED, RENDERERS, RendererInfo
from tryon_service.renderers.generated import Eyes, own_eyes, placed, target_frame
from tryon_service.renderers.generators import DRAWING, TEACHING_SIZE, VECTOR, OpenGenerator, open_generator
from tryon_service.renderers.nets.generator_input import to_levels, to_picture
from tryon_service.renderers.pose_vector import pose_vector
from tryon_service.renderers.skeleton_drawing import draw_skeleton
from tryon_service.types import Appearance, BoolArray, Float32Array, Rendered, RenderInput

SHOWN: Mapping[str, Callable[[Float32Array, BoolArray], Float32Array]] = MappingProxyType(
    {
        VECTOR: lambda xy, _: pose_vector(xy, TEACHING_SIZE),
        DRAWING: lambda xy, seen: to_levels(draw_skeleton(xy, seen, TEACHING_SIZE)),
    }
)
"""By the encoding that weights were trained on: what the network is shown of 33 x 2 landmarks in the frame's pixels, of
which 33 bool are seen; 26 numbers, or 3 x 64 x 64, in [-1, 1]."""


class OnePersonRenderer:
    """See the module's docstring. There is nothing to prepare. Safe to call from several threads.

    eyes: what the drawn picture is looked at with, the default backends for None.
    """

    def __init__(self, generator: OpenGenerator, eyes: Eyes | None = None) -> None:
        self.info = RendererInfo(generator.header.network, GENERATED, TEACHING_SIZE, networks=(generator.id,))
        self._net, self._shown, self.eyes = generator.net, SHOWN[generator.header.pose_encoding], eyes

    def prepare(self, appearance: Appearance) -> None:  # noqa: ARG002 - nothing of the product is used
        return None

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        return [self._render(item) for item in batch]

    def _render(self, item: RenderInput) -> Rendered:
        import torch

        frame, keypoints = target_frame(item.target, TEACHING_SIZE), item.target.keypoints
        pose = self._shown(frame.points(keypoints.xy), keypoints.seen)
        with torch.inference_mode():
            drawn = self._net(*one_each(pose))
        return placed(to_picture(first_of(drawn)), frame, self.eyes or own_eyes())


@RENDERERS.register("nearest")
def _nearest() -> OnePersonRenderer:
    """Raises ZooError("network_missing") where the extra or the weights are not installed, as those below do."""
    return OnePersonRenderer(open_generator("nearest"))


@RENDERERS.register("pose2image")
def _pose2image() -> OnePersonRenderer:
    return OnePersonRenderer(open_generator("pose2image"))


@RENDERERS.register("pose2image-gan")
def _pose2image_gan() -> OnePersonRenderer:
    return OnePersonRenderer(open_generator("pose2image-gan"))
