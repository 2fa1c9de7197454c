"""tryon keys: a key's whole life from the command line."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from tryon_service.access.keys import KeyStore
from tryon_service.access.usage import Usage
from tryon_service.cli import main as cli
from tryon_service.errors import AccessError


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYON_DATA", str(tmp_path))


def run(*argv: str) -> int:
    return cli.main(["keys", *argv])


def test_created_listed_used_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create", "--store", "shop", "--scopes", "render, products", "--name", "web") == cli.OK
    said = capsys.readouterr()
    text = said.out.strip()
    secret = text.split("_", 2)[2]
    assert secret not in said.err, "standard output is the key and nothing else"
    keys = KeyStore(tmp_path / "keys.db")
    key = keys.authenticate(text)
    assert (key.store, key.scopes, key.expires) == ("shop", {"render", "products"}, None)

    assert run("list") == cli.OK
    listed = capsys.readouterr().out
    assert re.fullmatch(rf"{key.id}  shop  products,render  active since \S+ \S+ UTC  web\n", listed)

    assert run("revoke", text) == cli.OK
    assert secret not in capsys.readouterr().out
    with pytest.raises(AccessError):
        keys.authenticate(text)
    assert run("list", "--store", "shop") == cli.OK
    assert "revoked" in capsys.readouterr().out
    assert run("list", "--store", "other") == cli.OK
    assert capsys.readouterr().out == ""


def test_a_key_for_some_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create", "--store", "shop", "--days", "0.5") == cli.OK
    key = KeyStore(tmp_path / "keys.db").authenticate(capsys.readouterr().out.strip())
    assert key.scopes == {"render"}
    assert key.expires == pytest.approx(key.created + 43200)
    assert run("list") == cli.OK
    assert "active until" in capsys.readouterr().out


def test_usage_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, _ = KeyStore(tmp_path / "keys.db").create("shop", ["render"], name='a, "b"')
    for day in (1_700_000_000.0, 1_700_100_000.0):
        usage = Usage(tmp_path / "keys.db", clock=lambda day=day: day)  # type: ignore[misc]
        usage.count(key.id, "renders.create", "accepted")
        usage.close()
    assert run("usage") == cli.OK
    printed = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["day"], row["store"], row["name"], row["outcome"], row["count"]) for row in rows] == [
        ("2023-11-14", "shop", 'a, "b"', "accepted", "1"),
        ("2023-11-16", "shop", 'a, "b"', "accepted", "1"),
    ]
    assert run("usage", "--out", str(tmp_path / "usage.csv")) == cli.OK
    assert (tmp_path / "usage.csv").read_text() == printed
    assert run("usage", "--since", "2023-11-15", "--store", "shop") == cli.OK
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run("usage", "--until", "2023-11-13") == cli.OK
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["burn"],
        ["create"],
        ["create", "--store", "Shop!"],
        ["create", "--store", "shop", "--scopes", "everything"],
        ["create", "--store", "shop", "--scopes", ""],
        ["create", "--store", "shop", "--days", "0"],
        ["create", "--store", "shop", "--days", "nan"],
        ["revoke"],
        ["revoke", "nothing"],
        ["usage", "--since", "yesterday"],
        ["usage", "--out", "no/such/folder/usage.csv"],
    ],
)
def test_wrong_usage_is_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == cli.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.endswith("(code invalid_option)\n")
