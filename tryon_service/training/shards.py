"""Pictures with their truth, on disk: shards of a few samples each, and a manifest that says what is in the dataset.

    for path in open_dataset(folder).paths("train"):
        for sample in read_shard(path): ...

A shard is a zip of PNGs, seven to a sample, and one JSON file: lossless, and reading it runs no code of the file's. The
manifest is written anew after each shard, so an interrupted build knows what it has.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from tryon_service.training.archives import (
    check_digest,
    read_archive,
    read_index,
    read_pictures,
    unfit,
    write_archive,
    write_whole,
)
from tryon_service.types import BoolArray, Float32Array, UInt8Array

SourceName = Literal["ccp", "store", "two_poses"]
Kind = Literal["other", "jitter", "real"]
Split = Literal["train", "held"]

FORMAT = 1
"""Changes with the meaning of anything in a shard."""
SIDE = 512
"""Height of every sample in pixels."""
PICTURES = ("rgb", "alpha", "coverage", "parsing", "target", "target_alpha", "target_parsing")
"""The fields of a sample that are kept as PNG, under these names."""
INDEX, MANIFEST = "samples.json", "manifest.json"


@dataclass(frozen=True)
class Sample:
    """A person as a renderer draws them and as they should be, cut to the matte's box and a tenth more.

    H is SIDE, W a multiple of refine_input.MULTIPLE; pictures lie over refine_input.GREY, as the network sees them.

    name: of the photo, with its source: "ccp/0025". source: where it came from. kind: of the pose on the way, another
    person's or the own with its limbs moved; "real" is no way back but the same person photographed again, so it lies
    on its target only roughly. hops: renders between photo and input.
    rgb: H x W x 3 uint8, over grey; alpha, coverage: H x W uint8, 255 is one; parsing: H x W uint8 Part ids.
    xy: 33 x 2 float32, the pose in pixels of the sample; seen: 33 bool.
    target: H x W x 3 uint8, the photo's person, the background's share of its edge taken out, over grey; target_alpha:
    H x W uint8, the photo's matte; target_parsing: H x W uint8.
    """

    name: str
    source: SourceName
    kind: Kind
    hops: int
    rgb: UInt8Array
    alpha: UInt8Array
    coverage: UInt8Array
    parsing: UInt8Array
    xy: Float32Array
    seen: BoolArray
    target: UInt8Array
    target_alpha: UInt8Array
    target_parsing: UInt8Array


@dataclass(frozen=True)
class ShardEntry:
    """What the manifest knows of a shard. split: the side that all of it is on. photos: names of those it was made of,
    also of those that gave no sample. samples: counts by "source kind". failures: photos that gave none, by code."""

    sha256: str
    split: Split
    photos: tuple[str, ...]
    samples: Mapping[str, int]
    failures: Mapping[str, int]


@dataclass(frozen=True)
class Manifest:
    """code: digest of the code that made the samples. options: what the build was asked for. shards: by file name.
    finished: whether that is all of them."""

    code: str
    options: Mapping[str, int | str | None]
    shards: Mapping[str, ShardEntry] = field(default_factory=dict)
    finished: bool = False
    format: int = FORMAT
    side: int = SIDE

    def counts(self, split: Split) -> dict[str, int]:
        """Samples by "source kind"."""
        return _sum(entry.samples for entry in self.shards.values() if entry.split == split)

    @property
    def failures(self) -> dict[str, int]:
        """Photos that gave no sample, by error code."""
        return _sum(entry.failures for entry in self.shards.values())


@dataclass(frozen=True)
class Dataset:
    """A finished dataset whose files are all there and whole."""

    folder: Path
    manifest: Manifest

    def paths(self, split: Split) -> list[Path]:
        """The shards of one side, in order."""
        return [self.folder / name for name, entry in self.manifest.shards.items() if entry.split == split]

    def names(self, split: Split) -> list[str]:
        """The photos of one side."""
        return [name for entry in self.manifest.shards.values() if entry.split == split for name in entry.photos]


def open_dataset(folder: Path) -> Dataset:
    """Reads every shard once to compare its digest. Raises InputError("invalid_option") naming what is wrong: no or
    another version's manifest, an unfinished build, a shard that is missing, truncated or changed."""
    manifest = read_manifest(folder)
    if not manifest.finished:
        raise unfit(f"{str(folder)!r} isn't finished; give the command that builds it again")
    for name in manifest.shards:
        check_shard(folder, name, manifest)
    return Dataset(folder, manifest)


