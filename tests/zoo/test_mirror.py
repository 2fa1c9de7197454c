"""Mirrors of the zoo: filled, resumed, pulled from, and never believed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo import store as store_module
from tryon_service.zoo.manifest import ImportedFile, Manifest, Network, Normalisation, PackagedFile, Source, WheelMember
from tryon_service.zoo.mirror import UNFINISHED, VARIABLE, Mirror
from tryon_service.zoo.own import FILE
from tryon_service.zoo.store import Store

FETCHED, PACKAGED = b"fetched once", b"carried in the package"


def network(name: str, content: bytes, source: Source) -> Network:
    digest, scale = hashlib.sha256(content).hexdigest(), Normalisation((0, 0, 0), (1, 1, 1))
    return Network(name, "t", f"{name}.bin", digest, len(content), "own", True, "c.md", (1, 1), scale, (source,))


@pytest.fixture
def shipped(tmp_path: Path) -> Manifest:
    (tmp_path / "packaged.bin").write_bytes(PACKAGED)
    known = (
        network("fetched", FETCHED, WheelMember("zootest==1.0", "fetched.bin")),
        network("packaged", PACKAGED, PackagedFile("packaged.bin")),
    )
    return Manifest(tmp_path, MappingProxyType({one.name: one for one in known}))


@pytest.fixture
def filled(tmp_path: Path, shipped: Manifest) -> Store:
    """A zoo that has everything, with a network of its own."""
    made = Store(tmp_path / "filled", shipped)
    add_own(made, b"own weights")
    (made.root / shipped.network("fetched").stored_file).write_bytes(FETCHED)
    return made


def add_own(zoo: Store, content: bytes, *, replace: bool = False) -> None:
    with zoo.workspace() as folder:
        (folder / "made").write_bytes(content)
        zoo.add(network("mine", content, ImportedFile("mine.pth", "0" * 64)), folder / "made", replace=replace)


@pytest.fixture(params=["folder", "bucket"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A bucket stands for every other kind of storage behind fsspec."""
    if request.param == "folder":
        return str(tmp_path / "some" / "mirror")
    pytest.importorskip("fsspec", reason="mirrors in buckets need fsspec (the extra `scale`)")
    return f"memory://zoo-{tmp_path.name}"


@pytest.fixture(autouse=True)
def _no_package_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(store_module, "download_wheel", pytest.fail)


def files(where: str) -> dict[str, bytes]:
    if "://" not in where:
        return {path.name: path.read_bytes() for path in Path(where).iterdir()}
    import fsspec

    bucket, root = fsspec.core.url_to_fs(where)
    return {Path(path).name: bucket.cat_file(path) for path in bucket.find(root)}


def write(where: str, name: str, content: bytes) -> None:
    Mirror(where)._files.write(name, io.BytesIO(content))


def fill(zoo: Store, where: str) -> list[bool]:
    return [zoo.mirror(name, Mirror(where)) for name in zoo.manifest.networks]


def test_a_mirror_holds_every_file_under_a_name_that_tells_its_contents(filled: Store, where: str) -> None:
    assert fill(filled, where) == [True, True, True]
    held = files(where)
    assert set(held) == {one.stored_file for one in filled.manifest.networks.values()} | {FILE}
    for one in filled.manifest.networks.values():
        assert hashlib.sha256(held[one.stored_file]).hexdigest() == one.sha256


def test_what_is_there_is_not_copied_again_and_what_is_damaged_is(filled: Store, where: str) -> None:
    fill(filled, where)
    assert fill(filled, where) == [False, False, False]
    write(where, filled.manifest.network("fetched").stored_file, b"cut sho")
    assert fill(filled, where) == [True, False, False]
    assert files(where)[filled.manifest.network("fetched").stored_file] == FETCHED


def test_two_versions_lie_side_by_side(filled: Store, where: str) -> None:
    fill(filled, where)
    add_own(filled, b"newer weights", replace=True)
    fill(filled, where)
    assert {b"own weights", b"newer weights"} < set(files(where).values())


def test_another_machine_needs_nothing_but_the_mirror_and_later_not_even_that(
    tmp_path: Path, filled: Store, shipped: Manifest, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(filled, where)
    monkeypatch.setenv(VARIABLE, where)
    other = Store(tmp_path / "other", shipped)
    assert other.path("fetched").read_bytes() == FETCHED
    assert other.take_own(Mirror(where)) == ["mine"]
    assert other.path("mine").read_bytes() == b"own weights"
    assert other.take_own(Mirror(where)) == []
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    for name in other.manifest.networks:
        Store(tmp_path / "other", shipped).verify(name)
        assert Store(tmp_path / "other", shipped).path(name).is_file()


def test_a_wrong_file_in_a_mirror_is_refused_and_leaves_nothing(
    tmp_path: Path, filled: Store, shipped: Manifest, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(filled, where)
    write(where, shipped.network("fetched").stored_file, b"fetched oncE")
    monkeypatch.setenv(VARIABLE, where)
    other = Store(tmp_path / "other", shipped)
    with pytest.raises(ZooError) as caught:
        other.path("fetched")
    assert caught.value.code == "network_mismatch"
    assert shipped.network("fetched").sha256 in caught.value.detail
    assert {path.name for path in other.root.iterdir()} == {".lock"}


def test_what_a_mirror_lacks_is_said_and_not_fetched_elsewhere(
    tmp_path: Path, shipped: Manifest, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, where)
    with pytest.raises(ZooError, match="'tryon zoo mirror") as caught:
        Store(tmp_path / "other", shipped).path("fetched")
    assert caught.value.code == "network_missing"


def test_a_plain_name_does_too(tmp_path: Path, shipped: Manifest, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(where, "fetched.bin", FETCHED)
    monkeypatch.setenv(VARIABLE, where)
    assert Store(tmp_path / "other", shipped).path("fetched").read_bytes() == FETCHED


@pytest.mark.parametrize("trouble", ["fails", "lies"])
def test_a_storage_that_fails_or_lies_leaves_no_half_file(
    filled: Store, where: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(where)
    write_whole: Callable[..., None] = mirror._files.write

    def wrong(name: str, source: object) -> None:
        write_whole(name, io.BytesIO(b"half"))
        if trouble == "fails":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(mirror._files, "write", wrong)
    with pytest.raises(ZooError, match="No space left" if trouble == "fails" else "does not hold") as caught:
        filled.mirror("fetched", mirror)
    assert caught.value.code == "storage_unavailable"
    assert not any(UNFINISHED in name or name.startswith("fetched") for name in files(where))


def test_a_url_that_can_not_be_is_refused() -> None:
    pytest.importorskip("fsspec", reason="mirrors in buckets need fsspec (the extra `scale`)")
    with pytest.raises(InputError) as caught:
        Mirror("nosuch://bucket", "TARGET")
    assert caught.value.field == "TARGET"
