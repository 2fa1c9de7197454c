"""Which photos pairs are made of, and which are held back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.training.photos import HELD, find_photos


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Empty files by the names of photos."""
    names = [f"ccp/photos/{n:04d}.jpg" for n in range(800)] + [f"ccp/unlabelled/{n}.jpg" for n in range(1000, 1900)]
    names += ["store/photos/a_front.jpg", "store/photos/a_back.jpg", "store/photos/b_front.jpg"]
    names += [f"two_poses/Lunge_{n}_{k}.jpg" for n in range(10) for k in (0, 1)] + ["two_poses/Squat_0.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    rows = [
        "product_id,view,file",
        "a,front,photos/a_front.jpg",
        "a,back,photos/a_back.jpg",
        "b,front,photos/b_front.jpg",
    ]
    (tmp_path / "store" / "catalogue.csv").write_text("\n".join(rows))
    return tmp_path


def test_every_photo_once_and_fronts_only(data: Path) -> None:
    names = [photo.name for photo in find_photos(data)]
    assert len(names) == len(set(names)) == 1700 + 2 + 21
    assert {name for name in names if name.startswith("store")} == {"store/a_front", "store/b_front"}


def test_one_person_is_on_one_side(data: Path) -> None:
    photos = find_photos(data)
    sides = {photo.name: photo.split for photo in photos}
    held = [photo.name for photo in photos if photo.split == "held" and photo.source != "two_poses"]
    assert HELD <= len(held) <= HELD + 1
    for one, other in (("0025", "1707"), ("0719", "1611"), ("0594", "0722"), ("0343", "1083")):
        assert sides[f"ccp/{one}"] == sides[f"ccp/{other}"]
    exercises = {name[:-2] for name in sides if name.startswith("two_poses")}
    assert {split for name, split in sides.items() if name.startswith("two_poses")} == {"held", "train"}
    assert sum(sides[f"{name}_0"] == "held" for name in exercises) == len(exercises) // 2
    again = [photo for photo in photos if photo.again]
    assert len(again) == 10
    for photo in again:
        assert photo.again is not None
        assert photo.again.name == f"{photo.name[:-2]}_1"
        assert photo.again.split == photo.split == sides[photo.again.name]


def test_new_photos_move_no_old_one(data: Path) -> None:
    before = {photo.name for photo in find_photos(data) if photo.split == "held"}
    (data / "ccp" / "photos" / "0900.jpg").touch()
    after = {photo.name for photo in find_photos(data) if photo.split == "held"}
    assert len(before - after) <= 1


def test_folders_may_be_missing_but_not_all(data: Path, tmp_path: Path) -> None:
    assert {photo.source for photo in find_photos(data)} == {"ccp", "store", "two_poses"}
    with pytest.raises(InputError, match="holds no photos") as caught:
        find_photos(tmp_path / "ccp")
    assert caught.value.field == "--data"


def test_a_catalogue_without_its_columns_is_named(data: Path) -> None:
    (data / "store" / "catalogue.csv").write_text("sku;side\na;front\n")
    with pytest.raises(InputError, match=r"catalogue\.csv can't be read"):
        find_photos(data)
