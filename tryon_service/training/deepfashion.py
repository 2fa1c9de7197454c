"""Pairs from DeepFashion's In-shop part as PATN and ADGAN lay it out, for those who hold its licence.

    fashion_resize/train/*.jpg, test/*.jpg      or train/ and test/ beside the lists; 256 x 256, or 176 x 256
    fasion-resize-pairs-{train,test}.csv        from,to
    fasion-resize-annotation-{train,test}.csv   name:keypoints_y:keypoints_x, lists of 18 pixels of 176 x 256, -1: none
    semantic_merge3/...                         ADGAN's parsing, one .npy a photo, if there is any

Zhu et al., "Progressive Pose Attention Transfer for Person Image Generation" (CVPR 2019); Men et al., "Controllable
Person Image Synthesis with Attribute-Decomposed GAN" (CVPR 2020). The lists' own split is kept, and so are their poses;
the matte is ours, and the parsing where there is no other.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tryon_service.analysis import Analyst
from tryon_service.appearance.labels import ADGAN, lookup, nearest_side
from tryon_service.errors import InputError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.frames import Letterbox
from tryon_service.perception.skeletons import COCO18
from tryon_service.renderers.portrait import PortraitFrame
from tryon_service.training.pairs import chosen, person_in, portrait_of
from tryon_service.training.portraits import Pair, Portrait, PortraitSet
from tryon_service.training.shards import Split
from tryon_service.types import BoolArray, Float32Array, Part, Size, UInt8Array, ViewName

PUBLISHED: Size = (176, 256)
"""(width, height) that the keypoints are pixels of: the middle of a photo, at its whole height."""
SIDES: Mapping[Split, str] = {"train": "train", "held": "test"}
VIEWS: Mapping[str, ViewName] = {"front": "front", "back": "back", "side": "side"}
"""By the last word of a photo's name."""
MISSING = -1


