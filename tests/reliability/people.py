"""The photos that the reliability suite calls with: drawn figures, or real photos of a folder."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

SIZE = (768, 1024)
CARDS, SHOPPERS, CHANGES = 3, 6, 8
POSES = ("hand_on_hip", "contrapposto", "arms_out")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class People:
    """Bytes of photos. cards: of products that stay; shoppers; changes: what other products' photos are replaced by."""

    cards: list[bytes]
    shoppers: list[bytes]
    changes: list[bytes]

    def few(self) -> People:
        """A third of each, for a service that is soon another."""
        return People(*(photos[: -(-len(photos) // 3)] for photos in (self.cards, self.shoppers, self.changes)))


def drawn(size: tuple[int, int] = SIZE) -> People:
    """Always the same."""

    def photo(pose: str, outfit: str, seed: int) -> bytes:
        return encode(draw_figure(pose, OUTFITS[outfit], size, seed=seed).photo, "jpeg")

    outfits = itertools.cycle(OUTFITS)
    return People(
        [photo("standing", next(outfits), 0) for _ in range(CARDS)],
        [photo(POSES[one % len(POSES)], next(outfits), one + 1) for one in range(SHOPPERS)],
        [photo("standing", next(outfits), one + 50) for one in range(CHANGES)],
    )


def photographed(folder: Path) -> People:
    """Real photos, always the same ones of a folder; more than enough, since not every pair can be rendered.

    Raises ValueError where the folder has too few.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    wanted = 4 * CARDS, 2 * SHOPPERS, 2 * CHANGES
    if len(files) < sum(wanted):
        raise ValueError(f"{folder} has {len(files)} photos; {sum(wanted)} are needed")
    photos = iter([file.read_bytes() for file in random.Random(0).sample(files, sum(wanted))])
    cards, shoppers, changes = (list(itertools.islice(photos, number)) for number in wanted)
    return People(cards, shoppers, changes)
