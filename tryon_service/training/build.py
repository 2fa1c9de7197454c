"""A dataset of there-and-back pictures from a folder of photos, by several processes; an interrupted build goes on.

Nothing in it depends on when, in what order or by how many processes it is made: photos go to shards by their names,
and whatever is random about a photo follows from its name too.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

import tryon_service
from tryon_service.errors import InputError
from tryon_service.training.makers import Yield, make_samples, maker_pool, name_seed, write_poses
from tryon_service.training.photos import PhotoFile, find_photos
from tryon_service.training.shards import (
    MANIFEST,
    Manifest,
    Sample,
    ShardEntry,
    check_shard,
    read_manifest,
    write_manifest,
    write_shard,
)

PHOTOS = 16
"""Photos to a shard: what an interruption may cost, and what is read at once."""
POSES = 400
"""People whose poses the photos take on the way."""
POSES_FILE = "poses.json"
MAKERS = (
    *("types.py", "verdict.py", "analysis.py", "request.py"),
    *("imaging", "perception", "retarget", "appearance", "renderers", "poses"),
    *(
        f"training/{name}.py"
        for name in ("archives", "build", "limb_moves", "makers", "photos", "shards", "stops", "there_and_back")
    ),
)
"""Whatever of the package has a hand in a sample."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to build. limit: only so many photos; per_photo: there-and-back samples of each, at most."""

    limit: int | None = None
    per_photo: int = 2

    def chosen(self, photos: Sequence[PhotoFile]) -> list[PhotoFile]:
        """Shuffled by name, so that any few of them are some of everything."""
        return sorted(photos, key=lambda photo: name_seed(photo.name))[: self.limit]

    def shards(self, photos: Sequence[PhotoFile]) -> dict[str, list[PhotoFile]]:
        """The chosen photos by the name of their shard."""
        out: dict[str, list[PhotoFile]] = {}
        for split in ("held", "train"):
            mine = [photo for photo in self.chosen(photos) if photo.split == split]
            out |= {f"{split}-{i // PHOTOS:04d}.zip": mine[i : i + PHOTOS] for i in range(0, len(mine), PHOTOS)}
        return out


def build_there_and_back(data: Path, out: Path, plan: Plan, workers: int = 2) -> Manifest:
    """Write what is missing of the dataset and return its manifest. Shards that are there and whole are kept.

    data: folder with ccp/, store/ and two_poses/, or some of them; workers: processes. Photos that give no sample are
    counted by error code. Raises InputError("invalid_option") for a folder without photos, and for one that holds a
    dataset built from other code or of another plan.
    """
    photos = find_photos(data)
    manifest = _begun(out, Manifest(code_digest(), {"limit": plan.limit, "per_photo": plan.per_photo}))
    shards = plan.shards(photos)
    missing = {name: mine for name, mine in shards.items() if not _whole(out, name, manifest)}
    kept = {name: entry for name, entry in manifest.shards.items() if name in shards and name not in missing}
    manifest = replace(manifest, shards=kept, finished=not missing)
    write_manifest(out, manifest)
    if not missing:
        return manifest
    with maker_pool(workers) as pool:
        poses = out / POSES_FILE
        if not poses.exists():
            write_poses(pool, poses, plan.chosen(photos)[:POSES])
        todo = [photo for mine in missing.values() for photo in mine]
        made = pool.map(partial(make_samples, poses, plan.per_photo), todo)
        with tqdm(total=len(todo), desc="there and back", unit="photo", disable=None) as bar:
            for name, mine in missing.items():
                entry = _write(out / name, mine, counted(islice(made, len(mine)), bar))
                manifest = replace(manifest, shards={**manifest.shards, name: entry})
                write_manifest(out, manifest)
    manifest = replace(manifest, finished=True)
    write_manifest(out, manifest)
    return manifest


def code_digest(makers: Iterable[str] = MAKERS) -> str:
    """Sixteen hex digits that change with any source file that has a hand in a sample. makers: files and folders of the
    package."""
    root = Path(tryon_service.__file__).parent
    files = [path for maker in makers for path in sorted((root / maker).rglob("*.py")) or [root / maker]]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _begun(out: Path, wanted: Manifest) -> Manifest:
    """The manifest of what is there already, or the empty one."""
    if not (out / MANIFEST).exists():
        return wanted
    found = read_manifest(out)
    check_continues(out, (found.code, found.options), (wanted.code, wanted.options))
    return found


def check_continues(out: Path, found: tuple[str, object], wanted: tuple[str, object]) -> None:
    """Raises InputError("invalid_option") if what is in the folder was built from other code or with other options.
    found, wanted: (code's digest, options)."""
    for what, there, here in zip(("code", "options"), found, wanted, strict=True):
        if there != here:
            detail = f"{str(out)!r} was built with {what} {there}, not {here}; give another folder."
            raise InputError("invalid_option", detail, "--out")


def _whole(out: Path, name: str, manifest: Manifest) -> bool:
    try:
        if name in manifest.shards:
            check_shard(out, name, manifest)
            return True
    except InputError as error:
        logger.warning("%s It is made again.", error)
    return False


def _write(path: Path, photos: Sequence[PhotoFile], made: Iterator[Yield]) -> ShardEntry:
    samples: list[Sample] = []
    failures: Counter[str] = Counter()
    for found, codes in made:
        samples += found
        failures += codes
    counts = Counter(f"{sample.source} {sample.kind}" for sample in samples)
    names = tuple(photo.name for photo in photos)
    return ShardEntry(write_shard(path, samples), photos[0].split, names, dict(counts), dict(failures))


def counted(made: Iterator[T], bar: tqdm) -> Iterator[T]:
    """Moves the bar on with each."""
    for one in made:
        bar.update()
        yield one
