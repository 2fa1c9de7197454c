"""Files are there whole or not at all, in a folder and behind a URL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disks import fill, mounted

from tryon_service.batch.outputs import Outputs, open_outputs
from tryon_service.errors import InputError, UnavailableError


@pytest.fixture(params=["folder", "url"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[], dict[str, bytes]]]:
    """Where to write, and what is there."""
    folder = tmp_path / "out"
    if request.param == "folder":

        def there() -> dict[str, bytes]:
            found = [path for path in folder.rglob("*") if path.is_file()]
            return {str(path.relative_to(folder)): path.read_bytes() for path in found}

        return str(folder), there
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.store.clear()

    def behind() -> dict[str, bytes]:
        return {name.removeprefix("/batch-out/"): memory.cat_file(name) for name in memory.store}

    return "memory://batch-out", behind


def test_files_are_written_and_removed(place: tuple[str, Callable[[], dict[str, bytes]]], tmp_path: Path) -> None:
    where, there = place
    outputs: Outputs = open_outputs(where)
    outputs.write("a/standing.jpg", b"old")
    outputs.write("a/standing.jpg", b"one")
    (tmp_path / "part").write_bytes(b"two")
    outputs.publish(tmp_path / "part", "results.jsonl")
    assert there() == {"a/standing.jpg": b"one", "results.jsonl": b"two"}
    assert not (tmp_path / "part").exists()
    assert outputs.holds("a/standing.jpg", hashlib.sha256(b"one").hexdigest())
    outputs.remove("a/standing.jpg")
    outputs.remove("a/standing.jpg")
    assert not outputs.holds("a/standing.jpg", hashlib.sha256(b"one").hexdigest())
    assert there() == {"results.jsonl": b"two"}


def test_a_changed_file_is_noticed_and_leftovers_go(tmp_path: Path) -> None:
    outputs = open_outputs(str(tmp_path))
    outputs.write("a/b.jpg", b"one")
    (tmp_path / "a" / "b.jpg").write_bytes(b"two")
    assert not outputs.holds("a/b.jpg", hashlib.sha256(b"one").hexdigest())
    left = tmp_path / ".run" / "unfinished" / "left"
    left.write_bytes(b"half")
    outputs.clear()
    assert not left.exists()
    outputs.remove("a/b.jpg")
    assert not (tmp_path / "a").exists()


def test_a_place_that_cant_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    pytest.importorskip("fsspec")
    for place in (str(tmp_path / "file"), str(tmp_path / "file" / "out"), "/proc/out", "nonsense://a"):
        with pytest.raises(InputError) as caught:
            open_outputs(place)
        assert caught.value.field == "--out"


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        outputs = open_outputs(str(disk))
        outputs.write("a/b.jpg", b"small")
        filler = fill(disk)
        with pytest.raises(UnavailableError, match="is full") as caught:
            outputs.write("a/c.jpg", bytes(100_000))
        assert caught.value.code == "storage_full"
        filler.unlink()
        assert [path.name for path in disk.rglob("*") if path.is_file()] == ["b.jpg"]
