"""A folder of photos and label pictures in CCP's form: checked whole before training, posed once, kept in a cache.

The folder holds photos/NAME.jpg, labels/NAME.png (palette pictures of the photo's size) and labels.txt with a line
"id name" for each class.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from tryon_service.appearance.labels import CCP, SKIN, lookup, nearest_side, split_skin
from tryon_service.errors import InputError, RefusedError
from tryon_service.perception.base import PoseEstimator
from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.types import BoolArray, Float32Array, Part, Photo, UInt8Array

IGNORE = 255
"""Class of pixels that teach nothing."""
PERSON_HEIGHT = 440
"""Photos are reduced until the person is about this high; crops are smaller still."""
MIN_VISIBILITY = 0.3
"""Joints the pose network itself doubts more are not shown to the parser."""
MAX_NAMED = 12
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """A photo and its label picture, both readable and of one size."""

    name: str
    photo: Path
    label: Path


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


def check_folder(data: Path) -> tuple[list[Entry], UInt8Array]:
    """All entries by name, and the 256-entry table from the folder's ids to parts (SKIN for undivided skin).

    Raises InputError("invalid_option") naming each file at fault and why, before anything else is done.
    """
    names = read_names(data / "labels.txt")
    table = lookup(CCP, names)
    photos = {path.stem: path for path in sorted((data / "photos").glob("*")) if not path.name.startswith(".")}
    labels = {path.stem: path for path in sorted((data / "labels").glob("*.png"))}
    faults = [f"labels/{name}.png: there is no photo for it" for name in sorted(labels.keys() - photos.keys())]
    entries = []
    for name, photo in tqdm(photos.items(), desc="checking", unit="photo", leave=False, disable=None):
        if name not in labels:
            faults.append(f"photos/{photo.name}: there is no labels/{name}.png")
        elif fault := _fault(photo, labels[name], len(names)):
            faults.append(fault)
        else:
            entries.append(Entry(name, photo, labels[name]))
    if not photos:
        faults.append("photos: no pictures there")
    if faults:
        more = f"; and {len(faults) - MAX_NAMED} more" if len(faults) > MAX_NAMED else ""
        raise InputError("invalid_option", "; ".join(faults[:MAX_NAMED]) + more + ".", "data")
    return entries, table


def read_names(path: Path) -> list[str]:
    """Class names in id order. Raises InputError("invalid_option") for a file not of lines "id name" from 0 on."""
    try:
        rows = [line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip()]
        names = [row[1].strip() for row in rows]
        if [int(row[0]) for row in rows] != list(range(len(rows))):
            raise ValueError("the ids must run from 0 without a gap")
        if unknown := sorted(set(names) - set(CCP)):
            raise ValueError(f"unknown classes: {', '.join(unknown)}")
    except (OSError, ValueError, IndexError) as error:
        raise InputError("invalid_option", f"{path.name}: {error}.", "data") from error
    return names


def _fault(photo: Path, label: Path, classes: int) -> str:
    """What is wrong with a pair of files, or nothing."""
    try:
        size = read_rgb(photo).shape[:2]
    except (OSError, SyntaxError, ValueError) as error:
        return f"photos/{photo.name}: can't be read ({error})"
    try:
        ids = read_ids(label)
    except (OSError, SyntaxError, ValueError) as error:
        return f"labels/{label.name}: can't be read ({error})"
    if ids.shape != size:
        return f"labels/{label.name}: {ids.shape[1]}x{ids.shape[0]}, but the photo is {size[1]}x{size[0]}"
    if ids.max() >= classes:
        return f"labels/{label.name}: id {ids.max()}, but labels.txt ends at {classes - 1}"
    return ""


def read_rgb(path: Path) -> UInt8Array:
    """H x W x 3. Raises OSError, SyntaxError or ValueError as Pillow does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with Image.open(path) as picture:
                return np.array(picture.convert("RGB"))
        except (UserWarning, Image.DecompressionBombError) as error:
            raise ValueError(str(error)) from error


def read_ids(path: Path) -> UInt8Array:
    """H x W ids of a palette or greyscale picture. Raises OSError or ValueError."""
    with Image.open(path) as picture:
        if picture.mode not in ("P", "L"):
            raise ValueError(f"mode {picture.mode}; a palette picture is needed")
        return np.array(picture)


def to_parts(ids: UInt8Array, table: UInt8Array, xy: Float32Array) -> UInt8Array:
    """H x W ids of the folder to parts; skin and legs told apart by the landmarks (33 x 2, NaN where unknown)."""
    mapped = table[ids]
    parts = np.where(mapped == SKIN, np.uint8(0), mapped)
    parts += split_skin(mapped == SKIN, xy)
    hosiery = mapped == Part.LEFT_LEG
    parts[hosiery] = nearest_side(hosiery, xy, Part.LEFT_LEG, Part.RIGHT_LEG)[hosiery]
    return parts


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
    known, kept = set(names), set()
    for name in order:
        if len(kept) >= count:
            break
        kept |= {name, twin.get(name, name)} & known
    return sorted(kept)


def load_samples(entries: Sequence[Entry], table: UInt8Array, pose: PoseEstimator, cache: Path) -> list[Sample]:
    """Every entry posed and reduced; read from the cache if it was made from the same files, else made and kept."""
    stamp = _stamp(entries)
    if cache.exists():
        with np.load(cache) as stored:
            if str(stored["stamp"]) == stamp:
                return _unpacked(stored)
    bar = tqdm(entries, desc="finding poses", unit="photo", disable=None)
    samples = [make_sample(entry.name, read_rgb(entry.photo), read_ids(entry.label), table, pose) for entry in bar]
    partial = cache.with_suffix(".part.npz")
    np.savez(partial, stamp=np.array(stamp), **_packed(samples))
    os.replace(partial, cache)
    return samples


def make_sample(name: str, rgb: UInt8Array, ids: UInt8Array, table: UInt8Array, pose: PoseEstimator) -> Sample:
    """Pose, parts and reduction of one labelled photo. Photos without a pose keep their labels, but skin is IGNORE."""
    try:
        estimate = pose.estimate(Photo(rgb, (rgb.shape[1], rgb.shape[0]), name))
        keypoints, mask = estimate.keypoints, estimate.mask
        xy, present = keypoints.xy.astype(np.float32), shown_joints(keypoints.xy, keypoints.visibility, rgb.shape)
    except RefusedError:
        mask = np.zeros(rgb.shape[:2], np.float32)
        xy, present = np.full((33, 2), np.nan, np.float32), np.zeros(33, np.bool_)
    classes = class_of_part()[to_parts(ids, table, xy)]
    if not present.any():
        classes[table[ids] == SKIN] = IGNORE
    height = int(np.ptp(np.flatnonzero((ids > 0).any(axis=1)))) + 1 if ids.any() else rgb.shape[0]
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


def shown_joints(xy: Float32Array, visibility: Float32Array, shape: Sequence[int]) -> BoolArray:
    """Which of 33 landmarks the parser is shown: those in the frame that the pose network doesn't doubt."""
    inside = np.all((xy >= 0) & (xy <= (shape[1] - 1, shape[0] - 1)), axis=1)
    return np.asarray(inside & (visibility >= MIN_VISIBILITY), np.bool_)


def _stamp(entries: Sequence[Entry]) -> str:
    """Changes when a file comes, goes or is written anew, or when what is cached changes its meaning."""
    lines = [f"{_VERSION} {PERSON_HEIGHT} {MIN_VISIBILITY} {list(CLASSES)}"]
    for entry in entries:
        for path in (entry.photo, entry.label):
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
