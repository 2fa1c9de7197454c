"""A run accounts for every line, goes on where another ended, and renders nothing twice."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from fake_pipeline import open_fake
from small_catalogue import POSES, Nobody, Shop, files, inline, lasting, table, with_format

from tryon_service.batch.catalogue import Catalogue
from tryon_service.batch.ledger import open_ledger
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.progress import Progress
from tryon_service.batch.run import Run
from tryon_service.batch.worker import CardWorker, Done, PipelineMaker
from tryon_service.errors import UnavailableError


def poisoned(shop: Shop) -> None:
    """Good cards with one of every kind of bad line between them."""
    for number in range(3):
        shop.add(f"good{number}")
    shop.add("nothing", word="")
    shop.add("flat", "flat")
    shop.add("missing", file="none.jpg")
    shop.add("out", file="../catalogue.csv")
    shop.add("", "good")
    shop.add("a/../b", "good")
    shop.add("good1", file="2.jpg")
    shop.add("größe", "good")
    shop.add("doubt", "doubtful")
    shop.add("refuse", "refused")
    shop.add("bug", "bug")


def test_every_line_is_accounted_for_once(shop: Shop, tmp_path: Path) -> None:
    poisoned(shop)
    progress = shop.run(tmp_path / "out")
    rows = table(tmp_path / "out")
    found = {(row["product_id"], row["pose"]): (row["status"], *row["codes"]) for row in rows}
    expected = {
        "good0": ("rendered",),
        "good1": ("rendered",),
        "good2": ("rendered",),
        "nothing": ("failed", "not_an_image"),
        "flat": ("refused", "no_model_in_product"),
        "missing": ("failed", "not_found"),
        "out": ("failed", "blocked_url"),
        "größe": ("rendered",),
        "doubt": ("doubtful", "blurred"),
        "refuse": ("refused", "blurred"),
        "bug": ("failed", "internal"),
    }
    lone = {("", ""): ("failed", "missing_field"), ("a/../b", ""): ("failed", "invalid_option")}
    assert found == lone | {(name, pose.name): value for name, value in expected.items() for pose in POSES}
    assert len(rows) == len(found)
    lines = Counter(photo["line"] for row in rows if row["pose"] in ("", "standing") for photo in _photos(row))
    assert lines == Counter(range(2, 2 + len(shop.lines) - 1))
    made = {name for name, (status, *_) in expected.items() if status in ("rendered", "doubtful")}
    assert set(files(tmp_path / "out")) == {
        f"{name.replace('größe', 'gr%C3%B6%C3%9Fe')}/{pose.name}.png" for name in made for pose in POSES
    }
    assert progress.done == progress.total == 2 * 13
    assert sum(progress.counts.values()) == len(rows)


def _photos(row: dict[str, str]) -> list[dict[str, int]]:
    return list(json.loads(row["photos"]))


def test_rows_stand_in_the_catalogues_order_with_its_columns(shop: Shop, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        shop.add(name)
    shop.run(tmp_path / "out")
    rows = table(tmp_path / "out")
    assert [(row["product_id"], row["pose"]) for row in rows] == [(n, p.name) for n in "bac" for p in POSES]
    assert {row["catalogue_colour"] for row in rows} == {"blue"}
    assert {row["rights_reference"] for row in rows} == {"contract 7"}


def test_a_second_run_renders_nothing(shop: Shop, tmp_path: Path) -> None:
    poisoned(shop)
    shop.lines = [line for line in shop.lines if not line.startswith("bug")]  # what is our fault is tried again
    shop.run(tmp_path / "out")
    before = (files(tmp_path / "out"), table(tmp_path / "out"))
    assert len(shop.rendered()) == 2 * 6
    progress = shop.run(tmp_path / "out")
    assert shop.rendered() == []
    assert (files(tmp_path / "out"), table(tmp_path / "out")) == before
    assert progress.kept == progress.total - 4


def test_what_failed_on_our_side_is_tried_again(shop: Shop, tmp_path: Path) -> None:
    shop.add("bug", "bug")
    shop.run(tmp_path / "out")
    (shop.photos / "1.jpg").write_bytes(b"good bug")
    assert shop.run(tmp_path / "out").counts == {"rendered": 2}


def test_only_what_changed_is_made_again(shop: Shop, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        shop.add(name)
    shop.run(tmp_path / "out")
    shop.rendered()
    (shop.photos / "2.jpg").write_bytes(b"good other")
    (tmp_path / "out" / "c" / "walking.png").unlink()
    (tmp_path / "out" / "c" / "standing.png").write_bytes(b"painted over")
    assert shop.run(tmp_path / "out").kept == 2
    assert sorted(shop.rendered()) == ["good c", "good c", "good other", "good other"]
    shop.lines[1] = shop.lines[1].replace("blue", "red")
    assert shop.run(tmp_path / "out").kept == 6
    assert shop.rendered() == []
    assert [row["catalogue_colour"] for row in table(tmp_path / "out")] == ["red"] * 2 + ["blue"] * 4


def test_a_picture_that_is_no_longer_wanted_goes(shop: Shop, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shop.add(name)
    shop.run(tmp_path / "out")
    (shop.photos / "1.jpg").write_bytes(b"refused")
    shop.run(tmp_path / "out")
    assert set(files(tmp_path / "out")) == {"b/standing.png", "b/walking.png"}
    shop.run(tmp_path / "out", recipe=with_format("webp"))
    assert files(tmp_path / "out") == {}
    assert sorted(path.name for path in (tmp_path / "out" / "b").iterdir()) == ["standing.webp", "walking.webp"]


def test_statuses_can_be_made_again_and_missing_ones_only(shop: Shop, tmp_path: Path) -> None:
    for name, word in (("a", "good"), ("b", "refused"), ("c", "doubtful")):
        shop.add(name, word)
    shop.run(tmp_path / "out", limit=2)
    shop.rendered()
    shop.run(tmp_path / "out", limit=2, again=frozenset({"refused"}))
    assert shop.rendered() == ["refused b"] * 2
    (shop.photos / "1.jpg").write_bytes(b"good other")
    progress = shop.run(tmp_path / "out", only_missing=True)
    assert shop.rendered() == ["doubtful c"] * 2
    assert (progress.kept, progress.done) == (4, 6)
    shop.run(tmp_path / "out")
    assert shop.rendered() == ["good other"] * 2


def test_a_smaller_run_forgets_nothing(shop: Shop, tmp_path: Path) -> None:
    for number in range(4):
        shop.add(f"p{number}")
    shop.run(tmp_path / "out")
    shop.rendered()
    shop.run(tmp_path / "out", limit=1)
    assert len(table(tmp_path / "out")) == 2
    shop.run(tmp_path / "out")
    assert shop.rendered() == []
    assert len(table(tmp_path / "out")) == 8


def test_a_run_that_stops_goes_on(shop: Shop, tmp_path: Path) -> None:
    for number in range(4):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    shop.rendered()

    class Impatient(Nobody):
        asked = 0

        def stop(self) -> bool:
            self.asked += 1
            return self.asked > 3

    with shop.opened(tmp_path / "out") as (run, ledger):
        plan, stop, progress = shop.plan(tmp_path / "out"), Event(), Progress(run.items)
        maker, watch = PipelineMaker(open_fake(plan), plan.recipe), Impatient()
        worker = CardWorker(plan, ledger.segment_path("1"), "1", maker)
        stop.set()
        assert not run.render(lambda tasks, _: (worker.work(task, watch) for task in tasks), progress, stop)
        assert progress.done == 3
    assert len(shop.rendered()) == 3
    shop.run(tmp_path / "out")
    assert len(shop.rendered()) == 5
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert lasting(table(tmp_path / "out")) == lasting(table(tmp_path / "whole"))


def test_an_engine_that_loses_an_item_is_found_out(shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    shop.add("b")
    with shop.opened(tmp_path / "out") as (run, ledger):
        engine = inline(shop.plan(tmp_path / "out"), ledger)
        with pytest.raises(UnavailableError, match="2 pictures are not accounted for"):
            run.render(lambda tasks, stop: list(engine(tasks, stop))[1:].__iter__(), Progress(run.items), Event())


def test_memory_doesnt_grow_with_the_run(shop: Shop, tmp_path: Path) -> None:
    """An engine of no work at all: what the run itself keeps of its lines is where their rows are."""
    peaks = []
    for lines in (200, 2000):
        shop.lines = shop.lines[:1] + [f"p{number},front,{number % 192}.jpg,blue" for number in range(lines)]
        with shop.opened(tmp_path / "out") as (run, _):
            tracemalloc.start()
            progress = Progress(run.items)
            assert run.render(
                lambda tasks, _: (Done(task.card.product_id, ("rendered",) * 2) for task in tasks), progress, Event()
            )
            assert sum(progress.counts.values()) == 2 * lines
            run.finish("jsonl", open_outputs(str(tmp_path / "out")))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 400_000


def test_pictures_may_go_behind_a_url(shop: Shop, tmp_path: Path) -> None:
    """The journal stays here."""
    files_there = pytest.importorskip("fsspec").filesystem("memory")
    files_there.store.clear()
    shop.add("größe")
    shop.add("b", "refused")
    shop.run(tmp_path / "folder")
    url, kept = "memory://batch-cards", []
    for _ in range(2):
        with open_ledger(tmp_path / "state") as ledger:
            run, plan = Run(Catalogue(shop.write(), "contract 7"), POSES, ledger), replace(shop.plan(tmp_path), out=url)
            progress = Progress(run.items)
            assert run.render(inline(plan, ledger), progress, Event())
            run.finish("jsonl", open_outputs(url))
            kept.append(progress.kept)
    assert kept == [0, 4]
    pictures = {f"/batch-cards/{name}": data for name, data in files(tmp_path / "folder").items()}
    found = {name: files_there.cat_file(name) for name in files_there.store}
    rows = found.pop("/batch-cards/results.jsonl").decode().splitlines()
    assert found == pictures
    assert lasting(map(json.loads, rows)) == lasting(table(tmp_path / "folder"))


def test_both_tables_say_the_same_and_only_the_latest_is_there(shop: Shop, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    shop.add("größe")
    shop.add("", "good")
    shop.run(tmp_path / "out")
    rows = table(tmp_path / "out")
    with shop.opened(tmp_path / "out") as (run, _):
        assert isinstance(run, Run)
        assert run.finish("parquet", open_outputs(str(tmp_path / "out"))) == "results.parquet"
    assert not (tmp_path / "out" / "results.jsonl").exists()
    assert parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist() == rows
    assert list(rows[0]) == parquet.read_schema(tmp_path / "out" / "results.parquet").names
