"""Drawn figures as training samples: the drawing is the truth, and places are torn out of it or smeared."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.renderers.nets.refine_input import over_grey
from tryon_service.renderers.permission import GAP
from tryon_service.training.shards import (
    Kind,
    Manifest,
    Sample,
    ShardEntry,
    Split,
    write_manifest,
    write_shard,
)
from tryon_service.types import Size

SIZE = (96, 128)
"""(width, height) of the drawings."""


def torn_figure(seed: int, kind: Kind = "other", size: Size = SIZE) -> Sample:
    """A figure with six tears as wide as may be closed and three places that count as completed."""
    rng = np.random.default_rng(seed)
    outfits = list(OUTFITS.values())
    figure = draw_figure("standing" if seed % 2 else "arms_out", outfits[seed % len(outfits)], size, seed=seed)
    truth_alpha = np.rint(figure.matte * 255).astype(np.uint8)
    rgb, alpha, coverage = figure.photo.copy(), truth_alpha.copy(), np.full_like(truth_alpha, 255)
    inside = np.argwhere(truth_alpha > 250)
    for index in range(9):
        y, x = (int(at) for at in inside[rng.integers(len(inside))])
        place = np.zeros_like(alpha)
        if index % 3:
            cv2.line(place, (x - 6, y - 3), (x + 6, y + 3), 255, max(round(GAP * size[1]) - 1, 1))
            alpha[place > 0] = 0
        else:
            cv2.circle(place, (x, y), 4, 255, -1)
            rgb[place > 0] = rgb[place > 0].mean(axis=0).astype(np.uint8)
            coverage[place > 0] = 0
    return Sample(
        name=f"ccp/{seed:04d}",
        source="ccp",
        kind=kind,
        hops=1,
        rgb=over_grey(rgb, alpha / np.float32(255)),
        alpha=alpha,
        coverage=coverage,
        parsing=np.where(alpha > 127, figure.parsing, np.uint8(0)),
        xy=figure.keypoints.xy.astype(np.float32),
        seen=figure.keypoints.seen,
        target=over_grey(figure.photo, truth_alpha / np.float32(255)),
        target_alpha=truth_alpha,
        target_parsing=figure.parsing,
    )


def write_dataset(folder: Path, train: int = 6, held: int = 2) -> Path:
    """A finished dataset of torn figures, one shard a side; the last held one is of two photos."""
    folder.mkdir(exist_ok=True)
    shards = {}
    sides: dict[Split, range] = {"train": range(train), "held": range(train, train + held)}
    for split, seeds in sides.items():
        samples = [torn_figure(seed, "real" if seed == train + held - 1 else "other") for seed in seeds]
        digest = write_shard(folder / f"{split}.zip", samples)
        counts = {f"ccp {kind}": sum(s.kind == kind for s in samples) for kind in ("other", "real")}
        shards[f"{split}.zip"] = ShardEntry(digest, split, tuple(s.name for s in samples), counts, {})
    write_manifest(folder, Manifest(code="", options={}, shards=shards, finished=True))
    return folder
