"""Datasets of drawn figures: the same outfits in several poses are pairs, and the drawing is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.renderers.portrait import PortraitFrame
from tryon_service.training.portraits import (
    Pair,
    Portrait,
    PortraitManifest,
    PortraitShard,
    PortraitSource,
    write_manifest,
    write_portraits,
)
from tryon_service.training.shards import Split
from tryon_service.types import Size

POSES = ("standing", "arms_out")
DRAWN: Size = (288, 384)
"""(width, height) of the drawings that portraits are cut from."""


def drawn_portrait(name: str, outfit: int, pose: str, size: Size, source: PortraitSource = "catalogue") -> Portrait:
    outfits = list(OUTFITS.values())
    figure = draw_figure(pose, outfits[outfit % len(outfits)], DRAWN, seed=outfit)
    frame = PortraitFrame.of(figure.keypoints, size, DRAWN)
    matte = np.rint(frame.cut_mask(figure.matte) * 255).astype(np.uint8)
    parsing = frame.cut_mask(figure.parsing)
    landmarks = frame.points(figure.keypoints.xy).astype(np.float32)
    seen = figure.keypoints.seen
    return Portrait(name, source, str(outfit), "front", frame.cut(figure.photo), matte, parsing, landmarks, seen)


def write_people(folder: Path, size: Size, train: int = 3, held: int = 1, poses: Sequence[str] = POSES) -> Path:
    """A finished dataset, one shard a side: so many outfits, each in every pose, and all pairs of poses."""
    folder.mkdir(parents=True, exist_ok=True)
    sides: dict[Split, range] = {"train": range(train), "held": range(train, train + held)}
    shards, pairs = {}, {}
    for split, outfits in sides.items():
        people = [drawn_portrait(f"{o}/{pose}", o, pose, size) for o in outfits for pose in poses]
        digest = write_portraits(folder / f"{split}.zip", people)
        shards[f"{split}.zip"] = PortraitShard(digest, split, tuple(person.name for person in people), {})
        pairs[split] = tuple(Pair(f"{o}/{a}", f"{o}/{b}", "views") for o in outfits for a, b in permutations(poses, 2))
    write_manifest(folder, PortraitManifest(size, "drawn", {}, shards, pairs, {}, finished=True))
    return folder
