"""The operator's own networks beside the shipped ones: taken in whole or not at all, found by every Store."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from types import MappingProxyType

import pytest

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo.manifest import ImportedFile, Manifest, Network, Normalisation, PackagedFile, Source
from tryon_service.zoo.own import FILE
from tryon_service.zoo.store import Store


def network(name: str, content: bytes, source: Source) -> Network:
    digest = hashlib.sha256(content).hexdigest()
    scale, file = Normalisation((0, 0, 0), (1, 1, 1)), f"{name}-{digest[:8]}.bin"
    return Network(name, "t", file, digest, len(content), "own", False, "c.md", (1, 1), scale, (source,))


def mine(name: str, content: bytes) -> Network:
    return network(name, content, ImportedFile("räume 1.pth", "0" * 64))


@pytest.fixture
def shipped(tmp_path: Path) -> Manifest:
    return Manifest(tmp_path, MappingProxyType({"parser": network("parser", b"p", PackagedFile("parser.bin"))}))


@pytest.fixture
def zoo(tmp_path: Path, shipped: Manifest) -> Store:
    return Store(tmp_path / "zoo", shipped)


def add(zoo: Store, name: str, content: bytes, *, replace: bool = False) -> Path:
    with zoo.workspace() as folder:
        (folder / "made").write_bytes(content)
        return zoo.add(mine(name, content), folder / "made", replace=replace)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_what_was_added_is_found_by_this_store_and_others(zoo: Store, shipped: Manifest) -> None:
    path = add(zoo, "mine", b"weights")
    assert path.read_bytes() == b"weights"
    for store in (zoo, Store(zoo.root, shipped)):
        assert store.path("mine") == path
        store.verify("mine")
        assert store.manifest.network("mine") == mine("mine", b"weights")
        assert {entry.network.name: entry.state for entry in store.list()} == {"parser": "absent", "mine": "present"}
    assert names(zoo.root) == {path.name, FILE}


def test_a_taken_name_needs_a_word_and_the_old_file_stays(zoo: Store) -> None:
    old = add(zoo, "mine", b"old")
    assert add(zoo, "mine", b"old") == old, "the same again is no change"
    with pytest.raises(InputError, match="already"):
        add(zoo, "mine", b"new")
    assert zoo.path("mine").read_bytes() == b"old"
    new = add(zoo, "mine", b"new", replace=True)
    assert new.read_bytes() == b"new"
    assert names(zoo.root) == {old.name, new.name, FILE}
    assert [one.id for one in zoo.earlier()] == [mine("mine", b"old").id]


def test_going_back_and_forth_is_one_call(zoo: Store, shipped: Manifest) -> None:
    for content in (b"first", b"second", b"third"):
        add(zoo, "mine", content, replace=True)
    assert zoo.use("mine", mine("mine", b"first").sha256[:6]).id == mine("mine", b"first").id
    other = Store(zoo.root, shipped)
    assert other.path("mine").read_bytes() == b"first"
    assert {one.sha256 for one in other.earlier()} == {mine("mine", one).sha256 for one in (b"second", b"third")}
    other.use("mine", mine("mine", b"third").sha256)
    assert Store(zoo.root, shipped).path("mine").read_bytes() == b"third"


@pytest.mark.parametrize("digest", ["", "xyz", "0" * 64])
def test_weights_that_are_not_there_can_not_be_used(zoo: Store, digest: str) -> None:
    add(zoo, "mine", b"old")
    add(zoo, "mine", b"new", replace=True)
    with pytest.raises(InputError, match=mine("mine", b"old").sha256[:8]):
        zoo.use("mine", digest)
    assert zoo.path("mine").read_bytes() == b"new"


def test_damaged_earlier_weights_are_not_put_in_use(zoo: Store) -> None:
    old = add(zoo, "mine", b"old")
    add(zoo, "mine", b"new", replace=True)
    old.write_bytes(b"odd")
    with pytest.raises(ZooError) as caught:
        zoo.use("mine", mine("mine", b"old").sha256)
    assert caught.value.code == "network_mismatch"
    assert zoo.path("mine").read_bytes() == b"new"
    old.unlink()
    assert zoo.earlier() == (), "who removes the file has removed the weights"


def test_shipped_names_can_not_be_taken(zoo: Store) -> None:
    with pytest.raises(InputError, match="'parser' already"):
        add(zoo, "parser", b"other", replace=True)


def test_a_file_other_than_its_entry_changes_nothing(zoo: Store) -> None:
    add(zoo, "mine", b"old")
    before = names(zoo.root)
    (zoo.root.parent / "made").write_bytes(b"not that")
    with pytest.raises(ZooError) as caught:
        zoo.add(mine("mine", b"new"), zoo.root.parent / "made", replace=True)
    assert caught.value.code == "network_mismatch"
    assert names(zoo.root) == before
    assert zoo.path("mine").read_bytes() == b"old"


def test_a_crash_before_the_entry_leaves_the_old_network(
    zoo: Store, shipped: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(zoo, "mine", b"old")

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tryon_service.zoo.store.write_own", crash)
    with pytest.raises(ZooError, match="No space left") as caught:
        add(zoo, "mine", b"new", replace=True)
    assert caught.value.code == "storage_unavailable"
    assert Store(zoo.root, shipped).path("mine").read_bytes() == b"old"


def test_two_at_a_time_both_get_in(tmp_path: Path, shipped: Manifest) -> None:
    threads = [
        threading.Thread(target=lambda i=i: add(Store(tmp_path / "zoo", shipped), f"n{i}", b"%d" % i)) for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Store(tmp_path / "zoo", shipped).manifest.networks) == {"parser", *(f"n{i}" for i in range(6))}


def test_a_lost_file_says_what_brings_it_back(zoo: Store) -> None:
    add(zoo, "mine", b"weights").unlink()
    for ask in (zoo.verify, zoo.path, zoo.pull):
        with pytest.raises(ZooError, match=r"räume 1\.pth.*tryon zoo import mine FILE") as caught:
            ask("mine")
        assert caught.value.code == "network_missing"


def test_a_damaged_file_is_refused(zoo: Store, shipped: Manifest) -> None:
    add(zoo, "mine", b"weights").write_bytes(b"wEights")
    with pytest.raises(ZooError) as caught:
        Store(zoo.root, shipped).path("mine")
    assert caught.value.code == "network_mismatch"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "can't be read"),
        ("[]", "can't be read"),
        ('{"version": 9}', "version 9"),
        ('{"version": 1, "networks": [{"name": "mine"}]}', "network 'mine': task is missing"),
    ],
)
def test_a_damaged_list_is_named(zoo: Store, shipped: Manifest, content: str, words: str) -> None:
    zoo.root.mkdir()
    (zoo.root / FILE).write_text(content)
    with pytest.raises(ZooError, match=words) as caught:
        Store(zoo.root, shipped)
    assert str(zoo.root / FILE) in caught.value.detail


def test_a_list_with_a_shipped_name_is_refused(zoo: Store, shipped: Manifest) -> None:
    add(zoo, "mine", b"weights")
    document = json.loads((zoo.root / FILE).read_text())
    document["networks"][0]["name"] = "parser"
    (zoo.root / FILE).write_text(json.dumps(document))
    with pytest.raises(ZooError, match="lists parser"):
        Store(zoo.root, shipped)
