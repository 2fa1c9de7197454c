"""Keys and secrets come back; nothing that was revoked becomes valid, and nothing that is there is lost."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tryon_service.access.keys import KeyStore
from tryon_service.access.usage import Usage
from tryon_service.errors import AccessError, InputError
from tryon_service.keyring import Keyring
from tryon_service.products.secrets_backup import Secrets
from tryon_service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    """Of the machine that everything is restored on."""
    return Settings(data=tmp_path / "other")


def keys(settings: Settings) -> KeyStore:
    return KeyStore(settings.data / "keys.db")


def test_keys_their_use_and_secrets_come_back(settings: Settings, other: Settings, tmp_path: Path) -> None:
    key, text = keys(settings).create("shop", ["render"], name="web", ttl=1e6)
    usage = Usage(settings.data / "keys.db", flush_every=3600)
    usage.count(key.id, "render", "accepted")
    usage.close()
    keyring, file = Keyring.load(settings), tmp_path / "secrets.json"
    Secrets.of(settings).write(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text not in file.read_text(), "keys are kept hashed there as well"
    for _ in range(2):  # the second changes nothing
        Secrets.read(file).restore(other)
        assert keys(other).authenticate(text) == key
        assert Keyring.load(other) == keyring
        assert [row.count for row in Usage(other.data / "keys.db").rows()] == [1]
    kinds = {stat.S_IMODE(path.stat().st_mode) for path in other.data.iterdir()}
    assert kinds == {0o600}


def test_what_is_there_stays_and_what_was_revoked_stays_revoked(
    settings: Settings, other: Settings, tmp_path: Path
) -> None:
    before, text = keys(settings).create("shop", ["render"])
    late, late_text = keys(settings).create("shop", ["render"])
    old = Keyring.load(settings)
    Secrets.of(settings).write(tmp_path / "1.json")
    keys(settings).revoke(before.id)
    Secrets.of(settings).write(tmp_path / "2.json")

    _, new_text = keys(other).create("shop", ["render"])
    new = Keyring.load(other)
    for file in ("2.json", "1.json"):  # the older one last
        Secrets.read(tmp_path / file).restore(other)
    assert keys(other).authenticate(new_text)
    assert keys(other).authenticate(late_text) == late
    with pytest.raises(AccessError):
        keys(other).authenticate(text)
    assert Keyring.load(other).keys == new.keys + old.keys, "what is made from now on is of the secret that was there"
    assert Keyring.load(other).key("signed link", old.keys[0].id) == old.key("signed link")


def test_a_secret_that_is_another_is_not_replaced(settings: Settings, other: Settings, tmp_path: Path) -> None:
    _, text = keys(settings).create("shop", ["render"])
    old = Keyring.load(settings)
    Secrets.of(settings).write(tmp_path / "1.json")
    other.data.mkdir()
    (other.data / "secrets").write_text(f"{old.keys[0].id}:{'B' * 43}=")
    with pytest.raises(InputError, match="is another"):
        Secrets.read(tmp_path / "1.json").restore(other)
    assert "BBBB" in (other.data / "secrets").read_text()
    with pytest.raises(AccessError):
        keys(other).authenticate(text)


def test_nothing_to_keep_and_a_file_in_the_way_are_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no keys and no secrets"):
        Secrets.of(settings)
    keys(settings).create("shop", ["render"])
    file = tmp_path / "1.json"
    Secrets.of(settings).write(file)
    before = file.read_bytes()
    for path in (file, tmp_path / "no" / "file"):
        with pytest.raises(InputError) as caught:
            Secrets.of(settings).write(path)
        assert caught.value.field == "--secrets"
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: json.dumps({**json.loads(text), "version": 2}),
        lambda text: json.dumps({**json.loads(text), "secrets": "abc"}),
        lambda text: json.dumps({**json.loads(text), "keys": [["one"]]}),
        lambda text: json.dumps({**json.loads(text), "usage": 7}),
        lambda text: "[]",
    ],
)
def test_what_is_no_file_of_secrets_is_refused(
    settings: Settings, other: Settings, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    keys(settings).create("shop", ["render"])
    Keyring.load(settings)
    file = tmp_path / "1.json"
    Secrets.of(settings).write(file)
    file.write_text(damage(file.read_text()))
    with pytest.raises(InputError) as caught:
        Secrets.read(file)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "--secrets")
    with pytest.raises(InputError):
        Secrets.read(tmp_path / "nothing")
