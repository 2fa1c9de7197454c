"""The poses of a run: house poses by name, pose files and photos, each under the name that its pictures will have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from tryon_service.errors import InputError, RefusedError
from tryon_service.evaluation.drawing import FONT, INK, sheet, skeleton
from tryon_service.imaging.frames import fit_size
from tryon_service.poses.files import read_pose
from tryon_service.poses.house import PREFIX, house_pose, names
from tryon_service.poses.pose import Pose
from tryon_service.types import Person, UInt8Array

PREVIEW = "poses.png"
"""The sheet's name in the output folder."""
COLUMNS = 6
"""Of the preview sheet."""
TILE, LABEL = (240, 320), (240, 48)
"""(width, height) in pixels of a drawn pose, and of its name below."""
GROUND = 90
"""Grey value behind a drawn pose."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_~-]+")


@dataclass(frozen=True)
class NamedPose:
    """name: 1 or more of [A-Za-z0-9_~-], of its pictures' files."""

    name: str
    pose: Pose

    @cached_property
    def sha256(self) -> str:
        """Of everything that a picture takes from it."""
        return hashlib.sha256(self.pose.pack()).hexdigest()


def read_poses(
    sources: Sequence[str], added: Path, analyse_pose: Callable[[bytes, str], Person]
) -> tuple[NamedPose, ...]:
    """sources: names of house poses ("standing" or "name:standing"), pose files (.json, as `tryon poses export` writes
    them) and photos; added: folder of the house poses that the shop has added; analyse_pose: for photos, of which only
    the keypoints are kept.

    Raises InputError for what is none of these and for two poses of one name, RefusedError for a photo that no pose can
    be taken from.
    """
    poses: dict[str, NamedPose] = {}
    for source in sources:
        pose = _named(source, added, analyse_pose)
        if pose.name in poses:
            raise InputError("invalid_option", f"Two poses have the name {pose.name!r}; rename a file.", "--poses")
        poses[pose.name] = pose
    return tuple(poses.values())


def _named(source: str, added: Path, analyse_pose: Callable[[bytes, str], Person]) -> NamedPose:
    known = names(added)
    if source.startswith(PREFIX) or source in known:
        name = source.removeprefix(PREFIX)
        return NamedPose(name, house_pose(name, added))
    path = Path(source)
    name = _UNSAFE.sub("_", path.stem)
    if not path.is_file():
        detail = f"{source!r} is no file, and none of the house poses {', '.join(known)}."
        raise InputError("invalid_pose", detail, "--poses")
    if path.suffix.lower() == ".json":
        return NamedPose(name, _of_file(path))
    return NamedPose(name, _of_photo(path, analyse_pose))


def _of_file(path: Path) -> Pose:
    try:
        return read_pose(path)
    except InputError as error:
        raise InputError(error.code, f"{path.name!r} can't be used. {error.detail}", "--poses") from error


def _of_photo(path: Path, analyse_pose: Callable[[bytes, str], Person]) -> Pose:
    from tryon_service.pipeline import shopper_pose

    try:
        return shopper_pose(analyse_pose(path.read_bytes(), path.name))
    except OSError as error:
        detail = f"{str(path)!r} can't be read: {error.strerror}."
        raise InputError("invalid_option", detail, "--poses") from error
    except RefusedError as error:
        raise RefusedError(error.reasons, f"No pose can be taken from {path.name!r}.") from error


def preview(poses: Sequence[NamedPose]) -> UInt8Array:
    """Every pose as a stick figure above its name, H x W x 3 uint8; nothing of a photo is in it."""
    tiles = [np.vstack([_drawn(pose.pose), _label(pose.name)]) for pose in poses]
    return sheet([tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)])


def _drawn(pose: Pose) -> UInt8Array:
    """On grey, in the middle of a tile."""
    width, height = fit_size(pose.size, TILE)
    paper = np.full((height, width, 3), GROUND, np.uint8)
    tile = np.full((TILE[1], TILE[0], 3), GROUND, np.uint8)
    top, left = (TILE[1] - height) // 2, (TILE[0] - width) // 2
    tile[top : top + height, left : left + width] = skeleton(paper, pose.keypoints().moved(width / pose.size[0]))
    return tile


def _label(name: str) -> UInt8Array:
    width, height = LABEL
    label = np.full((height, width, 3), 255, np.uint8)
    (wide, tall), _ = cv2.getTextSize(name, FONT, 1.0, 1)
    scale = min(0.9 * width / wide, 0.4 * height / tall)
    place = (round((width - wide * scale) / 2), round((height + tall * scale) / 2))
    cv2.putText(label, name, place, FONT, scale, INK, 1, cv2.LINE_AA)
    return label
