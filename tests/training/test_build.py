"""A build goes on where it was interrupted and makes the same dataset; what it can't go on with is named."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tryon_service.errors import InputError, UnavailableError
from tryon_service.training import build, makers
from tryon_service.training.build import PHOTOS, Plan, build_there_and_back
from tryon_service.training.makers import Yield, make_samples, name_seed
from tryon_service.training.photos import PhotoFile, find_photos
from tryon_service.training.shards import MANIFEST, SIDE, Sample, open_dataset, read_shard

COUNT = 3 * PHOTOS
HELD = PHOTOS + 2
EVERYTHING = Plan()


class Inline:
    """A pool without processes, interrupted after so many photos."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.made: list[str] = []

    def map(self, work: Callable[[PhotoFile], Any], photos: Iterable[PhotoFile]) -> Iterator[Any]:
        for photo in photos:
            if len(self.made) == self.stop_after:
                raise KeyboardInterrupt
            self.made.append(photo.name)
            yield work(photo)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of empty photos."""
    folder = tmp_path / "data" / "ccp" / "photos"
    folder.mkdir(parents=True)
    for number in range(COUNT):
        (folder / f"{number:04d}.jpg").touch()
    return tmp_path / "data"


@pytest.fixture
def build_with(monkeypatch: pytest.MonkeyPatch, data: Path) -> Callable[..., None]:
    """Builds into a folder with a pool, samples being drawn by name."""

    def run(out: Path, pool: Inline, plan: Plan = EVERYTHING) -> None:
        @contextmanager
        def inline(_workers: int) -> Iterator[Inline]:
            yield pool

        monkeypatch.setattr(build, "maker_pool", inline)
        out.mkdir(exist_ok=True)
        build_there_and_back(data, out, plan)

    def no_poses(_pool: Inline, path: Path, _photos: list[PhotoFile]) -> None:
        path.write_text("{}")

    monkeypatch.setattr("tryon_service.training.photos.HELD", HELD)
    monkeypatch.setattr(build, "write_poses", no_poses)
    monkeypatch.setattr(build, "make_samples", drawn_by_name)
    return run


def drawn_by_name(_poses: Path, per_photo: int, photo: PhotoFile) -> Yield:
    rng = np.random.default_rng(name_seed(photo.name))
    if rng.random() < 0.1:
        return [], Counter(["side_view"])
    plane = np.zeros((SIDE, 16), np.uint8)
    plane[0] = rng.integers(0, 256, 16)
    colours = np.dstack([plane] * 3)
    xy, seen = np.zeros((33, 2), np.float32), np.ones(33, np.bool_)
    made = Sample(photo.name, photo.source, "other", 2, colours, plane, plane, plane, xy, seen, colours, plane, plane)
    return [made] * per_photo, Counter()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_build_makes_a_dataset_of_every_photo(build_with: Callable[..., None], data: Path, tmp_path: Path) -> None:
    build_with(tmp_path / "out", Inline())
    dataset = open_dataset(tmp_path / "out")
    made = dataset.names("train") + dataset.names("held")
    assert sorted(made) == sorted(photo.name for photo in find_photos(data))
    samples = [sample for split in ("train", "held") for path in dataset.paths(split) for sample in read_shard(path)]  # type: ignore[arg-type]
    assert len(dataset.names("held")) == HELD
    failed = dataset.manifest.failures["side_view"]
    assert failed > 0
    assert len(samples) == 2 * (COUNT - failed)
    assert dataset.manifest.counts("train").keys() | dataset.manifest.counts("held").keys() == {"ccp other"}


@pytest.mark.parametrize(
    ("stop_after", "left"), [(0, COUNT), (HELD + 1, COUNT - HELD), (COUNT - 1, COUNT - HELD - PHOTOS)]
)
def test_an_interrupted_build_goes_on_to_the_same_dataset(
    build_with: Callable[..., None], tmp_path: Path, stop_after: int, left: int
) -> None:
    build_with(tmp_path / "whole", Inline())
    with pytest.raises(KeyboardInterrupt):
        build_with(tmp_path / "out", Inline(stop_after))
    assert not list((tmp_path / "out").glob("*.part"))
    with pytest.raises(InputError, match="isn't finished"):
        open_dataset(tmp_path / "out")
    rest = Inline()
    build_with(tmp_path / "out", rest)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert len(rest.made) == left


def test_a_finished_build_has_nothing_left_to_do(build_with: Callable[..., None], tmp_path: Path) -> None:
    build_with(tmp_path / "out", Inline())
    before = files(tmp_path / "out")
    build_with(tmp_path / "out", Inline(stop_after=0))
    assert files(tmp_path / "out") == before


def test_a_changed_shard_is_said_and_made_again(
    build_with: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_with(tmp_path / "out", Inline())
    before = files(tmp_path / "out")
    name = sorted(before)[0]
    (tmp_path / "out" / name).write_bytes(before[name][:-1])
    again = Inline()
    build_with(tmp_path / "out", again)
    assert files(tmp_path / "out") == before
    assert 0 < len(again.made) <= PHOTOS
    assert name in caplog.text


def test_another_plan_or_other_code_is_named(build_with: Callable[..., None], tmp_path: Path) -> None:
    build_with(tmp_path / "out", Inline())
    with pytest.raises(InputError, match="'per_photo': 2") as caught:
        build_with(tmp_path / "out", Inline(), Plan(per_photo=3))
    assert caught.value.field == "--out"
    value = json.loads((tmp_path / "out" / MANIFEST).read_text())
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(value | {"code": "fedcba9876543210"}))
    with pytest.raises(InputError, match="fedcba9876543210"):
        build_with(tmp_path / "out", Inline())


def test_a_limit_takes_the_same_photos_again(build_with: Callable[..., None], tmp_path: Path) -> None:
    few, more = Inline(), Inline()
    build_with(tmp_path / "few", few, Plan(limit=5))
    build_with(tmp_path / "more", more, Plan(limit=20))
    assert len(few.made) == 5
    assert set(few.made) < set(more.made)


def test_a_photo_that_fails_is_counted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def analyse_product(self, _data: bytes, name: str, **_options: object) -> None:
            if name == "ccp/odd":
                raise ZeroDivisionError
            raise InputError("not_an_image", field=name)

    monkeypatch.setattr(makers, "analyst", Broken)
    (tmp_path / "poses.json").write_text("{}")
    for name, code in (("ccp/text", "not_an_image"), ("ccp/odd", "internal")):
        (tmp_path / "a.jpg").touch()
        assert make_samples(tmp_path / "poses.json", 2, PhotoFile(name, "ccp", tmp_path / "a.jpg")) == (
            [],
            Counter([code]),
        )
    assert "ccp/odd gives no sample" in caplog.text


def test_a_file_that_holds_no_poses_is_named(tmp_path: Path) -> None:
    (tmp_path / "poses.json").write_text('{"ccp/0001": {"size": [3]}}')
    with pytest.raises(InputError, match=r"poses\.json can't be read"):
        make_samples(tmp_path / "poses.json", 2, PhotoFile("ccp/0002", "ccp", tmp_path / "a.jpg"))


@pytest.mark.load
def test_processes_end_at_once_with_an_interruption() -> None:
    began: list[float] = []

    def interrupted() -> None:
        with makers.maker_pool(1) as pool:
            assert pool.submit(abs, -1).result(timeout=60) == 1
            pool.submit(time.sleep, 60)
            began.append(time.monotonic())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began[0] < 30


@pytest.mark.load
def test_a_process_that_dies_is_said() -> None:
    with pytest.raises(UnavailableError, match="has died"), makers.maker_pool(1) as pool:
        pool.submit(os._exit, 1).result(timeout=60)
