"""What comes back is what was: ids, photos, views, rights references and times; and nothing else is touched."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from cards import BACK, FRONT, SIDE, put, record
from small_disks import mounted
from wiped import MADE, Home

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products.backup import back_up, opened
from tryon_service.products.backup_files import backup_file
from tryon_service.products.base import ProductStore
from tryon_service.products.records import ProductRecord, sha256_of
from tryon_service.products.restore import Merge, What, restore

LATER = MADE + 1000


def everything(store: ProductStore) -> dict[tuple[str, str], tuple[ProductRecord, list[bytes]]]:
    return {(name, one.id): (one, store.photos(one)) for name in ("acme", "other") for one in store.list(name)[0]}


@pytest.fixture
def file(home: Home, tmp_path: Path) -> Path:
    """A backup of three products, one of them changed after it was made."""
    with home.store() as store:
        put(store, "coat", BACK)
        store.put("other", record("shirt", SIDE), [SIDE])
        put(store, "shirt", FRONT)
    with home.store(MADE + 5) as store:
        put(store, "shirt", FRONT, BACK)
        back_up(store, backup_file(str(tmp_path / "backup.zip")))
    return tmp_path / "backup.zip"


def restored(file: Path, store: ProductStore, merge: Merge | None = None) -> Counter[What]:
    done: Counter[What] = Counter()
    with opened(backup_file(str(file))) as backup:
        restore(backup, store, merge, done)
    return done


def test_after_a_wipe_everything_is_as_it_was(home: Home, file: Path) -> None:
    with home.store() as store:
        before = everything(store)
        first = store.list("acme", 1)
    home.wipe()
    with home.store(LATER) as store:
        assert everything(store) == {}
        assert restored(file, store) == {"restored": 3}
        assert everything(store) == before
        assert store.list("acme", 1) == first, "pages are the same, too"
        shirt = store.get("acme", "shirt")
        assert (shirt.created_at, shirt.updated_at) == (MADE, MADE + 5)
        assert restored(file, store) == {"unchanged": 3}, "doing it again changes nothing"
        assert store.delete("acme", "shirt").unused == (sha256_of(FRONT),), (
            "photos of several products are counted right"
        )


def test_from_a_folder_to_many_machines_and_back(tmp_path: Path, redis_url: str) -> None:
    folder, many = Home(tmp_path / "folder", ""), Home(tmp_path / "objects", redis_url)
    with folder.store() as store:
        put(store, "shirt", FRONT, BACK)
        before = everything(store)
        back_up(store, backup_file(str(tmp_path / "1.zip")))
    with many.store(LATER) as store:
        restored(tmp_path / "1.zip", store)
        assert everything(store) == before
        back_up(store, backup_file(str(tmp_path / "2.zip")))
    folder.wipe()
    with folder.store(LATER) as store:
        restored(tmp_path / "2.zip", store)
        assert everything(store) == before


def test_a_store_with_products_of_its_own_is_left_alone_unless_told(home: Home, file: Path) -> None:
    home.wipe()
    with home.store(LATER) as store:
        put(store, "shirt", SIDE)
        put(store, "hat", BACK)
        before = everything(store)
        with pytest.raises(InputError, match="acme/hat, acme/shirt") as caught:
            restored(file, store)
        assert (caught.value.code, caught.value.field) == ("invalid_option", "--merge")
        assert everything(store) == before
        assert home.photos() == {sha256_of(SIDE), sha256_of(BACK)}


@pytest.mark.parametrize(
    ("merge", "counts", "shirt"),
    [
        ("keep", {"restored": 2, "kept": 1}, ([SIDE], LATER, LATER)),
        ("replace", {"restored": 2, "replaced": 1}, ([FRONT, BACK], MADE, MADE + 5)),
    ],
)
def test_a_merge_keeps_what_only_the_store_has(
    home: Home, file: Path, merge: Merge, counts: dict[What, int], shirt: tuple[list[bytes], int, int]
) -> None:
    home.wipe()
    with home.store(LATER) as store:
        put(store, "shirt", SIDE)
        put(store, "hat", b"hat" * 1000)
        assert restored(file, store, merge) == counts
        assert [one.id for one in store.list("acme")[0]] == ["coat", "hat", "shirt"]
        now = store.get("acme", "shirt")
        assert (store.photos(now), now.created_at, now.updated_at) == shirt
        other = store.list("other")[0] + store.list("acme")[0]
        assert home.photos() == {photo.sha256 for one in other for photo in one.photos}


def test_an_interrupted_restore_goes_on(home: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with home.store() as store:
        before = everything(store)
    home.wipe()
    done: Counter[What] = Counter()
    with home.store(LATER) as store, opened(backup_file(str(file))) as backup:
        adopt = store.adopt

        def full(*arguments: object, **options: object) -> object:
            if done.total() == 2:
                raise UnavailableError("storage_full")
            return adopt(*arguments, **options)  # type: ignore[arg-type]

        with monkeypatch.context() as broken:
            broken.setattr(store, "adopt", full)
            with pytest.raises(UnavailableError):
                restore(backup, store, None, done)
        assert done == {"restored": 2}
        there = everything(store)
        assert there == {key: before[key] for key in there}, "each is whole or not there"
        assert restored(file, store) == {"unchanged": 2, "restored": 1}
        assert everything(store) == before


def test_of_a_damaged_backup_nothing_comes_back(home: Home, file: Path) -> None:
    content = file.read_bytes()
    at = content.index(SIDE[:100])  # of the last product: the others are whole
    file.write_bytes(content[: at + 50] + b"?" + content[at + 51 :])
    home.wipe()
    with home.store() as store:
        with pytest.raises(InputError, match=sha256_of(SIDE)[:12]):
            restored(file, store)
        assert everything(store) == {}
        assert home.photos() == set()


def test_photos_that_were_lost_or_damaged_are_mended(home: Home, file: Path) -> None:
    home.photo(sha256_of(FRONT)).unlink()
    home.photo(sha256_of(SIDE)).write_bytes(b"cut")
    with home.store(LATER) as store:
        assert restored(file, store) == {"unchanged": 3}
        assert everything(store)["acme", "shirt"][1] == [FRONT, BACK]
        assert everything(store)["other", "shirt"][1] == [SIDE]


def test_what_others_put_meanwhile_stays(home: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.wipe()
    with home.store(LATER) as store, home.store(LATER) as others:
        adopt = store.adopt

        def late(name: str, one: ProductRecord, photos: list[bytes], *, replace: bool = False) -> object:
            if (name, one.id) == ("acme", "shirt"):
                put(others, "shirt", SIDE)
            return adopt(name, one, photos, replace=replace)

        monkeypatch.setattr(store, "adopt", late)
        assert restored(file, store) == {"restored": 2, "kept": 1}
        assert store.photos(store.get("acme", "shirt")) == [SIDE]


def test_a_full_disk_leaves_whole_products(tmp_path: Path) -> None:
    with Home(tmp_path / "home", "").store() as store:
        for number in range(20):
            put(store, f"shirt-{number}", bytes([number]) * 60_000)
        back_up(store, backup_file(str(tmp_path / "backup.zip")))
    with mounted(tmp_path / "disk") as disk, Home(disk / "home", "").store() as store:
        with pytest.raises(UnavailableError) as caught:
            restored(tmp_path / "backup.zip", store)
        assert caught.value.code == "storage_full"
        kept = everything(store)
        assert 0 < len(kept) < 20
        assert all(store.photos(one) == photos for one, photos in kept.values())
