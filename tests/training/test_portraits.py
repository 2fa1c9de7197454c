"""Portraits come back as they were written, and whatever is wrong with a dataset is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tryon_service.errors import InputError
from tryon_service.perception.skeletons import Landmark
from tryon_service.training.portraits import (
    MANIFEST,
    Pair,
    Portrait,
    PortraitManifest,
    PortraitSet,
    PortraitShard,
    open_portraits,
    read_manifest,
    write_manifest,
    write_portraits,
)

WIDTH, HEIGHT = SIZE = (22, 32)


def portrait(name: str = "shirt/front.jpg", seed: int = 0) -> Portrait:
    rng = np.random.default_rng(seed)
    return Portrait(
        name,
        "catalogue",
        name.partition("/")[0],
        "front",
        rgb=rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8),
        matte=rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8),
        parsing=rng.integers(0, 15, (HEIGHT, WIDTH), np.uint8),
        landmarks=rng.normal(10, 30, (33, 2)).astype(np.float32),
        seen=rng.random(33) < 0.5,
    )


def same(one: Portrait, other: Portrait) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Portrait))


@pytest.fixture
def people() -> dict[str, Portrait]:
    return {name: portrait(name, seed) for seed, name in enumerate(("a/1", "a/2", "b/1"))}


@pytest.fixture
def folder(tmp_path: Path, people: dict[str, Portrait]) -> Path:
    """A finished dataset of two shards."""
    one, two, three = people.values()
    shards = {
        "train-0.zip": PortraitShard(
            write_portraits(tmp_path / "train-0.zip", [one, two]), "train", ("a/1", "a/2"), {}
        ),
        "held-0.zip": PortraitShard(
            write_portraits(tmp_path / "held-0.zip", [three]), "held", ("b/1",), {"b/2": "no_person"}
        ),
    }
    pairs = {"train": (Pair("a/1", "a/2", "views"), Pair("a/2", "a/1", "views")), "held": (Pair("b/1", "b/1", "self"),)}
    write_manifest(tmp_path, PortraitManifest(SIZE, "0123", {"limit": None}, shards, pairs, {}, finished=True))  # type: ignore[arg-type]
    return tmp_path


def test_portraits_come_back_exactly_in_any_order(folder: Path, people: dict[str, Portrait]) -> None:
    found = open_portraits(folder)
    assert found.size == SIZE
    for name in ("b/1", "a/2", "a/1", "a/2"):
        assert same(found.read(name), people[name])
    assert found.read("a/1").landmarks.dtype == np.float32


def test_a_dataset_knows_its_sides_and_pairs(folder: Path) -> None:
    found = open_portraits(folder)
    assert found.portraits("train") == ["a/1", "a/2"]
    assert found.portraits("held") == ["b/1"]
    assert found.pairs("train") == [Pair("a/1", "a/2", "views"), Pair("a/2", "a/1", "views")]
    assert found.pairs("held") == [Pair("b/1", "b/1", "self")]
    assert found.manifest.dropped == {"b/2": "no_person"}


def test_the_same_portraits_give_the_same_bytes(tmp_path: Path) -> None:
    assert write_portraits(tmp_path / "a.zip", [portrait()]) == write_portraits(tmp_path / "b.zip", [portrait()])


def test_the_digest_changes_with_pictures_and_pairs(folder: Path) -> None:
    found = open_portraits(folder)
    manifest = found.manifest
    fewer = replace(manifest, pairs={"train": manifest.pairs["train"][:1]})
    other = replace(manifest, shards={"held-0.zip": manifest.shards["held-0.zip"]})
    digests = [PortraitSet(folder, one).digest for one in (manifest, fewer, other)]
    assert len(set(digests)) == 3
    assert digests[0] == open_portraits(folder).digest


def test_the_18_joints_follow_from_the_landmarks() -> None:
    person = replace(portrait(), seen=np.ones(33, np.bool_))
    joints = person.joints18
    shoulders = person.landmarks[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]]
    np.testing.assert_allclose(joints[0, :2], person.landmarks[Landmark.NOSE])
    np.testing.assert_allclose(joints[1, :2], shoulders.mean(axis=0), rtol=1e-5)
    hidden = person.seen.copy()
    hidden[Landmark.LEFT_SHOULDER] = False
    assert replace(person, seen=hidden).joints18[[1, 2, 5], 2].tolist() == [0, 1, 0]


def test_over_white_there_is_nothing_but_the_person() -> None:
    """A dark person before a red wall, with an edge half of each: no red is left in it."""
    rgb = np.full((HEIGHT, WIDTH, 3), (200, 0, 0), np.uint8)
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    matte[8:24, 6:16], matte[8:24, 16] = 255, 128
    rgb[8:24, 6:16], rgb[8:24, 16] = (40, 40, 40), (120, 20, 20)
    picture = replace(portrait(), rgb=rgb, matte=matte).over_white()
    assert (picture[matte == 0] == 255).all()
    assert (picture[matte == 255] == 40).all()
    edge = picture[8:24, 16].astype(int)
    assert np.abs(edge[:, 0] - edge[:, 1]).max() <= 12
    assert np.abs(edge - (255 + 40) / 2).max() <= 15


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:900] + bytes(40) + data[940:],
        lambda data: data.replace(b'"source": "catalogue"', b'"source": "bananabox"'),
        lambda data: data.replace(b'"format": 1', b'"format": 9'),
    ],
    ids=["truncated", "empty", "zeros inside", "unknown source", "another version"],
)
def test_a_damaged_shard_is_named(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    found = open_portraits(folder)
    path = folder / "train-0.zip"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"train-0\.zip") as caught:
        found.read("a/1")
    assert caught.value.code == "invalid_option"
    with pytest.raises(InputError, match=r"train-0\.zip is truncated or was changed"):
        open_portraits(folder)


def test_a_missing_shard_and_a_name_that_is_none_are_named(folder: Path) -> None:
    with pytest.raises(InputError, match="'c/1'"):
        open_portraits(folder).read("c/1")
    (folder / "held-0.zip").unlink()
    with pytest.raises(InputError, match=r"held-0\.zip can't be read"):
        open_portraits(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 0}, "has format 0, this version reads 1"),
        ({"finished": False}, "isn't finished"),
        ({"shards": None}, "holds no manifest.json of portraits"),
        ({"size": [176]}, "holds no manifest.json of portraits"),
        ({"pairs": {"train": [{"source": "a/1"}]}}, "holds no manifest.json of portraits"),
    ],
)
def test_another_version_or_half_a_dataset_is_named(folder: Path, change: dict[str, object], words: str) -> None:
    value = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(value | change))
    with pytest.raises(InputError, match=words) as caught:
        open_portraits(folder)
    assert caught.value.field == "dataset"


def test_a_portrait_of_another_size_is_refused(folder: Path) -> None:
    manifest = replace(read_manifest(folder), size=(WIDTH, HEIGHT + 1))
    with pytest.raises(InputError, match="doesn't fit together"):
        PortraitSet(folder, manifest).read("a/1")
