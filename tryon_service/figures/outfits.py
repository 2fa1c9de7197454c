"""Outfits: what a figure looks like and wears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tryon_service.figures.canvas import Colour
from tryon_service.figures.cloth import Pattern
from tryon_service.types import Part

Top = Literal["t_shirt", "long_sleeve", "tank_top", "dress"]
Bottom = Literal["trousers", "shorts", "leggings", "skirt"]
HairStyle = Literal["short", "bob", "long", "bun"]


@dataclass(frozen=True)
class Outfit:
    """What a figure looks like. Colours are sRGB; accent is the pattern's second colour.

    A dress covers the trunk and the hips, so bottom is not drawn with it.
    """

    name: str = "custom"
    skin: Colour = (224, 178, 150)
    hair: Colour = (74, 50, 36)
    hair_style: HairStyle = "short"
    top: Top = "t_shirt"
    top_colour: Colour = (236, 236, 232)
    pattern: Pattern = "print"
    accent: Colour = (196, 52, 60)
    bottom: Bottom = "trousers"
    bottom_colour: Colour = (58, 74, 104)
    shoes: Colour = (236, 234, 230)

    @property
    def top_part(self) -> Part:
        return Part.DRESS if self.top == "dress" else Part.UPPER


_OUTFITS = (
    Outfit("print_tee"),
    Outfit("striped_long", (241, 202, 178), (150, 104, 58), "bob", "long_sleeve", (244, 240, 230), "stripes",
           (38, 56, 110), "trousers", (44, 46, 52), (90, 60, 40)),
    Outfit("checked_shirt", (132, 88, 62), (26, 22, 22), "short", "long_sleeve", (170, 44, 44), "checks",
           (32, 34, 44), "trousers", (150, 132, 104), (40, 36, 36)),
    Outfit("tank_shorts", (204, 152, 116), (46, 32, 26), "bun", "tank_top", (44, 132, 128), "plain",
           (250, 240, 210), "shorts", (206, 190, 160), (232, 92, 60)),
    Outfit("tee_skirt", (234, 190, 166), (112, 52, 34), "long", "t_shirt", (240, 214, 92), "plain",
           (60, 60, 60), "skirt", (40, 60, 92), (70, 44, 36)),
    Outfit("summer_dress", (172, 122, 90), (34, 26, 24), "long", "dress", (206, 72, 98), "checks",
           (246, 226, 214), "trousers", (0, 0, 0), (242, 232, 216)),
    Outfit("sport", (94, 62, 46), (20, 18, 18), "bun", "tank_top", (228, 96, 64), "print",
           (250, 250, 250), "leggings", (38, 40, 50), (232, 236, 240)),
    Outfit("striped_tee", (226, 184, 158), (190, 150, 90), "short", "t_shirt", (84, 122, 96), "stripes",
           (226, 228, 214), "shorts", (64, 66, 74), (246, 246, 246)),
)  # fmt: skip

OUTFITS: Mapping[str, Outfit] = MappingProxyType({outfit.name: outfit for outfit in _OUTFITS})
"""Ready-made outfits by name."""
