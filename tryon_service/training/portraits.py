"""Datasets of portraits and of which belong together, on disk: what the generators are trained on.

    people = open_portraits(folder)
    for pair in people.pairs("train"):
        source, target = people.read(pair.source), people.read(pair.target)

A dataset is shards (archives.py) of a few portraits each, and a manifest.json that says what is in them, which pairs
they make and what was left out. The manifest is written anew after each shard, so an interrupted build knows what it
has; pairs come last.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.skeletons import coco18
from tryon_service.renderers.portrait import over_white
from tryon_service.training.archives import (
    check_digest,
    read_archive,
    read_index,
    read_pictures,
    unfit,
    write_archive,
    write_whole,
)
from tryon_service.training.shards import Split
from tryon_service.types import BoolArray, Float32Array, Keypoints, Part, Size, UInt8Array, ViewName

PortraitSource = Literal["catalogue", "video", "deepfashion"]
PairKind = Literal["views", "self", "video", "listed", "there_and_back"]

FORMAT = 1
"""Changes with the meaning of anything in a shard or in the manifest."""
PICTURES = ("rgb", "matte", "parsing")
"""The fields of a portrait that are kept as PNG, under these names."""
INDEX, MANIFEST = "portraits.json", "manifest.json"


@dataclass(frozen=True)
class Portrait:
    """A photographed person in a frame of h x w pixels (renderers/portrait.py), the same for the whole dataset.

    name: unique in the dataset. owner: the product, video or person that it belongs to; all portraits of one are on one
    side of the split, but for a video's. view: the side it shows, None where unknown.
    rgb: h x w x 3 uint8, the photo with its background, white where the photo ends; matte: h x w uint8, 255 is the
    person; parsing: h x w uint8 Part ids. landmarks: 33 x 2 float32 (x, y) in pixels of the portrait, which may lie
    outside; seen: 33 bool.
    """

    name: str
    source: PortraitSource
    owner: str
    view: ViewName | None
    rgb: UInt8Array
    matte: UInt8Array
    parsing: UInt8Array
    landmarks: Float32Array
    seen: BoolArray

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def keypoints(self) -> Keypoints:
        """The pose without its depth: z and world are 0, visibility is 1 for what is seen."""
        flat = np.column_stack([self.landmarks, np.zeros(len(self.landmarks), np.float32)])
        return Keypoints(flat, np.zeros_like(flat), self.seen.astype(np.float32), self.seen)

    @property
    def joints18(self) -> Float32Array:
        """18 x 3 float32 rows of (x, y, seen) in the order of skeletons.COCO18."""
        return coco18(self.keypoints)

    def over_white(self) -> UInt8Array:
        """h x w x 3 uint8: the person over white, the background's share of the edge taken out."""
        share = np.asarray(self.matte / 255, np.float32)
        return over_white(decontaminate(self.rgb, share), share)


@dataclass(frozen=True)
class Pair:
    """Names of two portraits: the person of the first in the pose of the second is the second. kind: "views" and
    "video" are two photos, "listed" two that a list of pairs names, "self" is one, "there_and_back" a photo and its
    person posed by a renderer."""

    source: str
    target: str
    kind: PairKind


@dataclass(frozen=True)
class PortraitShard:
    """What the manifest knows of a shard. split: the side that all of it is on. portraits: their names, in order.
    dropped: photos that gave none, by name, with the error's code."""

    sha256: str
    split: Split
    portraits: tuple[str, ...]
    dropped: Mapping[str, str]


@dataclass(frozen=True)
class PortraitManifest:
    """size: (width, height) of every portrait. code: digest of the code that made them. options: what the build was
    asked for. shards: by file name. pairs: by split. dropped_pairs: "source > target" with why, for pairs that were
    to be had and aren't any. finished: whether that is all."""

    size: Size
    code: str
    options: Mapping[str, Any]
    shards: Mapping[str, PortraitShard] = field(default_factory=dict)
    pairs: Mapping[Split, tuple[Pair, ...]] = field(default_factory=dict)
    dropped_pairs: Mapping[str, str] = field(default_factory=dict)
    finished: bool = False
    format: int = FORMAT

    @property
    def dropped(self) -> dict[str, str]:
        """Photos that gave no portrait, with the error's code."""
        return {name: code for shard in self.shards.values() for name, code in shard.dropped.items()}


