"""Photos come from below their folder and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tryon_service.batch import sources
from tryon_service.batch.sources import open_photos
from tryon_service.errors import InputError, UnavailableError
from tryon_service.imaging.limits import Limits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    (photos / "sub" / "ä b.jpg").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    return photos


def test_photos_below_the_folder_are_read(folder: Path) -> None:
    (folder / "link.jpg").symlink_to(folder / "sub" / "ä b.jpg")
    for place in (str(folder), f"file://{folder}"):
        photos = open_photos(place)
        assert photos.read("sub/ä b.jpg") == photos.read("./link.jpg") == b"inside"


@pytest.mark.parametrize(
    "name",
    ["../secret", "sub/../../secret", "/etc/passwd", "link", "door/secret", "a\0b", "..\\secret", "s3://b/a.jpg"],
)
def test_nothing_outside_is_read(folder: Path, name: str) -> None:
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "door").symlink_to(folder.parent)
    with pytest.raises(InputError) as caught:
        open_photos(str(folder)).read(name)
    assert caught.value.code == "blocked_url"


@pytest.mark.parametrize("name", ["none.jpg", "sub", "circle", "pipe", "sub/ä b.jpg/x", "x" * 300])
def test_what_is_no_file_is_not_found(folder: Path, name: str) -> None:
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "pipe")
    with pytest.raises(InputError) as caught:
        open_photos(str(folder)).read(name)
    assert caught.value.code == "not_found"


def test_a_file_that_is_too_large_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEFAULT_LIMITS", Limits(jpeg_bytes=3))
    with pytest.raises(InputError) as caught:
        open_photos(str(folder)).read("sub/ä b.jpg")
    assert caught.value.code == "too_many_bytes"


def test_photos_behind_a_url() -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe_file("/batch-photos/a.jpg", b"there")
    photos = open_photos("memory://batch-photos")
    assert photos.read("a.jpg") == b"there"
    for name, code in (("b.jpg", "not_found"), ("../a.jpg", "blocked_url")):
        with pytest.raises(InputError) as caught:
            photos.read(name)
        assert caught.value.code == code


def test_storage_that_fails_is_not_the_photos_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    photos = open_photos("memory://batch-photos")

    def fail(_name: str) -> int:
        raise UnavailableError("storage_unavailable")

    monkeypatch.setattr(photos._objects, "size", fail)  # type: ignore[attr-defined]
    with pytest.raises(UnavailableError):
        photos.read("a.jpg")


def test_places_that_cant_be_are_named(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    for place in (str(tmp_path / "none"), "nonsense://a/b"):
        with pytest.raises(InputError) as caught:
            open_photos(place)
        assert caught.value.field == "--photos"
