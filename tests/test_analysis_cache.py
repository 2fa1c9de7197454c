"""The folder of analyses: exact, checked, bounded, private, and shared by processes without harm."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tryon_service import analysis_cache
from tryon_service.analysis_cache import AnalysisCache, Folder, file_key
from tryon_service.cache import nbytes
from tryon_service.packing import pack
from tryon_service.pipeline import Pipeline
from tryon_service.types import Photo

KB = 1024


def content(value: int, kilobytes: int = 10) -> bytes:
    return np.random.default_rng(value).bytes(kilobytes * KB)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.analysis"))


def read(folder: Folder, name: str) -> bytes | None:
    data = folder.read(name)
    return None if data is None else data.tobytes()


def photo(value: int = 0) -> Photo:
    return Photo(np.random.default_rng(value).integers(0, 256, (40, 30, 3)).astype(np.uint8), (30, 40), str(value))


def test_what_is_written_is_read_by_its_owner_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "cache", 100 * KB)
    assert folder.read("a") is None
    folder.write("a", [content(1), memoryview(content(2))])
    assert read(folder, "a") == content(1) + content(2)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert stat.S_IMODE(entries(tmp_path / "cache")[0].stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["a.analysis", "lock"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "longer"])
def test_a_damaged_file_counts_as_absent_and_goes(tmp_path: Path, damage: str) -> None:
    folder = Folder(tmp_path, 100 * KB)
    folder.write("a", [content(1)])
    (path,) = entries(tmp_path)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    damaged = {"truncated": data[:7000], "flipped": data, "empty": b"", "longer": path.read_bytes() + b"x"}[damage]
    path.write_bytes(damaged)
    assert folder.read("a") is None
    assert entries(tmp_path) == []
    folder.write("a", [content(1)])
    assert read(folder, "a") == content(1)


def test_no_damage_anywhere_in_a_file_is_ever_served(tmp_path: Path) -> None:
    """Every byte of a small file, from the header's first to the digest's last, and every length it may be cut to."""
    AnalysisCache[Photo](0, tmp_path).get(("a",), ("net",), lambda: small_photo(0))
    (path,) = entries(tmp_path)
    sound, truth = path.read_bytes(), small_photo(0).rgb
    changed = [sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :] for at in range(len(sound))]
    for number, data in enumerate([*changed, *(sound[:length] for length in range(len(sound))), sound + b"\0"]):
        path.write_bytes(data)
        cache = AnalysisCache[Photo](0, tmp_path)
        assert cache._folder is not None
        assert cache._folder.read(path.name.partition(".")[0]) is None, number
        assert not path.exists()
        assert cache.damaged == 1
    path.write_bytes(changed[-1])
    cache = AnalysisCache[Photo](0, tmp_path)
    for _ in range(2):
        assert np.array_equal(cache.get(("a",), ("net",), lambda: small_photo(0)).rgb, truth)
    assert cache.damaged == 1, "what was made again is sound"
    assert path.read_bytes() == sound


def small_photo(value: int) -> Photo:
    return Photo(np.full((2, 3, 3), value, np.uint8), (3, 2), str(value))


def test_another_entrys_file_is_not_served(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 100 * KB)
    for number, name in enumerate("ab"):
        folder.write(name, [content(number)])
    (tmp_path / "a.analysis").replace(tmp_path / "b.analysis")
    assert folder.read("b") is None
    assert folder.damaged == 1


def test_files_of_another_version_are_ignored_and_go_when_nobody_reads_them(tmp_path: Path) -> None:
    old, new = Folder(tmp_path, 100 * KB, "1-old"), Folder(tmp_path, 100 * KB, "2-new")
    old.write("a", [content(0)])
    old.write("b", [content(1)])
    assert new.read("a") is None
    os.utime(tmp_path / "a.1-old.analysis", (time.time() - 90_000,) * 2)
    new.write("a", [content(2)])
    assert [path.name for path in entries(tmp_path)] == ["a.2-new.analysis", "b.1-old.analysis"]
    assert read(old, "b") == content(1), "a version that still runs has its own"
    assert (old.damaged, new.damaged) == (0, 0)


def test_a_full_folder_loses_what_was_not_read_for_longest(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 35 * KB)
    for number, name in enumerate("abc"):
        folder.write(name, [content(number)])
        os.utime(tmp_path / f"{name}.analysis", (number, number))
    assert read(folder, "a") == content(0)
    folder.write("d", [content(3)])
    assert [path.stem for path in entries(tmp_path)] == ["a", "c", "d"]
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 35 * KB


def test_what_is_larger_than_the_folder_is_not_kept_and_costs_nobody(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 35 * KB)
    folder.write("a", [content(0)])
    folder.write("large", [content(1, 40)])
    assert [path.stem for path in entries(tmp_path)] == ["a"]


def test_what_others_left_unfinished_goes_in_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 35 * KB)
    old, young = tmp_path / "x.unfinished", tmp_path / "y.unfinished"
    for path in (old, young):
        path.write_bytes(b"part")
    os.utime(old, (time.time() - 7200,) * 2)
    folder.write("a", [content(0)])
    assert not old.exists()
    assert young.exists()


HAMMER = """
import sys
from pathlib import Path
import numpy as np
from tryon_service.analysis_cache import Folder
folder, seed = Folder(Path(sys.argv[1]), 60 * 1024), int(sys.argv[2])
rng, hits = np.random.default_rng(seed), 0
for _ in range(150):
    value = int(rng.integers(0, 8))
    content = np.random.default_rng(value).bytes(10 * 1024)
    data = folder.read(str(value))
    if data is None:
        folder.write(str(value), [content])
    else:
        assert data.tobytes() == content
        hits += 1
