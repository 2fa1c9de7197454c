"""A dataset of portraits and pairs from whatever a shop has, by several processes; an interrupted build goes on.

A source (pair_sources.py, video_pairs.py, deepfashion.py) says which photos there are and, once their portraits are
made, which of them are pairs. Nothing depends on when, in what order or by how many processes it is made.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np
from tqdm import tqdm

from tryon_service.analysis import Analyst
from tryon_service.errors import InputError
from tryon_service.perception.named_view import NamedView
from tryon_service.perception.perceive import perceive
from tryon_service.renderers.portrait import PortraitFrame
from tryon_service.training.archives import check_digest
from tryon_service.training.build import check_continues, code_digest, counted
from tryon_service.training.makers import analyst, failing, maker_pool, name_seed
from tryon_service.training.portraits import (
    MANIFEST,
    Pair,
    Portrait,
    PortraitManifest,
    PortraitSet,
    PortraitShard,
    PortraitSource,
    read_manifest,
    write_manifest,
    write_portraits,
)
from tryon_service.training.shards import Split
from tryon_service.types import Person, Photo, Size, ViewName

SHARD = 32
"""Photos to a shard: what an interruption may cost."""
HELD = 0.1
"""Share of the owners that is kept aside to judge by."""
MAKERS = (
    *("types.py", "verdict.py", "analysis.py", "imaging", "perception", "retarget", "appearance", "poses"),
    *(f"renderers/{name}.py" for name in ("portrait", "warp", "carriers", "canvas", "turn")),
    *(
        f"training/{name}.py"
        for name in (
            *("archives", "deepfashion", "makers", "pair_guard", "pair_sources", "pairs", "portraits"),
            *("stops", "there_and_back", "video_pairs"),
        )
    ),
)
"""Whatever of the package has a hand in a portrait or a pair."""

logger = logging.getLogger(__name__)


class Shot(Protocol):
    """One photo to make a portrait of. name: unique; owner, split: as in Portrait and PortraitShard."""

    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def split(self) -> Split: ...

    def portrait(self, analyst: Analyst, size: Size) -> Portrait:
        """Raises InputError and RefusedError for a photo that gives none."""
        ...


class PairSource(Protocol):
    @property
    def options(self) -> Mapping[str, Any]:
        """What the dataset is made of, as JSON; one that was begun with other options isn't gone on with."""
        ...

    def shots(self) -> Sequence[Shot]:
        """Raises InputError("invalid_option") if there are none."""
        ...

    def pairs(self, people: PortraitSet, split: Split) -> tuple[list[Pair], dict[str, str]]:
        """Of the portraits that could be made, and "source > target" of those that should have been with why not."""
        ...


def build_pairs(source: PairSource, out: Path, size: Size, workers: int = 2) -> PortraitManifest:
    """Write what is missing of the dataset and return its manifest. Shards that are there and whole are kept.

    size: (width, height) of the portraits; workers: processes. Raises as the source does, and
    InputError("invalid_option") for a folder with a dataset built from other code or with other options.
    """
    shards = _in_shards(source.shots())
    options = {**source.options, "size": list(size)}
    manifest = _begun(out, PortraitManifest(size, code_digest(MAKERS), options))
    missing = {name: mine for name, mine in shards.items() if not _whole(out, name, mine, manifest)}
    kept = {name: manifest.shards[name] for name in shards if name not in missing}
    if kept == manifest.shards and not missing and manifest.finished:
        return manifest
    manifest = replace(manifest, shards=kept, pairs={}, dropped_pairs={}, finished=False)
    write_manifest(out, manifest)
    if missing:
        manifest = _made(manifest, missing, out, workers)
    manifest = _paired(manifest, source, out)
    write_manifest(out, manifest)
    return manifest


def make_portrait(size: Size, shot: Shot) -> Portrait | str:
    """In a process of maker_pool: the portrait, or the code of the error that stands in its way."""
    made: list[Portrait] = []
    codes: Counter[str] = Counter()
    with failing(shot.name, codes):
        made.append(shot.portrait(analyst(), size))
    return made[0] if made else next(iter(codes))


