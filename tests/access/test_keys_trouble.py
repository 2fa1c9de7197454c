"""The file of keys on a full disk: who is known stays known, nothing is half written, and it recovers by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disks import fill, mounted

from tryon_service.access.keys import KeyStore
from tryon_service.access.usage import Usage
from tryon_service.errors import UnavailableError


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as made:
        yield made


def make_keys(keys: KeyStore, number: int) -> None:
    for _ in range(number):
        keys.create("shop", ["render"])


def test_keys_go_on_working_while_the_disk_is_full(disk: Path) -> None:
    keys = KeyStore(disk / "keys.db")
    key, text = keys.create("shop", ["render"])
    usage = Usage(disk / "keys.db", flush_every=3600)
    usage.count(key.id, "a", "ok")
    filler = fill(disk)
    assert keys.authenticate(text) == key
    with pytest.raises(UnavailableError) as caught:
        usage.flush()
    assert caught.value.code == "storage_full"
    with pytest.raises(UnavailableError) as caught:
        make_keys(keys, 100)  # the file may have a little room of its own
    assert caught.value.code == "storage_full"
    known = len(keys.list())
    filler.unlink()
    usage.close()
    assert usage.rows()[0].count == 1, "kept until there was room"
    keys.create("shop", ["render"])
    assert len(keys.list()) == known + 1


def test_a_disk_that_is_full_from_the_start_is_said_to_be(disk: Path) -> None:
    filler = fill(disk)
    with pytest.raises(UnavailableError) as caught:
        KeyStore(disk / "keys.db")
    assert caught.value.code == "storage_full"
    filler.unlink()
    key, text = KeyStore(disk / "keys.db").create("shop", ["render"])
    assert KeyStore(disk / "keys.db").authenticate(text) == key
