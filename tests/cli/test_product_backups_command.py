"""tryon products backup, verify and restore, as an operator runs them."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tryon_service.access.keys import KeyStore
from tryon_service.cli import main as cli
from tryon_service.cli import product_backups
from tryon_service.products.folder import FolderStore
from tryon_service.products.records import ProductRecord, photo_record

PHOTOS = (b"front" * 1000, b"back" * 1000)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two products and a key."""
    data = tmp_path / "data"
    monkeypatch.setenv("TRYON_DATA", str(data))
    monkeypatch.delenv("TRYON_API_KEY", raising=False)
    with closing(FolderStore(data / "products")) as products:
        for store, photos in (("acme", PHOTOS), ("other", PHOTOS[:1])):
            record = ProductRecord("shirt", tuple(map(photo_record, photos)), "contract 17")
            products.put(store, record, photos)
    KeyStore(data / "keys.db").create("acme", ["render"])
    return data


def run(*argv: str | Path) -> int:
    return cli.main(["products", *map(str, argv)])


def ids(data: Path) -> list[str]:
    with closing(FolderStore(data / "products")) as products:
        return [f"{store}/{one.id}" for store in ("acme", "other") for one in products.list(store)[0]]


def test_backup_verify_wipe_restore(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, secrets = tmp_path / "monday.zip", tmp_path / "secrets.json"
    assert run("backup", file, "--secrets", secrets) == cli.OK
    said = capsys.readouterr()
    assert "2 products of 2 stores, 2 photos, 0.0 MB, as of 2" in said.out
    assert "1 API key, 0 secrets" in said.out
    assert said.err == "", "a bar is for a terminal"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert json.loads(secrets.read_text())["keys"][0][0] not in file.read_bytes().decode("latin-1")
    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "nowhere"))
    assert run("verify", file) == cli.OK, "it needs nothing but the file"
    assert "is whole: 2 products" in capsys.readouterr().out
    assert not (tmp_path / "nowhere").exists()

    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "new"))
    assert run("restore", file, "--secrets", secrets) == cli.OK
    said = capsys.readouterr()
    assert "2 restored." in said.out
    assert "Start engine and gateway again" in said.out
    assert ids(tmp_path / "new") == ids(data) == ["acme/shirt", "other/shirt"]
    assert KeyStore(tmp_path / "new/keys.db").list() == KeyStore(data / "keys.db").list()


def test_a_merge_must_be_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("backup", tmp_path / "1.zip") == cli.OK
    with closing(FolderStore(data / "products")) as products:
        products.put("acme", ProductRecord("hat", (photo_record(PHOTOS[1]),), "contract 18"), [PHOTOS[1]])
    capsys.readouterr()
    assert run("restore", tmp_path / "1.zip") == cli.USAGE
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "--merge" in said.err
    assert "acme/hat" in said.err
    assert run("restore", tmp_path / "1.zip", "--merge", "keep") == cli.OK
    assert capsys.readouterr().out == "2 unchanged.\n"
    assert ids(data) == ["acme/hat", "acme/shirt", "other/shirt"]


def test_what_can_not_be_is_one_line_with_the_name_of_what_is_wrong(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK")
    (tmp_path / "there").write_text("")
    tries = [
        ((("verify", tmp_path / "cut.zip")), "FILE", "cut short"),
        (("restore", tmp_path / "cut.zip"), "FILE", "cut short"),
        (("backup", tmp_path / "there"), "FILE", "there already"),
        (("backup", tmp_path / "no/file"), "FILE", "no folder"),
        (("backup", tmp_path / "x", "--secrets", tmp_path / "there"), "--secrets", "there already"),
        (("restore", tmp_path / "cut.zip", "--secrets", tmp_path / "there"), "--secrets", "cut short"),
    ]
    for argv, field, words in tries:
        assert run(*argv) == cli.USAGE
        said = capsys.readouterr().err
        assert said.startswith(f"tryon: {field}: ")
        assert words in said
        assert said.count("\n") == 1
    assert not (tmp_path / "x").exists(), "nothing is begun that can't be finished"

    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "elsewhere"))
    assert run("backup", tmp_path / "x.zip") == cli.USAGE
    assert "TRYON_DATA: An option has an invalid value. There is no product store in" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists(), "looking makes none"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_anothers_store_is_told_with_whose_it_is(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.chown(data / "products", 1000, 1000)
    assert run("backup", tmp_path / "x.zip") == cli.USAGE
    assert "belongs to user 1000, and this is user 0" in capsys.readouterr().err


def test_what_is_missing_is_counted() -> None:
    from collections import Counter

    from tryon_service.products.manifest import Manifest

    record = ProductRecord("shirt", (photo_record(b"x"),), "contract 17")
    manifest = Manifest((("acme", record), ("other", record)), 0)
    assert product_backups.account(Counter({"restored": 1}), manifest) == (
        "1 restored; 1 still missing: the same command goes on."
    )
