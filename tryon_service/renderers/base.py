"""The renderer protocol. A renderer is one file, one registry line, one card; tests/contracts runs over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tryon_service.registry import Registry
from tryon_service.types import Appearance, NetworkId, Rendered, RenderInput

GENERATED = "trainedAlgorithmicMedia"
"""The mark of pictures that a network has drawn from nothing but what it was shown: no pixel is the photo's own."""


@dataclass(frozen=True)
class RendererInfo:
    """name: registry name. native_size: (width, height) it works at, None for any. batch_limit: inputs per call.
    mark: the IPTC digital source type of its pictures. networks: weights it used. looks: whether RenderInput.look may
    hold anything."""

    name: str
    mark: str
    native_size: tuple[int, int] | None = None
    batch_limit: int = 1
    networks: tuple[NetworkId, ...] = ()
    looks: bool = False


class Renderer(Protocol):
    info: RendererInfo

    def prepare(self, appearance: Appearance) -> Any:  # noqa: ANN401 - each renderer has its own type of analysis
        """Everything that depends on the product photo only; kept with the product and handed back in RenderInput."""
        ...

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        """One output per input, in order, at each target's size. Deterministic; inputs are not changed."""
        ...


RENDERERS: Registry[Renderer] = Registry("renderer")
