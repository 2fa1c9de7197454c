"""Folders in CCP's form: what is wrong is named before anything starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.appearance.labelled import check_folder, read_ids, read_rgb, to_parts
from tryon_service.appearance.labels import CCP_NAMES
from tryon_service.errors import InputError
from tryon_service.types import Part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos of 40 x 60 with labels, and CCP's names."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CCP_NAMES)))
    for name in ("a", "b"):
        Image.new("RGB", (40, 60), (200, 180, 160)).save(tmp_path / "photos" / f"{name}.jpg")
        write_ids(tmp_path / "labels" / f"{name}.png", np.full((60, 40), 41, np.uint8))
    return tmp_path


def write_ids(path: Path, ids: np.ndarray) -> None:
    picture = Image.fromarray(ids)
    picture = picture.convert("P") if picture.mode == "L" else picture
    picture.putpalette(bytes(768))
    picture.frombytes(ids.tobytes())
    picture.save(path)


def test_a_good_folder(folder: Path) -> None:
    entries, table = check_folder(folder)
    assert [entry.name for entry in entries] == ["a", "b"]
    assert read_rgb(entries[0].photo).shape == (60, 40, 3)
    assert (read_ids(entries[0].label) == 41).all()
    parts = to_parts(np.array([[0, 19, 41, 53]], np.uint8), table, np.full((33, 2), np.nan, np.float32))
    assert parts[0, :3].tolist() == [Part.BACKGROUND, Part.HAIR, Part.TORSO_SKIN]
    assert parts[0, 3] in (Part.LEFT_LEG, Part.RIGHT_LEG), "tights are legs"


def test_without_names_the_ids_are_ccps(folder: Path) -> None:
    (folder / "labels.txt").unlink()
    assert check_folder(folder)[1][19] == Part.HAIR


def test_every_fault_is_named_with_its_file(folder: Path) -> None:
    (folder / "labels" / "a.png").unlink()
    write_ids(folder / "labels" / "b.png", np.zeros((30, 40), np.uint8))
    write_ids(folder / "labels" / "lonely.png", np.zeros((60, 40), np.uint8))
    (folder / "photos" / "c.jpg").write_bytes(b"\xff\xd8 no photo")
    write_ids(folder / "labels" / "c.png", np.zeros((60, 40), np.uint8))
    Image.new("RGB", (40, 60)).save(folder / "photos" / "d.jpg")
    write_ids(folder / "labels" / "d.png", np.full((60, 40), 77, np.uint8))
    Image.new("RGB", (40, 60)).save(folder / "photos" / "e.jpg")
    Image.new("RGB", (40, 60)).save(folder / "labels" / "e.png")
    Image.new("RGB", (40, 60)).save(folder / "photos" / "f.jpg", format="BMP")
    write_ids(folder / "labels" / "f.png", np.zeros((60, 40), np.uint8))
    with pytest.raises(InputError) as caught:
        check_folder(folder)
    detail = caught.value.detail
    assert caught.value.code == "invalid_option"
    assert caught.value.field == "data"
    assert "photos/a.jpg: there is no labels/a.png" in detail
    assert "labels/b.png: 40x30, but the photo is 40x60" in detail
    assert "labels/lonely.png: there is no photo" in detail
    assert "photos/c.jpg: can't be read" in detail
    assert "labels/d.png: id 77, but labels.txt ends at 58" in detail
    assert "labels/e.png: can't be read (mode RGB" in detail
    assert "photos/f.jpg: can't be read" in detail


def test_a_truncated_photo_is_named(folder: Path) -> None:
    photo = folder / "photos" / "a.jpg"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (60, 40, 3), dtype=np.uint8)).save(photo)
    photo.write_bytes(photo.read_bytes()[:-600])
    with pytest.raises(InputError, match=r"photos/a\.jpg: can't be read"):
        check_folder(folder)


@pytest.mark.parametrize("text", ["0 null\n2 hair\n", "0 null\n1 spacesuit\n", "nonsense\n"])
def test_bad_names(folder: Path, text: str) -> None:
    (folder / "labels.txt").write_text(text)
    with pytest.raises(InputError, match=r"labels\.txt"):
        check_folder(folder)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        check_folder(tmp_path)