class PortraitSet:
    """The portraits of a folder, decoded as they are asked for; safe to hand to another process."""

    def __init__(self, folder: Path, manifest: PortraitManifest) -> None:
        self.folder, self.manifest = folder, manifest

    @property
    def size(self) -> Size:
        """(width, height) of every portrait."""
        return self.manifest.size

    @property
    def digest(self) -> str:
        """Hex sha256 that changes with any portrait or pair: what weights trained on the set name it by."""
        shards = {name: shard.sha256 for name, shard in self.manifest.shards.items()}
        pairs = {split: [asdict(pair) for pair in pairs] for split, pairs in self.manifest.pairs.items()}
        return hashlib.sha256(json.dumps([shards, pairs], sort_keys=True).encode()).hexdigest()

    def portraits(self, split: Split) -> list[str]:
        """The names on one side, in order."""
        return [name for shard in self.manifest.shards.values() if shard.split == split for name in shard.portraits]

    def pairs(self, split: Split) -> list[Pair]:
        return list(self.manifest.pairs.get(split, ()))

    def read(self, name: str) -> Portrait:
        """Raises InputError("invalid_option") for a name that isn't one, and for a shard that can't be read."""
        if name not in self._places:
            raise unfit(f"There is no portrait {name!r}")
        shard, number = self._places[name]

        def portrait(archive: zipfile.ZipFile) -> Portrait:
            entry = read_index(archive, INDEX, FORMAT)["portraits"][number]
            return _portrait(entry, read_pictures(archive, number, PICTURES), self.size)

        return read_archive(self.folder / shard, portrait)

    @cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        """(shard, number in it) by name."""
        return {
            name: (file, number)
            for file, shard in self.manifest.shards.items()
            for number, name in enumerate(shard.portraits)
        }


def open_portraits(folder: Path) -> PortraitSet:
    """Reads every shard once to compare its digest. Raises InputError("invalid_option") naming what is wrong: no or
    another version's manifest, an unfinished build, a shard that is missing, truncated or changed."""
    manifest = read_manifest(folder)
    if not manifest.finished:
        raise unfit(f"{str(folder)!r} isn't finished; give the command that builds it again")
    for name, shard in manifest.shards.items():
        check_digest(folder / name, shard.sha256)
    return PortraitSet(folder, manifest)


def write_manifest(folder: Path, manifest: PortraitManifest) -> None:
    in_order = replace(manifest, shards=dict(sorted(manifest.shards.items())))
    write_whole(folder / MANIFEST, (json.dumps(asdict(in_order), indent=1) + "\n").encode())


def read_manifest(folder: Path) -> PortraitManifest:
    """Raises InputError("invalid_option") if there is none, or not one of this version."""
    try:
        value = json.loads((folder / MANIFEST).read_bytes())
        if value["format"] != FORMAT:
            raise unfit(f"{str(folder)!r} has format {value['format']}, this version reads {FORMAT}")
        width, height = value["size"]
        shards = {
            name: PortraitShard(e["sha256"], e["split"], tuple(e["portraits"]), dict(e["dropped"]))
            for name, e in value["shards"].items()
        }
        pairs: dict[Split, tuple[Pair, ...]] = {
            split: tuple(Pair(**pair) for pair in value["pairs"].get(split, ())) for split in get_args(Split)
        }
        return PortraitManifest(
            (int(width), int(height)),
            str(value["code"]),
            dict(value["options"]),
            shards,
            pairs,
            dict(value["dropped_pairs"]),
            bool(value["finished"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unfit(f"{str(folder)!r} holds no {MANIFEST} of portraits: {error}") from error


def write_portraits(path: Path, portraits: Sequence[Portrait]) -> str:
    """Write a shard. The hex sha256 of the file, which appears whole or not at all; the same portraits, same bytes."""
    pictures = [{name: getattr(portrait, name) for name in PICTURES} for portrait in portraits]
    return write_archive(path, pictures, INDEX, {"format": FORMAT, "portraits": [_entry(p) for p in portraits]})


def _entry(portrait: Portrait) -> dict[str, Any]:
    """Everything but the pictures, as JSON; a float32 survives the way through a JSON number exactly."""
    return {
        "name": portrait.name,
        "source": portrait.source,
        "owner": portrait.owner,
        "view": portrait.view,
        "landmarks": portrait.landmarks.astype(np.float64).tolist(),
        "seen": portrait.seen.tolist(),
    }


def _portrait(entry: Mapping[str, Any], pictures: Mapping[str, UInt8Array], size: Size) -> Portrait:
    """Whatever is wrong with it raises one of Python's own errors."""
    landmarks, seen = np.array(entry["landmarks"], np.float32), np.array(entry["seen"], np.bool_)
    plane = size[1], size[0]
    fits = {name: picture.shape for name, picture in pictures.items()} == {
        name: (*plane, 3) if name == "rgb" else plane for name in PICTURES
    }
    fits = fits and landmarks.shape == (33, 2) and seen.shape == (33,) and bool(np.isfinite(landmarks).all())
    known = entry["source"] in get_args(PortraitSource) and entry["view"] in (None, *get_args(ViewName))
    if not fits or not known or pictures["parsing"].max(initial=0) > max(Part):
        raise ValueError(f"the portrait {entry['name']!r} doesn't fit together")
    return Portrait(
        str(entry["name"]),
        entry["source"],
        str(entry["owner"]),
        entry["view"],
        **pictures,
        landmarks=landmarks,
        seen=seen,
    )
