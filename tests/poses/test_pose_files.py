"""A pose as JSON: keypoints and nothing else, and nothing else is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tryon_service.errors import InputError
from tryon_service.perception.skeletons import LANDMARK_NAMES
from tryon_service.poses.files import LARGEST, pose_from_json, pose_to_json, read_pose
from tryon_service.poses.house import house_pose, names


@pytest.mark.parametrize("name", names())
def test_a_file_gives_the_pose_back(name: str, tmp_path: Path) -> None:
    pose = house_pose(name)
    file = tmp_path / "pose.json"
    file.write_text(json.dumps(pose_to_json(pose)))
    assert read_pose(file) == pose


def test_it_holds_keypoints_only() -> None:
    value = pose_to_json(house_pose("standing"))
    assert set(value) == {"size", "height", "landmarks"}
    assert set(value["landmarks"]) == set(LANDMARK_NAMES)
    for landmark in value["landmarks"].values():
        assert set(landmark) == {"pixels", "metres", "visibility", "seen"}


def changed(path: str, new: Any) -> Callable[[dict[str, Any]], Any]:
    def change(value: dict[str, Any]) -> Any:
        *outer, last = path.split("/")
        inner = value
        for key in outer:
            inner = inner[key]
        inner[last] = new
        return value

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda value: None,
        lambda value: [],
        lambda value: "pose",
        lambda value: {},
        changed("size", [900]),
        changed("size", [900, 0]),
        changed("size", [900, -1200]),
        changed("size", [1 << 40, 10]),
        changed("size", ["a", "b"]),
        changed("size", 900),
        changed("height", None),
        changed("height", [1]),
        changed("height", float("nan")),
        changed("landmarks", []),
        changed("landmarks/nose", None),
        changed("landmarks/nose/pixels", [1]),
        changed("landmarks/nose/pixels", [1, 2, 3]),
        changed("landmarks/nose/pixels", [1, "x"]),
        changed("landmarks/nose/pixels", [1, float("inf")]),
        changed("landmarks/nose/pixels", [1, 1e300]),
        changed("landmarks/nose/metres", [0, 0]),
        changed("landmarks/nose/metres", [0, 0, float("nan")]),
        changed("landmarks/nose/visibility", [0.5]),
        changed("landmarks/nose/visibility", "much"),
        lambda value: {**value, "landmarks": {k: v for k, v in value["landmarks"].items() if k != "nose"}},
    ],
)
def test_anything_else_is_an_invalid_pose(change: Callable[[dict[str, Any]], Any]) -> None:
    value = change(copy.deepcopy(pose_to_json(house_pose("standing"))))
    with pytest.raises(InputError) as caught:
        pose_from_json(value)
    assert (caught.value.code, caught.value.field) == ("invalid_pose", "pose")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 50_000, b'{"size"', b" " * (LARGEST + 1), None])
def test_files_that_are_no_pose(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "pose.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_pose(file)
    assert caught.value.code == "invalid_pose"
    assert str(tmp_path) not in caught.value.detail
