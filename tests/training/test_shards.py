"""Shards come back as they were written, and whatever is wrong with a dataset is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tryon_service.errors import InputError
from tryon_service.training.shards import (
    MANIFEST,
    SIDE,
    Manifest,
    Sample,
    ShardEntry,
    open_dataset,
    read_manifest,
    read_shard,
    write_manifest,
    write_shard,
)


def sample(seed: int = 0, width: int = 64) -> Sample:
    rng = np.random.default_rng(seed)

    def noise(*shape: int) -> np.ndarray:
        return rng.integers(0, 256, (SIDE, width, *shape), np.uint8)

    return Sample(
        "ccp/0025",
        "ccp",
        "jitter",
        2,
        rgb=noise(3),
        alpha=noise(),
        coverage=noise(),
        parsing=noise() % 15,
        xy=rng.normal(200, 300, (33, 2)).astype(np.float32),
        seen=rng.random(33) < 0.5,
        target=noise(3),
        target_alpha=noise(),
        target_parsing=noise() % 15,
    )


def same(one: Sample, other: Sample) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Sample))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished dataset of two shards."""
    shards = {}
    for name, split in (("held-0000.zip", "held"), ("train-0000.zip", "train")):
        digest = write_shard(tmp_path / name, [sample(1), sample(2)])
        shards[name] = ShardEntry(digest, split, (f"ccp/{split}",), {"ccp jitter": 2}, {"side_view": 1})  # type: ignore[arg-type]
    write_manifest(tmp_path, Manifest("0123", {"limit": None}, shards, finished=True))
    return tmp_path


def test_samples_come_back_exactly(tmp_path: Path) -> None:
    written = [sample(1), sample(2, width=96)]
    write_shard(tmp_path / "a.zip", written)
    found = read_shard(tmp_path / "a.zip")
    assert [same(one, other) for one, other in zip(written, found, strict=True)] == [True, True]
    assert found[0].xy.dtype == np.float32
    assert found[0].seen.dtype == np.bool_


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "a.zip", [sample()]) == write_shard(tmp_path / "b.zip", [sample()])
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.zip", "b.zip"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shard(tmp_path / "a.zip", [sample(1)])
    before = (tmp_path / "a.zip").read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_shard(tmp_path / "a.zip", [sample(2)])
    assert (tmp_path / "a.zip").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:5000] + bytes(40) + data[5040:],
        lambda data: data.replace(b'"kind": "jitter"', b'"kind": "banana"'),
        lambda data: data.replace(b'"format": 1', b'"format": 9'),
    ],
    ids=["truncated", "empty", "zeros inside", "unknown kind", "another version"],
)
def test_a_damaged_shard_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    write_shard(tmp_path / "train-0007.zip", [sample()])
    data = (tmp_path / "train-0007.zip").read_bytes()
    (tmp_path / "train-0007.zip").write_bytes(damage(data))
    with pytest.raises(InputError, match=r"train-0007\.zip") as caught:
        read_shard(tmp_path / "train-0007.zip")
    assert caught.value.code == "invalid_option"


def test_a_pose_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    bad = sample()
    bad = replace(bad, xy=np.where(np.arange(33)[:, None] == 4, np.float32("nan"), bad.xy))
    with pytest.raises(ValueError, match="JSON"):
        write_shard(tmp_path / "a.zip", [bad])
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_knows_its_sides(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.paths("held") == [folder / "held-0000.zip"]
    assert dataset.paths("train") == [folder / "train-0000.zip"]
    assert dataset.names("held") == ["ccp/held"]
    assert dataset.manifest.counts("train") == {"ccp jitter": 2}
    assert dataset.manifest.failures == {"side_view": 2}
    assert read_manifest(folder) == dataset.manifest


def test_a_changed_truncated_or_missing_shard_is_named(folder: Path) -> None:
    path = folder / "train-0000.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"train-0000\.zip is truncated or was changed"):
        open_dataset(folder)
    write_shard(path, [sample(1), sample(3)])
    with pytest.raises(InputError, match=r"train-0000\.zip is truncated or was changed"):
        open_dataset(folder)
    path.unlink()
    with pytest.raises(InputError, match=r"train-0000\.zip can't be read"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 0}, "'format': 0"),
        ({"side": 256}, "'side': 256"),
        ({"finished": False}, "isn't finished"),
        ({"shards": None}, "holds no manifest.json"),
    ],
)
def test_another_version_or_half_a_dataset_is_named(folder: Path, change: dict[str, object], words: str) -> None:
    value = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(value | change))
    with pytest.raises(InputError, match=words) as caught:
        open_dataset(folder)
    assert caught.value.field == "dataset"


def test_a_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no manifest\.json"):
        open_dataset(tmp_path)
