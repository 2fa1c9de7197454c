"""A backup is of one moment and whole, or it is not there."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import redis
from cards import BACK, FRONT, SIDE, put, record
from made_backups import checked, fill_store, made
from small_disks import fill, mounted
from wiped import MADE, Home

from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.products import backup_files
from tryon_service.products.backup import MANIFEST, back_up, silent
from tryon_service.products.backup_files import backup_file
from tryon_service.products.records import sha256_of
from tryon_service.products.remote import PREFIX
from tryon_service.products.remote_snapshot import HOLD, LEASE_S


def test_everything_that_is_known_is_in_it_and_only_its_owner_reads_it(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    with home.store() as store:
        fill_store(store)
        kept = [("acme", one) for one in store.list("acme")[0]] + [("other", one) for one in store.list("other")[0]]
        written = back_up(store, backup_file(str(file)), clock=lambda: 77.9)
    assert list(written.products) == kept
    assert [one.created_at for _, one in kept] == [MADE] * 3
    assert checked(file) == written
    assert (written.taken_at, len(written.photos), written.size) == (77, 3, len(FRONT + BACK + SIDE))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["backup.zip"]
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        content = json.loads(archive.read(MANIFEST))
        assert archive.read(f"photos/{sha256_of(SIDE)[:2]}/{sha256_of(SIDE)}") == SIDE
    assert (content["format"], content["version"], content["products"]) == ("tryon products", 1, 3)
    shown = content["records"][2]
    assert (shown["store"], shown["record"]["id"]) == ("other", "shirt")
    assert shown["record"]["photos"][0]["view"] == "side"
    assert shown["record"]["rights_reference"] == "their own, § 4"


def test_it_is_of_the_moment_it_began_whatever_changes_meanwhile(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"

    def change(what: str, total: int) -> object:
        if what == "writing":
            assert total == len(FRONT + BACK + SIDE)
            with home.store(MADE + 9) as others:  # another process, as far as locks are concerned
                others.delete("acme", "coat")
                put(others, "shirt", b"new" * 1000)
                others.delete("other", "shirt")
                put(others, "hat", SIDE)
        return silent(what, total)

    with home.store() as store:
        fill_store(store)
        before = back_up(store, backup_file(str(file)), change)  # type: ignore[arg-type]
        assert checked(file) == before
        assert [(name, one.id) for name, one in before.products] == [
            ("acme", "coat"),
            ("acme", "shirt"),
            ("other", "shirt"),
        ]
        assert set(before.photos) == {sha256_of(photo) for photo in (FRONT, BACK, SIDE)}
        assert [one.id for one in store.list("acme")[0]] == ["hat", "shirt"]
    assert home.photos() == {sha256_of(b"new" * 1000), sha256_of(SIDE)}, "what was given up goes at the end"


def test_what_is_given_up_while_a_backup_runs_stays_until_its_end(home: Home) -> None:
    with home.store() as store, home.store() as others:
        put(store, "shirt", FRONT)
        with store.snapshot() as snapshot:
            others.delete("acme", "shirt")
            with home.store():  # a restart of the service removes what nobody uses, but not now
                assert snapshot.read(sha256_of(FRONT)) == FRONT
            with others.snapshot() as later:
                assert later.products == []
            assert snapshot.read(sha256_of(FRONT)) == FRONT, "the other backup's end is not the last"
        assert home.photos() == set()


def test_a_backup_that_dies_holds_nothing_up_for_ever(home: Home) -> None:
    with home.store() as store:
        put(store, "shirt", FRONT)
        if home.redis_url:
            with redis.Redis.from_url(home.redis_url) as client:
                client.eval(HOLD, 1, PREFIX + "held", "who died an hour ago", -3600 + LEASE_S)
        else:
            hold = "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_SH); sys.exit(7)"
            (home.path / "hold").touch(0o600)
            assert subprocess.run([sys.executable, "-c", hold, home.path / "hold"], check=False).returncode == 7
        store.delete("acme", "shirt")
    assert home.photos() == set()


def test_a_photo_taken_away_by_who_knows_of_no_backup_is_a_conflict(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.zip"
    with home.store() as store:
        fill_store(store)
        home.photo(sha256_of(FRONT)).unlink()
        with pytest.raises(UnavailableError, match="shirt") as damaged:
            back_up(store, backup_file(str(file)))
        assert damaged.value.code == "storage_unavailable", "nobody changed the product: it must be put again"
        get = store.get
        monkeypatch.setattr(store, "get", lambda name, one: record(one, SIDE) if one == "shirt" else get(name, one))
        with pytest.raises(UnavailableError, match="shirt") as caught:
            back_up(store, backup_file(str(file)))
    assert (caught.value.code, caught.value.retryable) == ("conflict", True)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_no_backup_takes_anothers_place(tmp_path: Path) -> None:
    file = made(tmp_path)
    before = file.read_bytes()
    with Home(tmp_path / "home", "").store() as store, pytest.raises(InputError, match="there already") as caught:
        back_up(store, backup_file(str(file)))
    assert caught.value.field == "FILE"
    assert file.read_bytes() == before


def test_an_empty_store_is_no_backup(tmp_path: Path) -> None:
    """Sooner or later it is the wrong folder."""
    with Home(tmp_path / "home", "").store() as store, pytest.raises(InputError, match="nothing to back up") as caught:
        back_up(store, backup_file(str(tmp_path / "backup.zip")))
    assert caught.value.field == "TRYON_DATA"


def test_a_full_disk_is_told_before_and_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(tmp_path / "disk") as disk, Home(tmp_path / "home", "").store() as store:
        fill_store(store)
        fill(disk)
        for _ in range(2):
            with pytest.raises(UnavailableError) as caught:
                back_up(store, backup_file(str(disk / "backup.zip")))
            assert (caught.value.code, caught.value.field) == ("storage_full", "FILE")
            assert [path.name for path in disk.iterdir()] == ["filler"], "nothing is left of it"
            monkeypatch.setattr(backup_files.LocalFile, "check_room", lambda *_: None)  # it fills up meanwhile


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_file_that_can_not_be_finished_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with Home(tmp_path / "home", "").store() as store:
        fill_store(store)
        monkeypatch.setattr(backup_files.os, "rename", fail)
        with pytest.raises(TryonError) as caught:
            back_up(store, backup_file(str(tmp_path / "backup.zip")))
    assert caught.value.code == ("storage_full" if number == errno.ENOSPC else "invalid_option")
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize(("where", "words"), [("here/no/backup.zip", "no folder"), ("here", "there already")])
def test_a_place_that_can_not_be_is_named(tmp_path: Path, where: str, words: str) -> None:
    (tmp_path / "here").mkdir()
    with Home(tmp_path / "home", "").store() as store:
        fill_store(store)
        with pytest.raises(InputError, match=words):
            back_up(store, backup_file(str(tmp_path / where)))
    with pytest.raises(InputError, match="No such file"):
        checked(tmp_path / "nothing.zip")


@pytest.mark.parametrize("start", ["memory://backups", "bucket"])
def test_a_backup_may_lie_in_a_bucket(start: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"{request.getfixturevalue(start) if start == 'bucket' else start}/{tmp_path.name}/monday.zip"
    with Home(tmp_path / "home", "").store() as store:
        fill_store(store)
        written = back_up(store, backup_file(url))
        assert checked(url) == written
        with pytest.raises(InputError, match="there already"):
            back_up(store, backup_file(url))
    with pytest.raises(InputError, match="can't be read"):
        checked(f"{url}.not")
    with pytest.raises(InputError, match="scale") as caught:
        backup_file("nothing-known://bucket/x")
    assert caught.value.field == "FILE"