assert hits
"""


def test_two_processes_may_share_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", HAMMER, str(tmp_path)]
    running = [subprocess.Popen([*command, str(seed)], stderr=subprocess.PIPE, text=True) for seed in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert errors == ""
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 60 * KB
    assert not list(tmp_path.glob("*.unfinished"))
    for path in entries(tmp_path):
        assert read(Folder(tmp_path, 60 * KB), path.stem) == content(int(path.stem))


def test_threads_may_share_a_cache(tmp_path: Path) -> None:
    cache = AnalysisCache[Photo](0, tmp_path, 1 << 20)
    wrong: list[int] = []

    def work() -> None:
        for value in range(12):
            found = cache.get((value,), (), lambda value=value: photo(value))
            if not np.array_equal(found.rgb, photo(value).rgb):
                wrong.append(value)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("trouble", ["a file in its place", "disk full", "open to others", "read-only"])
def test_trouble_with_the_folder_is_a_warning(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cache"
    if trouble == "a file in its place":
        path.write_bytes(b"")
    elif trouble == "disk full":
        monkeypatch.setattr(analysis_cache.os, "fsync", no_space)
    elif trouble == "open to others":
        path.mkdir()
        path.chmod(0o777)
    else:
        monkeypatch.setattr(analysis_cache.tempfile, "mkstemp", no_space)
    cache = AnalysisCache[Photo](0, path)
    with caplog.at_level(logging.WARNING):
        made = cache.get(("a",), (), photo)
    assert np.array_equal(made.rgb, photo().rgb)
    assert "cache's folder" in caplog.text
    assert not path.is_dir() or [entry.name for entry in path.iterdir() if entry.name != "lock"] == []


def test_the_next_process_makes_nothing(tmp_path: Path) -> None:
    AnalysisCache[Photo](1 << 20, tmp_path).get(("photo", (768, 1024)), ("net",), photo)
    found = AnalysisCache[Photo](1 << 20, tmp_path).get(("photo", (768, 1024)), ("net",), lambda: photo(1))
    assert np.array_equal(found.rgb, photo().rgb)


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cache = AnalysisCache[Photo](1 << 20)
    first = cache.get(("a",), (), photo)
    assert cache.get(("a",), (), lambda: photo(1)) is first
    assert list(tmp_path.iterdir()) == []


def test_another_version_never_hits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {file_key(("photo", None, "warp"), ("net",))}
    names.add(file_key(("photo", None, "warp"), ("other net",)))
    names.add(file_key(("photo", (10, 10), "warp"), ("net",)))
    monkeypatch.setattr(analysis_cache, "FORMAT", 0)
    names.add(file_key(("photo", None, "warp"), ("net",)))
    monkeypatch.setattr(analysis_cache, "_code", lambda: "other code")
    names.add(file_key(("photo", None, "warp"), ("net",)))
    assert len(names) == 5


def test_what_can_not_be_packed_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = AnalysisCache[object](0, tmp_path)
    assert cache.get(("a",), (), lambda: 1j) == 1j
    assert "not kept" in caplog.text
    assert entries(tmp_path) == []


def test_a_whole_file_of_another_kind_is_made_again(tmp_path: Path) -> None:
    Folder(tmp_path, 1 << 20, analysis_cache._version()).write(file_key(("a",), ()), [b"whole, but no analysis"])
    cache = AnalysisCache[Photo](0, tmp_path)
    for _ in range(2):
        assert np.array_equal(cache.get(("a",), (), photo).rgb, photo().rgb)
    assert cache.damaged == 1


def test_an_analysed_product_comes_back_bit_for_bit(pipeline: Pipeline, product_png: bytes, tmp_path: Path) -> None:
    made = Pipeline(cache_folder=tmp_path).analyse_product(product_png)
    (path,) = entries(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = Pipeline(cache_folder=tmp_path)
    other._analyse = pytest.fail  # type: ignore[method-assign]
    found = other.analyse_product(product_png)
    assert b"".join(pack(found)) == b"".join(pack(made))
    assert nbytes(found) == nbytes(made)


def test_a_shopper_never_reaches_the_folder(pipeline: Pipeline, shopper_png: bytes, tmp_path: Path) -> None:
    Pipeline(cache_folder=tmp_path / "cache").analyse_pose(shopper_png)
    assert not (tmp_path / "cache").exists()


def test_everything_about_a_photo_can_be_forgotten(tmp_path: Path) -> None:
    cache = AnalysisCache[Photo](1 << 20, tmp_path)
    for key in (("a", None), ("a", (10, 10)), ("b", None)):
        cache.get(key, ("net",), photo)
    cache.forget("a")
    assert len(entries(tmp_path)) == 1
    for seen in (cache, AnalysisCache[Photo](1 << 20, tmp_path)):
        assert seen.get(("b", None), ("net",), pytest.fail).size == photo().size
        with pytest.raises(ZeroDivisionError):
            seen.get(("a", None), ("net",), lambda: 1 // 0)  # type: ignore[arg-type, return-value]
