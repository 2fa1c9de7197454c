"""Poses by name, from files and from photos, each with a name for its pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tryon_service.batch.poses import COLUMNS, LABEL, TILE, preview, read_poses
from tryon_service.errors import InputError, RefusedError
from tryon_service.pipeline import Pipeline, shopper_pose
from tryon_service.poses.files import pose_to_json
from tryon_service.poses.house import house_pose, names
from tryon_service.types import Person, Reason


def no_photos(_data: bytes, _name: str) -> Person:
    raise AssertionError("no photo was given")


def written(folder: Path, pose: str, name: str) -> Path:
    path = folder / name
    path.write_text(json.dumps(pose_to_json(house_pose(pose))))
    return path


def test_names_and_files_side_by_side(tmp_path: Path) -> None:
    added = tmp_path / "poses"
    added.mkdir()
    written(added, "walking", "ours.json")
    file = written(tmp_path, "contrapposto", "my pose (2).json")
    poses = read_poses(["standing", "name:walking", "ours", str(file)], added, no_photos)
    assert [pose.name for pose in poses] == ["standing", "walking", "ours", "my_pose_2_"]
    assert [pose.pose for pose in poses] == [
        house_pose(name) for name in ("standing", "walking", "walking", "contrapposto")
    ]
    assert poses[1].sha256 == poses[2].sha256 != poses[0].sha256


def test_a_photo_gives_its_pose(tmp_path: Path, pipeline: Pipeline, shopper_png: bytes) -> None:
    photo = tmp_path / "me.png"
    photo.write_bytes(shopper_png)
    (pose,) = read_poses([str(photo)], tmp_path, pipeline.analyse_pose)
    assert (pose.name, pose.pose) == ("me", shopper_pose(pipeline.analyse_pose(shopper_png)))


def test_a_photo_without_a_pose_is_named(tmp_path: Path) -> None:
    (tmp_path / "me.png").write_bytes(b"photo")

    def refuse(_data: bytes, name: str) -> Person:
        raise RefusedError([Reason("no_person", name)])

    with pytest.raises(RefusedError, match=r"me\.png"):
        read_poses([str(tmp_path / "me.png")], tmp_path, refuse)


def test_what_is_no_pose_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"version": 0}')
    cases = {"sitting": "none of the house poses", str(tmp_path / "old.json"): r"old\.json", str(tmp_path): "no file"}
    for source, words in cases.items():
        with pytest.raises(InputError, match=words) as caught:
            read_poses([source], tmp_path, no_photos)
        assert caught.value.code == "invalid_pose"
    with pytest.raises(InputError, match="name 'standing'"):
        read_poses(["standing", str(written(tmp_path, "walking", "standing.json"))], tmp_path, no_photos)


def test_the_preview_shows_every_pose() -> None:
    poses = read_poses(names()[: COLUMNS + 1], Path("none"), no_photos)
    drawn = preview(poses)
    height = TILE[1] + LABEL[1]
    assert drawn.shape == (2 * height + 4, COLUMNS * (TILE[0] + 4) - 4, 3)
    tiles = [drawn[:height, start : start + TILE[0]] for start in range(0, drawn.shape[1], TILE[0] + 4)]
    assert all(len(np.unique(tile[: TILE[1]].reshape(-1, 3), axis=0)) > 3 for tile in tiles)
    assert all((tile[TILE[1] :] < 128).any() for tile in tiles)
    assert not np.array_equal(tiles[0], tiles[1])
