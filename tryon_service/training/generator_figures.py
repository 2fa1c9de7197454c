"""What a generator is worth on pairs, and sheets of them to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from tryon_service.evaluation.ssim import ssim
from tryon_service.renderers.nets.generator_input import HALF, to_picture
from tryon_service.training.generator_losses import pixel_losses
from tryon_service.training.generator_samples import Batch, Pairs, batch_of
from tryon_service.training.pictures import tiled
from tryon_service.types import UInt8Array

T = TypeVar("T")

COLUMNS = 3
"""Pairs side by side on a sheet."""


Draw = Callable[[nn.Module, Batch], Tensor]


@torch.no_grad()
def judged(
    draw: Draw, net: nn.Module, pairs: Pairs, device: torch.device, shown: int
) -> tuple[dict[str, float], UInt8Array]:
    """(means over the pairs, a sheet of so many of them). net: in evaluation mode.

    "inside", "outside": as pixel_losses has them, in levels of 255; "ssim": of the whole picture. On the sheet each
    pair is four pictures: source, joints of the target as the network sees them, what it drew, target.
    """
    rows: list[dict[str, float]] = []
    tiles: list[UInt8Array] = []
    on_sheet = set(chosen(range(len(pairs)), shown))
    for index in range(len(pairs)):
        batch = batch_of(default_collate([pairs[index]]), device)
        drawn = draw(net, batch).float()
        found, wanted = _picture(drawn), _picture(batch.target)
        levels = {name: float(value) * HALF for name, value in pixel_losses(drawn, batch).items()}
        rows.append({**levels, "ssim": ssim(found, wanted)})
        if index in on_sheet:
            joints = 1 - 2 * batch.target_pose.amax(dim=1, keepdim=True).expand(-1, 3, -1, -1)
            tiles.append(np.hstack([_picture(batch.source), _picture(joints), found, wanted]))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}, tiled(tiles, COLUMNS)


def chosen(items: Sequence[T], count: int) -> list[T]:
    """So many of them, or all, from all over the list: neighbours are of one person."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in np.unique(places)]


def _picture(levels: Tensor) -> UInt8Array:
    return to_picture(levels[0].cpu().numpy())
