"""Pairs of portraits as the generators see them: unpacked once, then read as memory, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset
from tqdm import tqdm

from tryon_service.appearance.labels import ADGAN, to_adgan
from tryon_service.perception.nets.parser_input import pose_tensor
from tryon_service.retarget.pose_maps import pose_maps
from tryon_service.training.archives import write_whole
from tryon_service.training.portraits import Pair, PortraitSet
from tryon_service.training.team import Team
from tryon_service.types import Float32Array, UInt8Array

_VERSION = 1
_PLANES = 5
"""Red, green and blue over white, the matte and the classes."""


@dataclass(frozen=True)
class Batch:
    """Pairs stacked, float32. source, target: N x 3 x H x W in [-1, 1], over white; source_pose, target_pose: N x 18 x
    H x W of pose_maps; source_parsing: N x 8 x H x W, one-hot in the order of labels.ADGAN; alpha: N x 1 x H x W in
    [0, 1], the target's person; joints: N x 16 x H/4 x W/4 of the target, as the parser sees poses."""

    source: Tensor
    source_pose: Tensor
    source_parsing: Tensor
    target: Tensor
    target_pose: Tensor
    alpha: Tensor
    joints: Tensor

    def __len__(self) -> int:
        return len(self.source)

    def split(self, pieces: int) -> list[Batch]:
        """In so many parts of about the same size, or in fewer if there aren't as many pairs."""
        columns = [getattr(self, plane.name).chunk(pieces) for plane in fields(self)]
        return [Batch(*part) for part in zip(*columns, strict=True)]


class Unpacked:
    """Portraits of one size as they go into the networks, in a flat file that all processes share."""

    def __init__(self, path: Path, size: tuple[int, int], names: Sequence[str], poses: Float32Array) -> None:
        self.path, self.size = path, size
        self.numbers = {name: number for number, name in enumerate(names)}
        self.poses = poses
        """N x 51 x 3 float32: 18 rows of joints18, then 33 of landmarks, (x, y, seen) each."""

    def planes(self, name: str) -> UInt8Array:
        """H x W x 5 uint8."""
        shape = (len(self.numbers), self.size[1], self.size[0], _PLANES)
        found: NDArray[np.uint8] = np.memmap(self.path, np.uint8, "r", shape=shape)[self.numbers[name]]
        return found

    def pose(self, name: str) -> tuple[Float32Array, Float32Array]:
        """(18 x 3 joints18, 33 x 3 landmarks), rows of (x, y, seen)."""
        rows = self.poses[self.numbers[name]]
        return rows[:18], rows[18:]


def unpacked(people: PortraitSet, names: Sequence[str], out: Path, team: Team) -> Unpacked:
    """The portraits of these names from out/portraits.bin if that was made of the same set, else unpacked into it by
    the first of the processes. Raises InputError("invalid_option") for a shard that can't be read."""
    path, index = out / "portraits.bin", out / "portraits.json"
    stamp = [_VERSION, people.digest, list(names)]
    if team.leads and not (path.exists() and index.exists() and json.loads(index.read_text())["stamp"] == stamp):
        index.unlink(missing_ok=True)
        rows = _unpack(people, names, path)
        # The index comes last: without it the file is made again.
        write_whole(index, json.dumps({"stamp": stamp, "poses": rows}).encode())
    team.wait()
    poses = np.array(json.loads(index.read_text())["poses"], np.float32)
    return Unpacked(path, people.size, names, poses)


def _unpack(people: PortraitSet, names: Sequence[str], path: Path) -> list[list[list[float]]]:
    """Write every portrait's planes one after the other; returns Unpacked.poses."""
    classes, poses = to_adgan(), []
    with path.open("wb") as file:
        for name in tqdm(names, desc="unpacking", unit="portrait", disable=None):
            portrait = people.read(name)
            file.write(np.dstack([portrait.over_white(), portrait.matte, classes[portrait.parsing]]).tobytes())
            landmarks = np.column_stack([portrait.landmarks, portrait.seen])
            poses.append(np.vstack([portrait.joints18, landmarks]).astype(np.float64).tolist())
    return poses


class Pairs(Dataset[tuple[Tensor, ...]]):
    """Pairs as tensors of as few bytes as may be; batch_of makes a Batch of several."""

    def __init__(self, people: Unpacked, pairs: Sequence[Pair], pose_encoding: str) -> None:
        self._people, self._pairs, self._encoding = people, pairs, pose_encoding

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        pair, people = self._pairs[index], self._people
        (source_joints, _), (target_joints, landmarks) = people.pose(pair.source), people.pose(pair.target)
        parts = (
            people.planes(pair.source),
            pose_maps(self._encoding, source_joints, people.size),
            people.planes(pair.target),
            pose_maps(self._encoding, target_joints, people.size),
            pose_tensor(landmarks[:, :2], landmarks[:, 2] > 0, people.size),
        )
        return tuple(torch.from_numpy(np.array(part)) for part in parts)


def batch_of(parts: Sequence[Tensor], device: torch.device) -> Batch:
    """The stacked tensors of Pairs on the device."""
    source, source_pose, target, target_pose, joints = (part.to(device, non_blocking=True) for part in parts)
    pictures = [planes[..., :3].permute(0, 3, 1, 2).float() / 127.5 - 1 for planes in (source, target)]
    parsing = functional.one_hot(source[..., 4].long(), len(ADGAN)).permute(0, 3, 1, 2).float()
    alpha = target[..., 3].unsqueeze(1).float() / 255
    return Batch(pictures[0].contiguous(), source_pose, parsing, pictures[1].contiguous(), target_pose, alpha, joints)


def batches(length: int, wanted: int, size: int, seed: Sequence[int]) -> list[list[int]]:
    """Indices below length in batches of this size, so many altogether: one shuffled pass after the other, and what
    fills no batch is left out. At least one batch."""
    rng = np.random.default_rng(seed)
    passes = -(-max(wanted, size) // length)
    order = np.concatenate([rng.permutation(length) for _ in range(passes)]).tolist()
    return [order[start : start + size] for start in range(0, max(wanted // size, 1) * size, size)]