def person_in(photo: Photo, shot: Shot, analyst: Analyst, view: ViewName | None = None) -> Person:
    """The one person in the photo. view: believed where the pose is unsure. Raises RefusedError."""
    pose = NamedView(analyst.pose, view) if view else analyst.pose
    return perceive(photo, role=shot.name, pose=pose, matter=analyst.matter, parser=analyst.parser)


def portrait_of(
    person: Person, frame: PortraitFrame, shot: Shot, source: PortraitSource, view: ViewName | None = None
) -> Portrait:
    """What the frame shows of the photo and of what is known about it."""
    return Portrait(
        shot.name,
        source,
        shot.owner,
        view,
        rgb=frame.cut(person.photo.rgb),
        matte=np.asarray(np.rint(frame.cut_mask(person.matte) * 255), np.uint8),
        parsing=frame.cut_mask(person.parsing),
        landmarks=frame.points(person.keypoints.xy),
        seen=person.keypoints.seen,
    )


def chosen(owners: Sequence[str], limit: int | None) -> list[str]:
    """So many of them, the same ones each time, in a fixed order that is no order of names."""
    return sorted(set(owners), key=name_seed)[:limit]


def held_back(owners: Sequence[str]) -> frozenset[str]:
    """Those that are never trained on: HELD of them, and one at least where there are several."""
    several = chosen(owners, None)
    return frozenset(several[: max(round(HELD * len(several)), 1)] if len(several) > 1 else ())


def _in_shards(shots: Sequence[Shot]) -> dict[str, list[Shot]]:
    out: dict[str, list[Shot]] = {}
    for split in get_args(Split):
        mine = [shot for shot in shots if shot.split == split]
        out |= {f"{split}-{i // SHARD:05d}.zip": mine[i : i + SHARD] for i in range(0, len(mine), SHARD)}
    return dict(sorted(out.items()))


def _begun(out: Path, wanted: PortraitManifest) -> PortraitManifest:
    """The manifest of what is there already, or the empty one."""
    if not (out / MANIFEST).exists():
        return wanted
    found = read_manifest(out)
    check_continues(out, (found.code, found.options), (wanted.code, wanted.options))
    return found


def _whole(out: Path, name: str, shots: Sequence[Shot], manifest: PortraitManifest) -> bool:
    """Whether the shard is there as it was written, of these very photos."""
    entry = manifest.shards.get(name)
    if entry is None or sorted((*entry.portraits, *entry.dropped)) != sorted(shot.name for shot in shots):
        return False
    try:
        check_digest(out / name, entry.sha256)
    except InputError as error:
        logger.warning("%s It is made again.", error)
        return False
    return True


def _made(
    manifest: PortraitManifest, missing: Mapping[str, Sequence[Shot]], out: Path, workers: int
) -> PortraitManifest:
    """With the missing shards, each of them in the manifest on disk as soon as it is there."""
    todo = [shot for mine in missing.values() for shot in mine]
    with maker_pool(workers) as pool, tqdm(total=len(todo), desc="portraits", unit="photo", disable=None) as bar:
        made = pool.map(partial(make_portrait, manifest.size), todo)
        for name, mine in missing.items():
            entry = _write(out / name, mine, counted(islice(made, len(mine)), bar))
            manifest = replace(manifest, shards=dict(sorted({**manifest.shards, name: entry}.items())))
            write_manifest(out, manifest)
    return manifest


def _write(path: Path, shots: Sequence[Shot], made: Iterator[Portrait | str]) -> PortraitShard:
    portraits: list[Portrait] = []
    dropped: dict[str, str] = {}
    for shot, found in zip(shots, made, strict=True):
        if isinstance(found, str):
            dropped[shot.name] = found
        else:
            portraits.append(found)
    names = tuple(portrait.name for portrait in portraits)
    return PortraitShard(write_portraits(path, portraits), shots[0].split, names, dropped)


def _paired(manifest: PortraitManifest, source: PairSource, out: Path) -> PortraitManifest:
    pairs: dict[Split, tuple[Pair, ...]] = {}
    dropped: dict[str, str] = {}
    for split in get_args(Split):
        found, refused = source.pairs(PortraitSet(out, manifest), split)
        pairs[split] = tuple(found)
        dropped |= refused
    return replace(manifest, pairs=pairs, dropped_pairs=dropped, finished=True)
