from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tryon_service.cli.files import check_writable, read_photo, write_atomically, write_json
from tryon_service.errors import InputError


def test_a_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_usual_rights(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_atomically(tmp_path / "a.bin", b"one")
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"one")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["missing.jpg", "."])
def test_reading_needs_a_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        read_photo(tmp_path / name, "--shopper")
    assert caught.value.field == "--shopper"


@pytest.mark.parametrize("name", ["no/such/folder.jpg", "."])
def test_writing_needs_a_folder_and_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_writable(tmp_path / name, "--out")
    assert caught.value.field == "--out"
