"""The shop's own catalogue: the words are in drawn.csv, the photos are drawn when they are needed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tryon_service.figures.canvas import Colour

SIZE = (768, 1024)
"""Pixels of a photo, width and height."""
PAPER: Colour = (240, 238, 234)
"""The studio's backdrop, as light as the shop's pages."""
MODELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "star-tee": ("print_tee", "standing"),
        "harbour-stripe": ("striped_long", "contrapposto"),
        "timber-check": ("checked_shirt", "standing"),
        "lagoon-tank": ("tank_shorts", "standing"),
        "sunday-tee": ("tee_skirt", "contrapposto"),
        "picnic-dress": ("summer_dress", "contrapposto"),
        "ember-tank": ("sport", "standing"),
        "meadow-stripe": ("striped_tee", "standing"),
    }
)
"""Outfit and pose of the figure that wears it, by product."""


def draw_catalogue(folder: Path) -> Path:
    """Write photos and catalogue.csv into a folder; the path of the latter. Same bytes every time."""
    from tryon_service.figures import OUTFITS, draw_figure
    from tryon_service.imaging.encode import encode

    folder.mkdir(parents=True, exist_ok=True)
    for seed, (product_id, (outfit, pose)) in enumerate(MODELS.items()):
        photo = draw_figure(pose, OUTFITS[outfit], SIZE, PAPER, seed).photo
        (folder / f"{product_id}.jpg").write_bytes(encode(photo, "jpeg"))
    return Path(shutil.copy(Path(__file__).with_suffix(".csv"), folder / "catalogue.csv"))
