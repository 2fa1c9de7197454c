"""A dataset's samples unpacked once into one flat file, which is read as memory.

The operating system keeps as much of it in memory as fits, all worker processes share it, and a run that goes on has it
at once: a crop costs no decoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from tqdm import tqdm

from tryon_service.training.archives import write_whole
from tryon_service.training.shards import PICTURES, Dataset, Sample, Split, described, read_shard
from tryon_service.types import UInt8Array

_VERSION = 1
_COLOUR = ("rgb", "target")
"""Pictures of three channels; the others have one."""


class Decoded(Sequence[Sample]):
    """The samples of a file written by unpack; each is made of views into it."""

    def __init__(self, path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
        self._path, self._entries = path, entries
        self._bytes: UInt8Array = np.memmap(path, np.uint8, "r") if entries else np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Decoded: ...
    def __getitem__(self, index: int | slice) -> Sample | Decoded:
        if isinstance(index, slice):
            return Decoded(self._path, self._entries[index])
        entry = self._entries[index]
        start, (height, width) = entry["start"], entry["shape"]
        pictures: dict[str, UInt8Array] = {}
        for name in PICTURES:
            shape = (height, width, 3) if name in _COLOUR else (height, width)
            end = start + int(np.prod(shape))
            pictures[name] = self._bytes[start:end].reshape(shape)
            start = end
        about: dict[str, Any] = {key: entry[key] for key in ("name", "source", "kind", "hops")}
        about |= pictures
        return Sample(**about, xy=np.array(entry["xy"], np.float32), seen=np.array(entry["seen"], np.bool_))


def decoded(dataset: Dataset, split: Split, out: Path) -> Decoded:
    """One side of a dataset, from out/<split>.bin if that was made of the same shards, else unpacked into it.

    Raises InputError("invalid_option") for a shard that can't be read.
    """
    path, index = out / f"{split}.bin", out / f"{split}.json"
    paths = dataset.paths(split)
    stamp = [_VERSION, *(dataset.manifest.shards[shard.name].sha256 for shard in paths)]
    if path.exists() and index.exists():
        known = json.loads(index.read_text())
        if known["stamp"] == stamp:
            return Decoded(path, known["samples"])
    index.unlink(missing_ok=True)
    bar = tqdm(paths, desc=f"unpacking {split}", unit="shard", disable=None)
    entries = unpack((sample for shard in bar for sample in read_shard(shard)), path)
    # The index comes last: without it the file is made again.
    write_whole(index, json.dumps({"stamp": stamp, "samples": entries}).encode())
    return Decoded(path, entries)


def unpack(samples: Iterable[Sample], path: Path) -> list[dict[str, Any]]:
    """Write every sample's pictures one after the other; returns what Decoded needs to find them again."""
    entries = []
    with path.open("wb") as file:
        for sample in samples:
            entries.append({"start": file.tell(), "shape": list(sample.alpha.shape), **described(sample)})
            for name in PICTURES:
                file.write(np.ascontiguousarray(getattr(sample, name)).tobytes())
    return entries


__all__ = ["Decoded", "decoded", "unpack"]
