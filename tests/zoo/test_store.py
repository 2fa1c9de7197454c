"""The store, offline: a wheel made here stands for the package index."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
import time
import zipfile
from pathlib import Path
from types import MappingProxyType

import pytest

from tryon_service.errors import ZooError
from tryon_service.zoo import fetch, store
from tryon_service.zoo.manifest import Manifest, Network, Normalisation, PackagedFile, Source, WheelMember
from tryon_service.zoo.store import Store

CONTENT = {"one": b"first network", "two": b"second network, longer"}
REQUIREMENT = "zootest==1.0"


def network(name: str, *sources: Source, content: bytes | None = None) -> Network:
    data = CONTENT[name] if content is None else content
    scale = Normalisation((0, 0, 0), (1, 1, 1))
    digest = hashlib.sha256(data).hexdigest()
    return Network(name, "t", f"{name}.bin", digest, len(data), "Apache-2.0", True, "c.md", (1, 1), scale, sources)


def stored(name: str) -> str:
    """The file's name in a zoo."""
    return f"{name}-{hashlib.sha256(CONTENT[name]).hexdigest()[:8]}.bin"


def manifest(folder: Path, *networks: Network) -> Manifest:
    return Manifest(folder, MappingProxyType({entry.name: entry for entry in networks}))


def wheel_networks() -> tuple[Network, ...]:
    return tuple(network(name, WheelMember(REQUIREMENT, f"zootest/{name}.bin")) for name in CONTENT)


def build_wheel(folder: Path, content: dict[str, bytes] = CONTENT) -> Path:
    path = folder / "zootest-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"zootest/{name}.bin", data)
        archive.writestr("zootest-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zootest\nVersion: 1.0\n")
        archive.writestr(
            "zootest-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("zootest-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRYON_ZOO_DIR", "TRYON_ZOO_MIRROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def downloads(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Downloads come from a wheel made here; the list tells how many there were."""
    made = build_wheel(tmp_path_factory.mktemp("index"))
    calls: list[str] = []

    def download(requirement: str, folder: Path, advice: str) -> Path:
        calls.append(requirement)
        time.sleep(0.05)
        return made

    monkeypatch.setattr(store, "download_wheel", download)
    return calls


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(requirement: str, folder: Path, advice: str) -> Path:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(store, "download_wheel", refuse)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_one_download_serves_all_members_and_leaves_nothing_else(tmp_path: Path, downloads: list[str]) -> None:
    zoo = Store(tmp_path / "zoo", manifest(tmp_path, *wheel_networks()))
    assert [entry.state for entry in zoo.list()] == ["absent", "absent"]
    assert zoo.path("one").read_bytes() == CONTENT["one"]
    assert zoo.path("two").read_bytes() == CONTENT["two"]
    assert downloads == [REQUIREMENT]
    assert names(tmp_path / "zoo") == {stored("one"), stored("two")}
    assert [entry.state for entry in zoo.list()] == ["present", "present"]


@pytest.mark.usefixtures("no_network")
def test_a_filled_zoo_needs_no_network_and_no_write_access(tmp_path: Path) -> None:
    for name, data in CONTENT.items():
        (tmp_path / f"{name}.bin").write_bytes(data)
    tmp_path.chmod(0o555)
    try:
        zoo = Store(tmp_path, manifest(tmp_path, *wheel_networks()))
        zoo.verify("one")
        assert zoo.path("two").is_file()
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("damage", [b"first netw0rk", b"first"])
def test_a_damaged_file_is_refused_and_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "one.bin").write_bytes(damage)
    zoo = Store(tmp_path, manifest(tmp_path, *wheel_networks()))
    for ask in (zoo.path, zoo.verify):
        with pytest.raises(ZooError, match=r"one\.bin") as caught:
            ask("one")
        assert caught.value.code == "network_mismatch"
    assert zoo.list()[0].state == "mismatch"


@pytest.mark.usefixtures("downloads")
def test_weights_of_two_releases_lie_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade, and back again without a network: each release finds its own."""
    root, source = tmp_path / "zoo", WheelMember(REQUIREMENT, "zootest/one.bin")
    before = manifest(tmp_path, network("one", source, content=b"the release before"))
    root.mkdir()
    (root / "one.bin").write_bytes(b"the release before")  # by a release that gave files no other names
    after = manifest(tmp_path, network("one", source))
    with pytest.raises(ZooError, match=r"one\.bin .* or of another version; 'tryon zoo pull one'"):
        Store(root, after).path("one")
    assert Store(root, after).pull("one").read_bytes() == CONTENT["one"]
    monkeypatch.setattr(store, "download_wheel", pytest.fail)
    for _ in range(2):
        assert Store(root, before).path("one").read_bytes() == b"the release before"
        assert Store(root, after).path("one").read_bytes() == CONTENT["one"]


def test_pull_replaces_a_damaged_file(tmp_path: Path, downloads: list[str]) -> None:
    (tmp_path / "one.bin").write_bytes(b"damaged")
    zoo = Store(tmp_path, manifest(tmp_path, *wheel_networks()))
    assert zoo.pull("one").read_bytes() == CONTENT["one"]
    zoo.pull("one")
    assert len(downloads) == 1


@pytest.mark.usefixtures("downloads")
def test_a_wrong_download_never_gets_the_final_name(tmp_path: Path) -> None:
    expected = network("one", WheelMember(REQUIREMENT, "zootest/one.bin"), content=b"other bytes!!")
    zoo = Store(tmp_path, manifest(tmp_path, expected))
    with pytest.raises(ZooError) as caught:
        zoo.path("one")
    assert caught.value.code == "network_mismatch"
    assert expected.sha256 in caught.value.detail
    assert names(tmp_path) == set()


@pytest.mark.usefixtures("downloads")
def test_a_wheel_without_the_member_is_a_mismatch(tmp_path: Path) -> None:
    zoo = Store(tmp_path, manifest(tmp_path, network("one", WheelMember(REQUIREMENT, "zootest/none.bin"))))
    with pytest.raises(ZooError, match=r"none\.bin") as caught:
        zoo.path("one")
    assert caught.value.code == "network_mismatch"


def test_concurrent_pulls_download_once(tmp_path: Path, downloads: list[str]) -> None:
    found: list[bytes] = []

    def pull() -> None:
        zoo = Store(tmp_path, manifest(tmp_path, *wheel_networks()))
        found.append(zoo.path("one").read_bytes())

    threads = [threading.Thread(target=pull) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT["one"]] * 6
    assert len(downloads) == 1


@pytest.mark.usefixtures("no_network")
def test_a_mirror_comes_first_and_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "one.bin").write_bytes(CONTENT["one"])
    (mirror / "two.bin").write_bytes(b"wrong")
    monkeypatch.setenv("TRYON_ZOO_MIRROR", str(mirror))
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path / "zoo"))
    zoo = Store(manifest=manifest(tmp_path, *wheel_networks()))
    assert zoo.path("one") == tmp_path / "zoo" / stored("one")
    with pytest.raises(ZooError, match="5 bytes"):
        zoo.path("two")


