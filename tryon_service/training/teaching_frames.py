"""The frames of one person as the teaching networks see them, and what a drawn frame is worth.

Their pictures are whole frames with what is behind the person: a network of one person learns the place too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tryon_service.errors import InputError
from tryon_service.evaluation.ssim import ssim
from tryon_service.renderers.generators import TEACHING_SIZE
from tryon_service.renderers.nets.generator_input import to_levels, to_picture
from tryon_service.renderers.one_person import SHOWN
from tryon_service.training.portraits import PortraitSet, open_portraits
from tryon_service.training.shards import Split
from tryon_service.types import Float32Array, UInt8Array

Row = dict[str, float]


@dataclass(frozen=True)
class Frames:
    """One side of a dataset in memory. names: of the portraits; poses: N x 26, or N x 3 x 64 x 64, as SHOWN gives them;
    pictures: N x 64 x 64 x 3 uint8."""

    names: tuple[str, ...]
    poses: Float32Array
    pictures: UInt8Array

    def __len__(self) -> int:
        return len(self.names)

    def batch(self, chosen: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """(poses, pictures as N x 3 x 64 x 64 in [-1, 1])."""
        pictures = to_levels(self.pictures[list(chosen)])
        return torch.from_numpy(self.poses[list(chosen)]).to(device), torch.from_numpy(pictures).to(device)


def open_frames(data: Path, pose: str) -> tuple[PortraitSet, Frames, Frames]:
    """The dataset and its two sides, train and held. pose: a key of SHOWN.

    Raises InputError("invalid_option") for a dataset that doesn't open, of other sizes or empty on a side.
    """
    people = open_portraits(data)
    if people.size != TEACHING_SIZE:
        (width, height), (wanted, tall) = people.size, TEACHING_SIZE
        detail = (
            f"Its portraits are {width}x{height}; one person's networks draw {wanted}x{tall}: build it with --size."
        )
        raise InputError("invalid_option", detail, "dataset")
    return people, _frames(people, "train", pose), _frames(people, "held", pose)


def _frames(people: PortraitSet, split: Split, pose: str) -> Frames:
    portraits = [people.read(name) for name in people.portraits(split)]
    if not portraits:
        raise InputError("invalid_option", f"The dataset has no frames on the side {split!r}.", "dataset")
    poses = np.stack([SHOWN[pose](portrait.landmarks, portrait.seen) for portrait in portraits])
    return Frames(tuple(p.name for p in portraits), poses, np.stack([p.rgb for p in portraits]))


@torch.no_grad()
def drawn(net: nn.Module, frames: Frames, device: torch.device) -> UInt8Array:
    """N x 64 x 64 x 3 uint8. net: in evaluation mode."""
    poses = torch.from_numpy(frames.poses).to(device)
    return np.concatenate([to_picture(net(some).float().cpu().numpy()) for some in torch.split(poses, 64)])


def figures_of(made: UInt8Array, frames: Frames) -> tuple[Row, dict[str, Row]]:
    """(means, each frame's figures by its name). "l1": mean |difference| in levels of 255; "ssim"; "gradient_energy":
    that of the made picture by the real one's, 1 where it is just as crisp."""
    rows = {
        name: {"l1": _difference(one, real), "ssim": ssim(one, real), "gradient_energy": energy(one) / energy(real)}
        for name, one, real in zip(frames.names, made, frames.pictures, strict=True)
    }
    return {key: float(np.mean([row[key] for row in rows.values()])) for key in ("l1", "ssim", "gradient_energy")}, rows


def energy(picture: UInt8Array) -> float:
    """Mean squared difference of neighbouring pixels, across and down, of h x w x 3 uint8; more than nought."""
    values = picture.astype(np.float64)
    return float(np.square(np.diff(values, axis=0)).mean() + np.square(np.diff(values, axis=1)).mean()) + 1e-6


def _difference(one: UInt8Array, other: UInt8Array) -> float:
    return float(np.abs(one.astype(np.float64) - other).mean())
