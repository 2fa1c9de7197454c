"""The photos that benchmarks run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

PHOTOS = Path(__file__).parents[2] / "../shared/data"
MODELS, SHOPPERS = 4, 6


@dataclass(frozen=True)
class Pair:
    """Bytes of a shopper's and of a product's photo."""

    shopper: bytes
    product: bytes


def pairs() -> list[Pair]:
    """Real photos where there are some, else drawn figures of 768 x 1024."""
    models = sorted((PHOTOS / "models").glob("*.jpg"))[::5][:MODELS]
    shoppers = sorted((PHOTOS / "ccp" / "unlabelled").glob("*.jpg"))[::60][:SHOPPERS]
    if models and shoppers:
        return [Pair(shopper.read_bytes(), model.read_bytes()) for model in models for shopper in shoppers]
    product = encode(draw_figure("standing", OUTFITS["print_tee"]).photo, "jpeg")
    poses = ("hand_on_hip", "contrapposto", "arms_out")
    return [Pair(encode(draw_figure(pose, OUTFITS["striped_long"]).photo, "jpeg"), product) for pose in poses]
