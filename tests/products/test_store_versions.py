"""A store of an earlier release is brought up to date, and copied before; one of a later release is refused by name."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
import redis
from cards import BACK, FRONT, put

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products import folder, index_version
from tryon_service.products.folder import FolderStore
from tryon_service.products.remote import PREFIX, RemoteStore

NEXT = "ALTER TABLE products ADD COLUMN season TEXT DEFAULT 'summer'"
"""What a later release might do."""


def tables(path: Path) -> tuple[int, list[tuple[object, ...]]]:
    """(version, products)."""
    with contextlib.closing(sqlite3.connect(path)) as index:
        return index.execute("PRAGMA user_version").fetchone()[0], index.execute("SELECT * FROM products").fetchall()


@pytest.fixture
def filled(path: Path) -> Path:
    with contextlib.closing(FolderStore(path)) as products:
        put(products, "shirt", FRONT)
    return path


def test_a_folder_of_an_earlier_release_is_copied_and_brought_up_to_date(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(filled / "index.db")
    monkeypatch.setattr(folder, "STEPS", (*folder.STEPS, NEXT, "DROP TABLE uses; CREATE TABLE uses (n)"))
    for _ in range(2):  # the second time there is nothing to do
        FolderStore(filled).close()
        version, rows = tables(filled / "index.db")
        assert (version, [row[-1] for row in rows]) == (3, ["summer"])
        copies = list(filled.glob("index.db.v*"))
        assert [copy.name for copy in copies] == ["index.db.v1"]
        assert tables(copies[0]) == before
        assert copies[0].stat().st_mode & 0o777 == 0o600
    monkeypatch.undo()
    (filled / "index.db.v1").rename(filled / "index.db")  # the way back
    with contextlib.closing(FolderStore(filled)) as products:
        assert products.photos(products.get("acme", "shirt")) == [FRONT]


@pytest.mark.parametrize("trouble", ["a step fails", "no copy"])
def test_an_upgrade_that_fails_leaves_what_was(filled: Path, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    before = tables(filled / "index.db")
    with monkeypatch.context() as later:
        later.setattr(folder, "STEPS", (*folder.STEPS, NEXT if trouble == "no copy" else f"{NEXT}; SELECT nonsense"))
        if trouble == "no copy":
            (filled / "index.db.v1").mkdir()
        with contextlib.closing(FolderStore(filled)) as products, pytest.raises(UnavailableError):
            products.list("acme")
    assert tables(filled / "index.db") == before
    with contextlib.closing(FolderStore(filled)) as products:
        assert products.photos(products.get("acme", "shirt")) == [FRONT]
        put(products, "coat", BACK)
    assert not list(filled.glob(".index.db*")), "nothing half-copied is left"


def test_a_folder_of_a_later_release_is_refused_and_left_alone(filled: Path) -> None:
    with contextlib.closing(sqlite3.connect(filled / "index.db")) as index:
        index.execute("PRAGMA user_version = 7")
    with pytest.raises(InputError, match="version 7, this release reads up to 1") as caught:
        FolderStore(filled)
    assert caught.value.field == "TRYON_DATA"
    assert tables(filled / "index.db")[0] == 7


def test_a_folder_that_turns_out_to_be_later_is_unavailable(filled: Path) -> None:
    """Such as one whose disk came late."""
    away = filled.rename(filled.with_name("away"))
    filled.write_text("no folder yet")
    with contextlib.closing(FolderStore(filled)) as products:
        with contextlib.closing(sqlite3.connect(away / "index.db")) as index:
            index.execute("PRAGMA user_version = 7")
        filled.unlink()
        away.rename(filled)
        with pytest.raises(UnavailableError, match="version 7") as caught:
            products.list("acme")
    assert caught.value.code == "storage_unavailable"


URL = "memory://versions"


def keys(client: redis.Redis) -> dict[str, object]:
    """All keys but the version, and what is in the hashes."""
    names = sorted(key for key in client.keys(PREFIX + "*") if not key.endswith(":version"))
    return {name: client.hgetall(name) if client.type(name) == "hash" else None for name in names}


def test_an_index_without_a_version_is_the_first_ones(redis_url: str) -> None:
    with (
        redis.Redis.from_url(redis_url, decode_responses=True) as client,
        contextlib.closing(RemoteStore(URL, redis_url)) as products,
    ):
        put(products, "shirt", FRONT)
        client.delete(PREFIX + "version")
        before = keys(client)
        with contextlib.closing(RemoteStore(URL, redis_url)) as others:
            assert others.photos(others.get("acme", "shirt")) == [FRONT]
        assert client.get(PREFIX + "version") == "1"
        assert keys(client) == before


def test_an_index_of_an_earlier_release_is_copied_and_brought_up_to_date(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = "redis.call('RENAME', PREFIX .. 'records:acme', PREFIX .. 'cards:acme')"
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        with contextlib.closing(RemoteStore(URL, redis_url)) as products:
            put(products, "shirt", FRONT)
        before = keys(client)
        monkeypatch.setattr(index_version, "STEPS", (*index_version.STEPS, step))
        for _ in range(2):  # the second time there is nothing to do
            RemoteStore(URL, redis_url).close()
            after = keys(client)
            copies = {name.replace("copy-of-version-1:", ""): after[name] for name in after if "copy-of" in name}
            assert copies == before
            assert after[PREFIX + "cards:acme"] == before[PREFIX + "records:acme"]
            assert client.get(PREFIX + "version") == "2"


def test_an_upgrade_of_the_index_that_fails_is_told(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        with contextlib.closing(RemoteStore(URL, redis_url)) as products:
            put(products, "shirt", FRONT)
        with monkeypatch.context() as later:
            later.setattr(index_version, "STEPS", (*index_version.STEPS, "redis.call('NONSENSE')"))
            with contextlib.closing(RemoteStore(URL, redis_url)) as products, pytest.raises(UnavailableError):
                products.list("acme")
        assert client.get(PREFIX + "version") == "1"
        with contextlib.closing(RemoteStore(URL, redis_url)) as products:
            assert products.photos(products.get("acme", "shirt")) == [FRONT]


def test_an_index_of_a_later_release_is_refused_by_name(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(PREFIX + "version", 7)
    with pytest.raises(InputError, match="version 7, this release reads up to 1") as caught:
        RemoteStore(URL, redis_url)
    assert caught.value.field == "TRYON_INDEX_URL"
