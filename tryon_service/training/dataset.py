"""Labelled photos made ready for training: posed once, reduced, kept in a cache; and those kept aside to judge by."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.appearance.labelled import Entry, read_ids, read_rgb, to_parts
from tryon_service.appearance.labels import SKIN
from tryon_service.errors import RefusedError
from tryon_service.perception.base import PoseEstimator
from tryon_service.perception.nets.parser_input import CLASSES, MIN_VISIBILITY, shown_joints
from tryon_service.types import BoolArray, Float32Array, Part, Photo, UInt8Array

IGNORE, OFF_PHOTO = 255, 254
"""Classes of pixels that teach nothing: of the photo, and outside it (in crops)."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
PERSON_HEIGHT = 440
"""Photos are reduced until the person is about this high; crops are smaller still."""
_VERSION = 1


@dataclass(frozen=True)
class Sample:
    """One posed photo, reduced. rgb: h x w x 3; classes: h x w uint8 index into CLASSES or IGNORE; mask: h x w uint8,
    the pose network's, 255 is the person; xy: 33 x 2 pixels; present: 33 bool, all false where no pose was found."""

    name: str
    rgb: UInt8Array
    classes: UInt8Array
    mask: UInt8Array
    xy: Float32Array
    present: BoolArray


def class_of_part() -> UInt8Array:
    """256 uint8: a part to the network's class."""
    table = np.zeros(256, np.uint8)
    for index, part in enumerate(CLASSES.values()):
        table[part] = index
    table[Part.RIGHT_ARM], table[Part.RIGHT_LEG] = table[Part.LEFT_ARM], table[Part.LEFT_LEG]
    return table


def split(names: Sequence[str], count: int, near_duplicates: Iterable[tuple[str, str]], seed: int) -> list[str]:
    """The names kept for validation, sorted: about `count`, and of each pair both or none."""
    twin = {a: b for pair in near_duplicates for a, b in (pair, pair[::-1])}
    # Order by a hash of the name: adding photos later moves none from one side to the other.
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    known = set(names)
    kept: set[str] = set()
    for name in order:
        if len(kept) >= count:
            break
        kept |= {name, twin.get(name, name)} & known
    return sorted(kept)


def unlabelled_entries(folders: Sequence[Path]) -> list[Entry]:
    """Every photo in the folders, as entries without labels."""
    photos = [path for folder in folders for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES]
    return [Entry(f"{path.parent.name}/{path.stem}", path, None) for path in photos]


def load_samples(entries: Sequence[Entry], table: UInt8Array, pose: PoseEstimator, cache: Path) -> list[Sample]:
    """Every entry posed and reduced; read from the cache if it was made from the same files, else made and kept."""
    stamp = _stamp(entries)
    if cache.exists():
        with np.load(cache) as stored:
            if str(stored["stamp"]) == stamp:
                return _unpacked(stored)
    bar = tqdm(entries, desc="finding poses", unit="photo", disable=None)
    samples = [
        make_sample(entry.name, read_rgb(entry.photo), read_ids(entry.label) if entry.label else None, table, pose)
        for entry in bar
    ]
    partial = cache.with_suffix(".part.npz")
    np.savez(partial, allow_pickle=False, stamp=np.array(stamp), **_packed(samples))
    os.replace(partial, cache)
    return samples


def make_sample(name: str, rgb: UInt8Array, ids: UInt8Array | None, table: UInt8Array, pose: PoseEstimator) -> Sample:
    """Pose, parts and reduction of one photo. Without ids all of it is IGNORE, without a pose its skin is."""
    try:
        estimate = pose.estimate(Photo(rgb, (rgb.shape[1], rgb.shape[0]), name))
        keypoints, mask = estimate.keypoints, estimate.mask
        xy, present = keypoints.xy.astype(np.float32), shown_joints(keypoints.xy, keypoints.visibility, rgb.shape)
    except RefusedError:
        mask = np.zeros(rgb.shape[:2], np.float32)
        xy, present = np.full((33, 2), np.nan, np.float32), np.zeros(33, np.bool_)
    if ids is None:
        classes, person = np.full(rgb.shape[:2], IGNORE, np.uint8), mask > 0.5
    else:
        classes, person = class_of_part()[to_parts(ids, table, xy)], ids > 0
        if not present.any():
            classes[table[ids] == SKIN] = IGNORE
    height = int(np.ptp(np.flatnonzero(person.any(axis=1)))) + 1 if person.any() else rgb.shape[0]
    scale = min(1.0, PERSON_HEIGHT / height)
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return Sample(
        name,
        cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8),
        cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8),
        np.rint(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) * 255).astype(np.uint8),
        np.nan_to_num((xy + 0.5) * scale - 0.5).astype(np.float32),
        present,
    )


def _stamp(entries: Sequence[Entry]) -> str:
    """Changes when a file comes, goes or is written anew, or when what is cached changes its meaning."""
    lines = [f"{_VERSION} {PERSON_HEIGHT} {MIN_VISIBILITY} {list(CLASSES)}"]
    for entry in entries:
        for path in filter(None, (entry.photo, entry.label)):
            stat = path.stat()
            lines.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _packed(samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    return {
        "names": np.array([s.name for s in samples]),
        "shapes": np.array([s.mask.shape for s in samples], np.int64),
        "rgb": np.concatenate([s.rgb.reshape(-1, 3) for s in samples]),
        "classes": np.concatenate([s.classes.ravel() for s in samples]),
        "mask": np.concatenate([s.mask.ravel() for s in samples]),
        "xy": np.stack([s.xy for s in samples]),
        "present": np.stack([s.present for s in samples]),
    }


def _unpacked(stored: np.lib.npyio.NpzFile) -> list[Sample]:
    arrays = {key: stored[key] for key in ("names", "shapes", "rgb", "classes", "mask", "xy", "present")}
    samples, start = [], 0
    for index, (height, width) in enumerate(arrays["shapes"]):
        end = start + int(height * width)
        samples.append(
            Sample(
                str(arrays["names"][index]),
                arrays["rgb"][start:end].reshape(height, width, 3),
                arrays["classes"][start:end].reshape(height, width),
                arrays["mask"][start:end].reshape(height, width),
                arrays["xy"][index],
                arrays["present"][index],
            )
        )
        start = end
    return samples