@dataclass(frozen=True)
class FashionPhoto:
    """name: of the file. joints: 18 (x, y) in pixels of PUBLISHED, None where there is none; parsing: ADGAN's file for
    it, None to have it parsed."""

    name: str
    path: Path
    split: Split
    joints: tuple[tuple[float, float] | None, ...]
    parsing: Path | None

    @property
    def owner(self) -> str:
        """The person with these clothes on, as the lists' makers took the names."""
        return self.name.rpartition("_")[0] or self.name

    @property
    def view(self) -> ViewName | None:
        words = re.findall(r"[a-z]+", Path(self.name).stem)
        return VIEWS.get(words[-1]) if words else None

    def portrait(self, analyst: Analyst, size: Size) -> Portrait:
        """See pairs.Shot."""
        try:
            photo = decode(self.path.read_bytes(), self.name)
        except OSError as error:
            raise InputError("not_found", f"{self.name!r} can't be read: {error.strerror}.", self.name) from error
        height, width = photo.rgb.shape[:2]
        middle = round(height * PUBLISHED[0] / PUBLISHED[1])
        frame = PortraitFrame((width, height), size, ((width - middle) // 2, 0, middle, height))
        made = portrait_of(person_in(photo, self, analyst), frame, self, "deepfashion", self.view)
        landmarks, seen = self._landmarks(size)
        made = replace(made, landmarks=landmarks, seen=seen)
        return made if self.parsing is None else replace(made, parsing=self._parsed(self.parsing, made, size))

    def _landmarks(self, size: Size) -> tuple[Float32Array, BoolArray]:
        """33 x 2 in pixels of the portrait, 33 seen. A neck has no landmark: it lies between the shoulders."""
        landmarks, seen = np.zeros((33, 2), np.float32), np.zeros(33, np.bool_)
        box = Letterbox(PUBLISHED, size)
        for joint, (_, sources) in zip(self.joints, COCO18, strict=True):
            if joint is not None and len(sources) == 1:
                landmarks[sources[0]] = box.points(np.array(joint, np.float32))
                seen[sources[0]] = True
        return landmarks, seen

    def _parsed(self, path: Path, made: Portrait, size: Size) -> UInt8Array:
        """ADGAN's parsing in our parts, arms and legs given to the nearer side. Raises InputError("invalid_option") for
        a file that isn't one."""
        try:
            ids = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError("invalid_option", f"{path.name!r} can't be read: {error}", self.name) from error
        if ids.shape != PUBLISHED[::-1] or ids.min() < 0 or ids.max() >= len(ADGAN):
            detail = f"{path.name!r} is no parsing: it has the shape {ids.shape} and ids to {ids.max(initial=0)}."
            raise InputError("invalid_option", detail, self.name)
        parts = np.asarray(Letterbox(PUBLISHED, size).mask(lookup(ADGAN)[ids.astype(np.uint8)]), np.uint8)
        known = np.where(made.seen[:, None], made.landmarks, np.float32(np.nan))
        for left, right in ((Part.LEFT_ARM, Part.RIGHT_ARM), (Part.LEFT_LEG, Part.RIGHT_LEG)):
            parts = np.maximum(np.where(parts == left, 0, parts), nearest_side(parts == left, known, left, right))
        return np.asarray(parts, np.uint8)


@dataclass(frozen=True)
class DeepFashionSource:
    """Implements pairs.PairSource. per_owner: photos of one person in the same clothes, at most; limit: so many of
    these, at most."""

    folder: Path
    per_owner: int | None = None
    limit: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"source": "deepfashion", "per_owner": self.per_owner, "limit": self.limit}

    def shots(self) -> list[FashionPhoto]:
        """Those that a pair needs, in the order of their names. See PairSource. Raises InputError also for a photo that
        is on both sides."""
        wanted = {split: {name for pair in pairs for name in pair} for split, pairs in self._listed.items()}
        both = sorted(wanted.get("train", set()) & wanted.get("held", set()))
        if both:
            raise InputError("invalid_option", f"{both[0]!r} is in pairs to train on and to test by.", "--deepfashion")
        shots = [shot for split in self._listed for shot in self._annotated(split) if shot.name in wanted[split]]
        if not shots:
            raise InputError("invalid_option", f"No pair of {str(self.folder)!r} has keypoints.", "--deepfashion")
        owners = set(chosen([shot.owner for shot in shots], self.limit))
        shots = sorted((shot for shot in shots if shot.owner in owners), key=lambda shot: (shot.owner, shot.name))
        groups = groupby(shots, key=lambda shot: shot.owner)
        return [shot for _, group in groups for shot in list(group)[: self.per_owner]]

    def pairs(self, people: PortraitSet, split: Split) -> tuple[list[Pair], dict[str, str]]:
        """Those listed of which both are there."""
        made = set(people.portraits(split))
        return [Pair(*pair, "listed") for pair in self._listed.get(split, ()) if made.issuperset(pair)], {}

    @cached_property
    def _listed(self) -> dict[Split, list[tuple[str, str]]]:
        """By split, (source, target), each pair once."""
        listed: dict[Split, list[tuple[str, str]]] = {}
        for split in get_args(Split):
            path = self._list("pairs", split)
            if path is not None:
                rows = _rows(path, ",", ("from", "to"))
                listed[split] = list(dict.fromkeys((row["from"], row["to"]) for _, row in rows))
        if not listed:
            detail = f"{str(self.folder)!r} has no fasion-resize-pairs-train.csv, nor one for test."
            raise InputError("invalid_option", detail, "--deepfashion")
        return listed

    def _annotated(self, split: Split) -> Iterator[FashionPhoto]:
        path = self._list("annotation", split)
        if path is None:
            detail = f"{str(self.folder)!r} has pairs but no keypoints of the side {SIDES[split]!r}."
            raise InputError("invalid_option", detail, "--deepfashion")
        folders = (self.folder / "fashion_resize" / SIDES[split], self.folder / SIDES[split])
        photos = next((folder for folder in folders if folder.is_dir()), folders[-1])
        for line, row in _rows(path, ":", ("name", "keypoints_y", "keypoints_x")):
            joints = _joints(row, f"{path.name} line {line}")
            yield FashionPhoto(row["name"], photos / row["name"], split, joints, self._parsing(row["name"]))

    def _list(self, what: str, split: Split) -> Path | None:
        """Of either spelling."""
        found = (self.folder / f"{word}-resize-{what}-{SIDES[split]}.csv" for word in ("fasion", "fashion"))
        return next((path for path in found if path.is_file()), None)

    def _parsing(self, name: str) -> Path | None:
        """ADGAN's file, which it keeps under the name that the photo had in the original folders, or just by name."""
        root, stem = self.folder / "semantic_merge3", Path(name).stem
        found = re.fullmatch(r"fashion(WOMEN|MEN)(.+)id(0\d{7})(\d\d_\d)(\w+)", stem)
        paths = [root / f"{stem}.npy"]
        if found:
            sex, kind, person, number, view = found.groups()
            paths.append(root / sex / kind / f"id_{person}" / f"{number}_{view}.npy")
        return next((path for path in paths if path.is_file()), None)


def _rows(path: Path, delimiter: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, fields). Raises InputError("invalid_option") naming file and line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            for row in reader:
                if any(not row.get(column) for column in columns):
                    detail = f"It lacks {' or '.join(columns)}."
                    raise InputError("invalid_option", detail, f"{path.name} line {reader.line_num}")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("invalid_option", f"It can't be read: {error}.", path.name) from error


def _joints(row: Mapping[str, str], field: str) -> tuple[tuple[float, float] | None, ...]:
    """18 (x, y). Raises InputError("invalid_option")."""
    try:
        rows, columns = (np.array(json.loads(row[name]), np.float64) for name in ("keypoints_y", "keypoints_x"))
        if rows.shape != (len(COCO18),) or columns.shape != rows.shape or not np.isfinite([rows, columns]).all():
            raise ValueError(f"not {len(COCO18)} numbers")
    except (ValueError, TypeError) as error:
        raise InputError("invalid_option", f"Its keypoints can't be read: {error}.", field) from error
    return tuple(None if MISSING in (x, y) else (float(x), float(y)) for x, y in zip(columns, rows, strict=True))