def check_shard(folder: Path, name: str, manifest: Manifest) -> None:
    """Raises InputError("invalid_option") unless the shard is the very file that the manifest means."""
    check_digest(folder / name, manifest.shards[name].sha256)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """With the counts, for people; they aren't read back."""
    counts = {split: manifest.counts(split) for split in get_args(Split)}
    in_order = replace(manifest, shards=dict(sorted(manifest.shards.items())))
    value = {**asdict(in_order), "counts": counts, "failures": manifest.failures}
    write_whole(folder / MANIFEST, (json.dumps(value, indent=1) + "\n").encode())


def read_manifest(folder: Path) -> Manifest:
    """Raises InputError("invalid_option") if there is none, or not one of this version."""
    try:
        value = json.loads((folder / MANIFEST).read_bytes())
        found = {name: value[name] for name in ("format", "side")}
        if found != {"format": FORMAT, "side": SIDE}:
            raise unfit(f"{str(folder)!r} has {found}, this version reads format {FORMAT} and side {SIDE}")
        shards = {
            name: ShardEntry(e["sha256"], e["split"], tuple(e["photos"]), dict(e["samples"]), dict(e["failures"]))
            for name, e in value["shards"].items()
        }
        return Manifest(str(value["code"]), dict(value["options"]), shards, bool(value["finished"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unfit(f"{str(folder)!r} holds no {MANIFEST} of a dataset: {error}") from error


def write_shard(path: Path, samples: Sequence[Sample]) -> str:
    """The hex sha256 of the file, which appears whole or not at all. The same samples give the same bytes."""
    pictures = [{plane: getattr(sample, plane) for plane in PICTURES} for sample in samples]
    return write_archive(path, pictures, INDEX, {"format": FORMAT, "samples": [described(s) for s in samples]})


def read_shard(path: Path) -> list[Sample]:
    """Raises InputError("invalid_option") naming the file if it can't be read as a shard of this version."""

    def samples(archive: zipfile.ZipFile) -> list[Sample]:
        index = read_index(archive, INDEX, FORMAT)
        return [_sample(archive, number, entry) for number, entry in enumerate(index["samples"])]

    return read_archive(path, samples)


def described(sample: Sample) -> dict[str, Any]:
    """Everything but the pictures, as JSON; a float32 survives the way through a JSON number exactly."""
    return {
        "name": sample.name,
        "source": sample.source,
        "kind": sample.kind,
        "hops": sample.hops,
        "xy": sample.xy.astype(np.float64).tolist(),
        "seen": sample.seen.tolist(),
    }


def _sample(archive: zipfile.ZipFile, number: int, entry: Mapping[str, Any]) -> Sample:
    """Whatever is wrong with it raises one of Python's own errors."""
    pictures = read_pictures(archive, number, PICTURES)
    shapes = {plane: picture.shape for plane, picture in pictures.items()}
    size = pictures["alpha"].shape[:2]
    wanted = {plane: (*size, 3) if plane in ("rgb", "target") else size for plane in PICTURES}
    xy, seen = np.array(entry["xy"], np.float32), np.array(entry["seen"], np.bool_)
    known = entry["source"] in get_args(SourceName) and entry["kind"] in get_args(Kind)
    if shapes != wanted or xy.shape != (33, 2) or seen.shape != (33,) or not np.isfinite(xy).all() or not known:
        raise ValueError(f"sample {number} doesn't fit together")
    return Sample(str(entry["name"]), entry["source"], entry["kind"], int(entry["hops"]), xy=xy, seen=seen, **pictures)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """By name."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
