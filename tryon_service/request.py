"""What goes into the pipeline: a request, its photos as bytes or already analysed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from tryon_service.appearance.look import ATTRIBUTES
from tryon_service.errors import InputError
from tryon_service.poses.pose import Pose
from tryon_service.retarget.outline import Outline, trace
from tryon_service.types import Appearance, Person, Size, ViewName

Frame = Literal["product", "shopper"]
MinVerdict = Literal["accepted", "doubtful"]
Lender = int | Literal["shopper"]
"""Who lends an attribute: a product photo, counted from 0, or the shopper."""


@dataclass(frozen=True)
class Product:
    """One analysed product photo: everything about it that depends on no shopper.

    renderer: name of the renderer that `prepared` belongs to; timings_ms: what the analysis took, by step.
    """

    appearance: Appearance
    prepared: Any
    renderer: str
    timings_ms: Mapping[str, float]

    @property
    def person(self) -> Person:
        return self.appearance.person

    @cached_property
    def outline(self) -> Outline:
        """The model's, traced for the first shopper."""
        return trace(self.person)


@dataclass(frozen=True)
class RenderRequest:
    """What a caller asks for. Raises InputError("missing_field" or "invalid_option") when built from nonsense.

    shopper: the photo's bytes, an already perceived Person, or a Pose without a photo.
    products: one or more photos of the same card as bytes, or already analysed; the one that suits best is used.
    views: which side each of them shows, None where unknown; empty or as many as products.
    background: "product", "shopper" (which needs the photo), "transparent" or "#rrggbb".
    frame: "product" keeps the card's frame and the model's proportions;
        "shopper" puts the model on the shopper's joints.
    size: (width, height) the picture must fit inside; aspect kept, never enlarged; None for the photo's own.
    renderer: its registry name, empty for the pipeline's default.
    look: by attribute (appearance/look.py), who lends it; the rest comes from the product photo that is used. Only
        renderers whose info says so take one.
    min_verdict: the weakest verdict that still gets a picture.
    deadline: a moment of time.monotonic() after which the answer is of no use; None for never.
    """

    shopper: bytes | Person | Pose
    products: tuple[bytes | Product, ...]
    views: tuple[ViewName | None, ...] = ()
    background: str = "product"
    frame: Frame = "product"
    size: Size | None = None
    renderer: str = ""
    look: Mapping[str, Lender] = field(default_factory=dict)
    min_verdict: MinVerdict = "doubtful"
    deadline: float | None = None

    def __post_init__(self) -> None:
        if not self.products:
            raise InputError("missing_field", "At least one product photo is needed.", "product")
        if self.views and (len(self.views) != len(self.products) or set(self.views) - {*get_args(ViewName), None}):
            raise InputError("invalid_option", f"Views are {', '.join(get_args(ViewName))}, one per product.", "views")
        if not re.fullmatch(r"product|shopper|transparent|#[0-9a-fA-F]{6}", self.background):
            raise InputError(
                "invalid_option", f"{self.background!r} is not product, shopper, transparent or #rrggbb.", "background"
            )
        if self.background == "shopper" and isinstance(self.shopper, Pose):
            raise InputError("invalid_option", "A pose has no background of its own; send the photo.", "background")
        if self.frame not in get_args(Frame):
            raise InputError("invalid_option", f"{self.frame!r} is not one of {', '.join(get_args(Frame))}.", "frame")
        if self.min_verdict not in get_args(MinVerdict):
            raise InputError("invalid_option", f"{self.min_verdict!r} is not accepted or doubtful.", "min_verdict")
        if self.size is not None and min(self.size) < 1:
            raise InputError("invalid_option", f"{self.size[0]}x{self.size[1]} has no pixels.", "size")
        for attribute, lender in self.look.items():
            if fault := self._look_fault(attribute, lender):
                raise InputError("invalid_option", fault, "look")

    def _look_fault(self, attribute: str, lender: Lender) -> str:
        """In words; empty for none."""
        last = len(self.products) - 1
        if attribute not in ATTRIBUTES:
            return f"{attribute!r} is not one of {', '.join(ATTRIBUTES)}."
        if lender == "shopper":
            return "A pose lends nothing; send the shopper's photo." if isinstance(self.shopper, Pose) else ""
        if type(lender) is not int or not 0 <= lender <= last:
            return f"{attribute} can't come from {lender!r}: product photos count from 0 to {last}, or 'shopper'."
        return ""
