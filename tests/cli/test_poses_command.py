"""`tryon poses`: only keypoints are kept, and what is exported comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.cli.main import main
from tryon_service.pipeline import Pipeline, shopper_pose
from tryon_service.poses.house import house_pose, names


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("TRYON_DATA", str(folder))
    return folder


def test_the_tables_own_are_listed_without_a_folder(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["poses", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(names())
    assert not data.exists()


def test_a_photo_becomes_keypoints_and_nothing_else(
    data: Path, tmp_path: Path, pipeline: Pipeline, shopper_png: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(shopper_png)
    assert main(["poses", "add", "my_pose", str(photo)]) == 0
    assert house_pose("my_pose", data / "poses") == shopper_pose(pipeline.analyse_pose(shopper_png))
    (kept,) = [path for path in data.rglob("*") if path.is_file()]
    assert kept == data / "poses" / "my_pose.json"
    assert set(json.loads(kept.read_text())) == {"size", "height", "landmarks"}
    assert kept.stat().st_size < 20_000
    capsys.readouterr()
    assert main(["poses", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "my_pose"


def test_what_is_exported_can_be_added_elsewhere(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "walk.json"
    assert main(["poses", "export", "walking", "--out", str(file)]) == 0
    assert main(["poses", "add", "walk", str(file)]) == 0
    assert house_pose("walk", data / "poses") == house_pose("walking")


def test_an_added_pose_is_replaced_only_when_asked_for(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for name, file in zip(("walking", "standing"), files, strict=True):
        assert main(["poses", "export", name, "--out", str(file)]) == 0
    assert main(["poses", "add", "mine", str(files[0])]) == 0
    assert main(["poses", "add", "mine", str(files[1])]) == 2
    assert "--replace" in capsys.readouterr().err
    assert house_pose("mine", data / "poses") == house_pose("walking")
    assert main(["poses", "add", "mine", str(files[1]), "--replace"]) == 0
    assert house_pose("mine", data / "poses") == house_pose("standing")


def test_a_pose_is_drawn(data: Path, tmp_path: Path) -> None:
    assert main(["poses", "show", "legs_apart", "--out", str(tmp_path / "drawn.png")]) == 0
    with Image.open(tmp_path / "drawn.png") as picture:
        assert picture.size == (900, 1200)
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 3


def test_a_photo_without_a_person_adds_nothing(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    Image.new("RGB", (300, 400), "grey").save(tmp_path / "empty.png")
    assert main(["poses", "add", "nobody", str(tmp_path / "empty.png")]) == 3
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "nobody", "--out", "x.png"], "nobody"),
        (["export", "nobody", "--out", "x.json"], "nobody"),
        (["add", "standing", "x.json"], "built in"),
        (["add", "../up", "x.json"], "letter first"),
        (["add", "mine", "missing.json"], "can't be read as a pose"),
        (["add", "mine", "missing.jpg"], "no file"),
        (["show", "standing", "--out", "x.tiff"], "tiff"),
        (["export", "standing", "--out", "no/folder/x.json"], "no folder"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["poses", *arguments]) in (2, 3)
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not list(tmp_path.iterdir())
