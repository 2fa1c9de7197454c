"""What every product store does, whichever it is."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cards import BACK, FRONT, SIDE
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.products.base import ProductStore, last_product_id, page_token_after
from tryon_service.products.folder import FolderStore
from tryon_service.products.objects import Objects
from tryon_service.products.records import ProductRecord, photo_record, sha256_of
from tryon_service.products.remote import RemoteStore
from tryon_service.types import Reason


@dataclass
class Clock:
    """Seconds since 1970; set by the test."""

    now: float = 1_000_000.7

    def __call__(self) -> float:
        return self.now


@dataclass
class Place:
    """Where products are kept, and how to open it once more, as another process would."""

    open: Callable[[], ProductStore]
    damage: Callable[[str, bytes | None], None]
    clock: Clock
    opened: list[ProductStore] = field(default_factory=list)

    def store(self) -> ProductStore:
        self.opened.append(self.open())
        return self.opened[-1]


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    clock = Clock()
    if request.param == "folder":
        made = folder_place(tmp_path, clock)
    else:
        start = request.getfixturevalue("bucket") if request.param == "s3" else "memory:/"
        made = remote_place(f"{start}/{tmp_path.name}", request.getfixturevalue("redis_url"), clock)
    yield made
    for store in made.opened:
        store.close()


def folder_place(path: Path, clock: Clock) -> Place:
    def damage(sha256: str, content: bytes | None) -> None:
        file = path / "products/photos" / sha256[:2] / sha256
        file.unlink() if content is None else file.write_bytes(content)

    return Place(lambda: FolderStore(path / "products", clock), damage, clock)


def remote_place(url: str, redis_url: str, clock: Clock) -> Place:
    def damage(sha256: str, content: bytes | None) -> None:
        files, root = Objects(url)._files, Objects(url)._root
        (path,) = [path for path in files.find(root) if path.startswith(f"{root}/{sha256}")]
        files.rm_file(path) if content is None else files.pipe_file(path, content)

    return Place(lambda: RemoteStore(url, redis_url, clock), damage, clock)


@pytest.fixture
def products(place: Place) -> ProductStore:
    return place.store()


def record(product_id: str, *photos: bytes, reference: str = "contract 17") -> ProductRecord:
    return ProductRecord(product_id, tuple(photo_record(photo) for photo in photos), reference)


def put(products: ProductStore, store: str, product_id: str, *photos: bytes) -> tuple[bool, tuple[str, ...]]:
    change = products.put(store, record(product_id, *photos), photos)
    return change.created, change.unused


def test_what_is_put_is_got(place: Place) -> None:
    seen = photo_record(FRONT, "front", "back", (768, 1024), [Reason("blurred", "product[0]", "face", 1.25, 2.0)])
    given_record = ProductRecord("shirt", (seen, photo_record(BACK)), "Vertrag „Übergröße“ 17")
    change = place.store().put("acme", given_record, [FRONT, BACK])
    assert change.created
    assert change.unused == ()
    other = place.store()
    found = other.get("acme", "shirt")
    assert found == change.record == replace(given_record, created_at=1_000_000, updated_at=1_000_000)
    assert other.photos(found) == [FRONT, BACK]
    assert [other.photo(found, index) for index in (1, 0)] == [BACK, FRONT]


def test_a_product_that_was_never_put_is_unknown(products: ProductStore) -> None:
    put(products, "acme", "shirt", FRONT)
    for store, product_id in (("acme", "coat"), ("other", "shirt"), ("acme", "SHIRT"), ("acme", "shir")):
        for call in (products.get, products.delete):
            with pytest.raises(InputError) as caught:
                call(store, product_id)
            assert (caught.value.code, caught.value.field) == ("unknown_product", "product_id")
    assert products.get("acme", "shirt").id == "shirt"


def test_putting_again_replaces_and_keeps_when_it_was_created(place: Place, products: ProductStore) -> None:
    put(products, "acme", "shirt", FRONT, BACK)
    place.clock.now += 60
    change = products.put("acme", record("shirt", SIDE, FRONT), [SIDE, FRONT])
    assert not change.created
    assert change.unused == (sha256_of(BACK),)
    assert (change.record.created_at, change.record.updated_at) == (1_000_000, 1_000_060)
    assert products.get("acme", "shirt") == change.record
    assert products.photos(change.record) == [SIDE, FRONT]


def test_putting_the_same_changes_nothing(place: Place, products: ProductStore) -> None:
    first = products.put("acme", record("shirt", FRONT, BACK), [FRONT, BACK])
    place.clock.now += 60
    again = products.put("acme", record("shirt", FRONT, BACK), [FRONT, BACK])
    assert (again.created, again.unused, again.record) == (False, (), first.record)
    found_more = replace(again.record, photos=(photo_record(FRONT, seen_view="front"), photo_record(BACK)))
    assert products.put("acme", found_more, [FRONT, BACK]).record.updated_at == 1_000_060


def test_a_clock_that_went_back_makes_no_product_older_than_itself(place: Place, products: ProductStore) -> None:
    put(products, "acme", "shirt", FRONT)
    place.clock.now -= 86_400
    assert products.put("acme", record("shirt", BACK), [BACK]).record.updated_at == 1_000_000


def test_a_photo_goes_with_the_last_product_that_has_it(products: ProductStore) -> None:
    put(products, "acme", "shirt", FRONT, BACK)
    put(products, "acme", "coat", FRONT)
    put(products, "other", "shirt", FRONT, FRONT)
    assert products.delete("acme", "shirt").unused == (sha256_of(BACK),)
    kept = products.get("other", "shirt")
    assert products.delete("acme", "coat").unused == ()
    assert products.photos(kept) == [FRONT, FRONT]
    gone = products.delete("other", "shirt")
    assert (gone.record, gone.unused) == (kept, (sha256_of(FRONT),))
    with pytest.raises(UnavailableError) as caught:
        products.photos(kept)
    assert caught.value.code == "conflict"
    assert caught.value.retryable


def test_stores_never_see_each_other(products: ProductStore) -> None:
    put(products, "acme", "shirt", FRONT)
    put(products, "acme-2", "coat", BACK)
    assert [one.id for one in products.list("acme")[0]] == ["shirt"]
    assert [one.id for one in products.list("acme-2")[0]] == ["coat"]
    assert products.list("acm") == ([], "")
    put(products, "acme-2", "shirt", SIDE)
    assert products.delete("acme", "shirt").unused == (sha256_of(FRONT),)
    assert products.photos(products.get("acme-2", "shirt")) == [SIDE]


def test_pages_go_through_every_product_in_order(products: ProductStore) -> None:
    ids = ["-", ".", "..", "0", "10", "9", "A", "Z", "_", "a", "a-b", "aa", "z", "~", "~~"]
    for product_id in reversed(ids):
        put(products, "acme", product_id, FRONT)
    for size in (1, 4, 5, 14, 15, 16, 1000):
        pages, token = [], None
        while token != "":
            page, token = products.list("acme", size, token or "")
            pages.append([one.id for one in page])
        assert list(itertools.chain(*pages)) == sorted(ids)
        assert len(pages) == -(-len(ids) // size)
        assert {len(page) for page in pages[:-1]} <= {size}
    assert len(products.list("acme")[0]) == len(ids)


def test_a_page_begins_after_its_token_though_that_product_is_gone(products: ProductStore) -> None:
    for product_id in "abcde":
        put(products, "acme", product_id, FRONT)
    _, token = products.list("acme", 2)
    products.delete("acme", "b")
    products.delete("acme", "d")
    put(products, "acme", "bb", FRONT)
    page, token = products.list("acme", 2, token)
    assert [one.id for one in page] == ["bb", "c"]
    assert [one.id for one in products.list("acme", 2, token)[0]] == ["e"]


def test_a_page_of_no_size_or_by_no_token_is_named(products: ProductStore) -> None:
    for product_id in "abc":
        put(products, "acme", product_id, FRONT)
    _, token = products.list("acme", 1)
    wrong = [
        "a",
        "*",
        "é",
        token[:-1],
        token + "A",
        token + "=",
        token.swapcase(),
        token[::-1],
        page_token_after("b", "a"),
    ]
    calls = [("page_size", (size,)) for size in (-1, 1001)] + [("page_token", (1, one)) for one in wrong]
    for name, arguments in calls:
        with pytest.raises(InputError) as caught:
            products.list("acme", *arguments)
        assert (caught.value.code, caught.value.field) == ("invalid_option", name)


@given(st.text(max_size=40))
def test_no_text_makes_a_page_token_fail_otherwise(text: str) -> None:
    try:
        product_id = last_product_id("acme", text)
    except InputError:
        return
    assert text == (page_token_after("acme", product_id) if product_id else "")


def test_impossible_ids_are_named(products: ProductStore) -> None:
    good = record("shirt", FRONT)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("store", lambda: products.put("ACME", good, [FRONT])),
        ("store", lambda: products.get("a/b", "shirt")),
        ("store", lambda: products.list("")),
        ("store", lambda: products.delete("a" * 65, "shirt")),
        ("product_id", lambda: products.get("acme", "../shirt")),
        ("product_id", lambda: products.delete("acme", "")),
    ]
    for name, call in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert (caught.value.code, caught.value.field) == ("invalid_option", name)


def test_photos_that_the_record_does_not_tell_of_are_our_own_mistake(products: ProductStore) -> None:
    for photos in ([BACK], [], [FRONT, FRONT]):
        with pytest.raises(TryonError) as caught:
            products.put("acme", record("shirt", FRONT), photos)
        assert caught.value.code == "internal"
    assert products.list("acme") == ([], "")


@pytest.mark.parametrize("content", [None, b"", FRONT[:-1], BACK[: len(FRONT)]], ids=["gone", "empty", "cut", "other"])
def test_a_damaged_photo_is_told_and_mended_by_putting_it_again(
    place: Place, products: ProductStore, content: bytes | None
) -> None:
    put(products, "acme", "shirt", FRONT, BACK)
    place.damage(sha256_of(FRONT), content)
    kept = products.get("acme", "shirt")
    with pytest.raises(UnavailableError) as caught:
        products.photos(kept)
    assert caught.value.code == "storage_unavailable"
    assert sha256_of(FRONT)[:12] in caught.value.detail
    assert put(products, "acme", "shirt", FRONT, BACK) == (False, ())
    assert products.photos(kept) == [FRONT, BACK]


def test_threads_may_share_a_store(place: Place, products: ProductStore) -> None:
    """Few ids and few photos, so that nearly every call meets another."""
    wrong: list[object] = []
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait(60)
        for turn in range(25):
            product_id = "ab"[(seed + turn) % 2]
            photos = [(FRONT, BACK, SIDE)[(seed * 7 + turn) % 3], FRONT]
            try:
                if turn % 5 == 4:
                    products.delete("acme", product_id)
                else:
                    products.put("acme", record(product_id, *photos), photos)
                    products.photos(products.get("acme", product_id))
            except TryonError as error:
                if error.code not in ("unknown_product", "conflict"):
                    wrong.append(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    last = place.store()
    for kept in last.list("acme")[0]:
        assert [sha256_of(photo) for photo in last.photos(kept)] == [photo.sha256 for photo in kept.photos]
        last.delete("acme", kept.id)
    assert last.list("acme") == ([], "")
    for photo in (FRONT, BACK, SIDE):
        assert put(last, "acme", "c", photo) == (True, ())
        assert last.delete("acme", "c").unused == (sha256_of(photo),), "every use was given up before"