@pytest.mark.usefixtures("no_network")
def test_a_packaged_file_is_used_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    packaged = tmp_path / "weights" / "one.bin"
    packaged.write_bytes(CONTENT["one"])
    zoo = Store(tmp_path / "zoo", manifest(tmp_path, network("one", PackagedFile("weights/one.bin"))))
    assert zoo.path("one") == packaged
    packaged.unlink()
    with pytest.raises(ZooError) as caught:
        zoo.pull("one")
    assert caught.value.code == "network_missing"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    zoo = Store(tmp_path / "file" / "zoo", manifest(tmp_path, *wheel_networks()))
    with pytest.raises(ZooError, match="TRYON_ZOO_DIR"):
        zoo.path("one")


def test_verify_says_what_fetches_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="tryon zoo pull"):
        Store(tmp_path, manifest(tmp_path, *wheel_networks())).verify("one")


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="no pip in this environment")
def test_pip_itself_fetches_and_says_so_when_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, one, two = tmp_path / "index", tmp_path / "one", tmp_path / "two"
    for folder in (index, one, two):
        folder.mkdir()
    build_wheel(index)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    wheel = fetch.download_wheel(REQUIREMENT, one, "advice")
    with fetch.open_member(wheel, "zootest/one.bin") as stream:
        assert stream.read() == CONTENT["one"]
    with pytest.raises(ZooError, match="Copy it by hand") as caught:
        fetch.download_wheel("zootest==2.0", two, "Copy it by hand.")
    assert caught.value.code == "network_missing"


def test_an_environment_without_pip_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="needs pip"):
        fetch.download_wheel(REQUIREMENT, tmp_path, "")
