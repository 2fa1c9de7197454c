"""Trouble with the folder: full, read-only, gone, damaged or busy. It is told, nothing is lost, and it recovers."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cards import BACK, FRONT, SIDE, files, put, record
from small_disks import fill, mounted

from tryon_service.errors import UnavailableError
from tryon_service.products import database, photo_files
from tryon_service.products.folder import FolderStore
from tryon_service.products.records import sha256_of
from tryon_service.products.reserve import RESERVE_BYTES


def code_of(caught: pytest.ExceptionInfo[UnavailableError]) -> str:
    assert caught.value.retryable
    assert "/" not in caught.value.public_text, "no path is for the public"
    return caught.value.code


def test_readers_do_not_wait_for_a_writer(path: Path, products: FolderStore) -> None:
    put(products, "shirt", FRONT)
    with contextlib.closing(sqlite3.connect(path / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept = products.get("acme", "shirt")
        assert products.photos(kept) == [FRONT]
        assert products.list("acme") == ([kept], "")


def test_a_writer_that_waits_too_long_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with (
        contextlib.closing(FolderStore(path)) as products,
        contextlib.closing(sqlite3.connect(path / "index.db")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="busy") as caught:
            put(products, "shirt", FRONT)
        assert code_of(caught) == "storage_unavailable"
        assert files(path) == set()
        other.rollback()
        put(products, "shirt", FRONT)


@pytest.mark.parametrize("call", ["fsync", "write", "rename", "mkdir"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage_full"), (errno.EDQUOT, "storage_full"), (errno.EIO, "storage_unavailable")],
)
def test_a_write_that_fails_leaves_what_was(
    path: Path, products: FolderStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    put(products, "shirt", FRONT, BACK)
    before = files(path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        if call == "fsync":
            broken.setattr(photo_files.os, "fsync", fail)
        elif call == "write":
            broken.setattr(photo_files.tempfile, "mkstemp", fail)
        elif call == "rename":
            broken.setattr(photo_files.Path, "rename", fail)
        else:
            broken.setattr(photo_files.Path, "mkdir", fail)
        with pytest.raises(UnavailableError) as caught:
            put(products, "shirt", FRONT, SIDE)
    assert code_of(caught) == code
    assert files(path) == before
    assert products.photos(products.get("acme", "shirt")) == [FRONT, BACK]
    put(products, "shirt", SIDE)
    assert files(path) == {sha256_of(SIDE)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


def put_coats(products: FolderStore, count: int) -> None:
    for number in range(count):
        put(products, f"coat-{number}", FRONT)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    path = small_disk / "products"
    with contextlib.closing(FolderStore(path)) as products:
        number, code = 0, ""
        while not code:
            try:
                put(products, f"shirt-{number}", number.to_bytes(4, "big") * 10_000)
                number += 1
            except UnavailableError as error:
                code = error.code
        assert code == "storage_full"
        assert 5 < number < 30
        kept = products.list("acme")[0]
        assert len(kept) == number
        for one in kept:
            products.photos(one)
        assert files(path) == {photo.sha256 for one in kept for photo in one.photos}
        for number in range(len(kept)):
            products.delete("acme", f"shirt-{number}")
        assert files(path) == set()
        assert (path / "reserve").stat().st_size == RESERVE_BYTES, "room for the next time"
        put(products, "new", FRONT)


def test_a_full_disk_stops_the_index_too(small_disk: Path) -> None:
    """Room is short for the record alone: its photo is there already."""
    path = small_disk / "products"
    with contextlib.closing(FolderStore(path)) as products:
        put(products, "shirt", FRONT)
        filler = fill(small_disk)
        with pytest.raises(UnavailableError) as caught:
            put_coats(products, 2000)
        assert code_of(caught) == "storage_full"
        kept = products.get("acme", "shirt")
        assert products.photos(kept) == [FRONT]
        filler.unlink()
        put(products, "coat-2000", FRONT)


def test_a_disk_that_is_full_from_the_start(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    filler = fill(small_disk)
    with contextlib.closing(FolderStore(small_disk / "products")) as products:
        assert "can't be opened yet" in caplog.text
        with pytest.raises(UnavailableError) as caught:
            put(products, "shirt", FRONT)
        assert code_of(caught) == "storage_full"
        filler.unlink()
        put(products, "shirt", FRONT)
        assert products.photos(products.get("acme", "shirt")) == [FRONT]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of a user who isn't root, as whom the test then runs: root may write whatever is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if os.geteuid() != 0:
            yield path
            return
        nobody = 65534
        os.chown(path, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield path
        finally:
            os.seteuid(0)


def test_a_read_only_folder_is_told_and_recovers(open_folder: Path) -> None:
    path = open_folder / "products"
    with contextlib.closing(FolderStore(path)) as products:
        put(products, "shirt", FRONT)
        # The folders of photos that are there already stay writable on no read-only disk.
        for folder in [path / "photos", *(path / "photos").iterdir()]:
            folder.chmod(0o500)
        with pytest.raises(UnavailableError) as caught:
            put(products, "shirt", BACK)
        assert code_of(caught) == "storage_unavailable"
        assert products.photos(products.get("acme", "shirt")) == [FRONT]
        for folder in [path / "photos", *(path / "photos").iterdir()]:
            folder.chmod(0o700)
        put(products, "shirt", BACK)
        assert files(path) == {sha256_of(BACK)}


def test_a_folder_that_can_not_be_made_is_tried_again(open_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = open_folder / "products"
    open_folder.chmod(0o500)
    with contextlib.closing(FolderStore(path)) as products:
        with pytest.raises(UnavailableError) as caught:
            products.list("acme")
        assert code_of(caught) == "storage_unavailable"
        open_folder.chmod(0o700)
        assert products.list("acme") == ([], "")


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_can_write_is_refused(path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    path.mkdir()
    path.chmod(mode)
    with contextlib.closing(FolderStore(path)) as products, pytest.raises(UnavailableError):
        products.list("acme")
    assert "can be written by others" in caplog.text
    assert list(path.iterdir()) == []


def test_a_folder_that_vanished_is_missed_and_comes_back(path: Path, products: FolderStore) -> None:
    put(products, "shirt", FRONT)
    path.rename(path.with_name("elsewhere"))
    for call in (
        lambda: products.get("acme", "shirt"),
        lambda: put(products, "coat", BACK),
        lambda: products.list("acme"),
        lambda: products.delete("acme", "shirt"),
        lambda: products.photos(record("shirt", FRONT)),
    ):
        with pytest.raises(UnavailableError) as caught:
            call()
        assert code_of(caught) == "storage_unavailable"
    assert not path.exists(), "an empty one in its place would hide the loss"
    path.with_name("elsewhere").rename(path)
    assert products.photos(products.get("acme", "shirt")) == [FRONT]
    put(products, "coat", BACK)


def test_an_index_that_was_put_in_place_of_another_is_the_one_used(path: Path, products: FolderStore) -> None:
    put(products, "shirt", FRONT)
    path.rename(path.with_name("elsewhere"))
    with contextlib.closing(FolderStore(path)) as other:
        put(other, "coat", BACK)
    assert [one.id for one in products.list("acme")[0]] == ["coat"]
    put(products, "hat", SIDE)
    with contextlib.closing(FolderStore(path)) as other:
        assert [one.id for one in other.list("acme")[0]] == ["coat", "hat"]


@pytest.mark.parametrize("damage", ["no database", "torn pages", "empty record", "a folder"])
def test_a_damaged_index_is_told(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.closing(FolderStore(path)) as products:
        for number in range(50):
            put(products, f"shirt-{number}", FRONT)
    index = path / "index.db"
    if damage == "no database":
        index.write_bytes(b"no database at all" * 1000)
    elif damage == "torn pages":
        data = index.read_bytes()
        index.write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    elif damage == "a folder":
        index.unlink()
        index.mkdir()
    else:
        with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as other:
            other.execute("UPDATE products SET record = ''")
    with contextlib.closing(FolderStore(path)) as products:
        for call in (
            lambda: products.get("acme", "shirt-1"),
            lambda: products.list("acme"),
            lambda: put(products, "shirt-1", BACK),
            lambda: products.delete("acme", "shirt-1"),
        ):
            with pytest.raises(UnavailableError) as caught:
                call()
            assert code_of(caught) == "storage_unavailable"
    if damage != "torn pages":
        assert sha256_of(FRONT) in files(path), "photos aren't swept on the word of a damaged index"


def test_trouble_is_logged_once_and_without_the_photo(
    path: Path, products: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(path)
    with caplog.at_level(logging.DEBUG), pytest.raises(UnavailableError):
        products.list("acme")
    assert len(caplog.records) == 1
    assert "product store" in caplog.text
