"""The content key of a picture: it changes with whatever would make it another one, and with nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from tryon_service.fingerprint import code_digest
from tryon_service.types import NetworkId, Size, ViewName

if TYPE_CHECKING:
    from tryon_service.imaging.encode import OutputFormat
    from tryon_service.request import MinVerdict

FORMAT = 1
"""Raised when rows or pictures are written in another way."""


@dataclass(frozen=True)
class Recipe:
    """What all pictures of a run have in common; as in RenderRequest. renderer: its name, not empty."""

    renderer: str
    format: OutputFormat = "jpeg"
    size: Size | None = None
    background: str = "product"
    min_verdict: MinVerdict = "doubtful"


class Digested(Protocol):
    """A card's photo. sha256: of its file, or what stands for one that can't be read."""

    @property
    def sha256(self) -> str: ...

    @property
    def view(self) -> ViewName | None: ...


def inputs_key(photos: Sequence[Digested], pose_sha256: str) -> str:
    """Hex sha256 of what goes in: the photos in the card's order, with their views, and the pose."""
    return _digest([[[photo.sha256, photo.view] for photo in photos], pose_sha256])


def item_key(inputs_sha256: str, recipe: Recipe, networks: Sequence[NetworkId]) -> str:
    """Hex sha256 of inputs_key, the recipe, the weights and this package's code."""
    weights = [[network.name, network.sha256] for network in networks]
    return _digest([FORMAT, inputs_sha256, asdict(recipe), weights, code_digest()])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
