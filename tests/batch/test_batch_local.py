"""Worker processes: replaced when they die or hang, stopped when asked, and never two rows for one item."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fake_pipeline
import pytest
from small_catalogue import Shop, files, lasting, table
from small_disks import fill, mounted

from tests.real_service import family
from tryon_service.batch.local import LocalPool
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.progress import Progress
from tryon_service.batch.worker import Done, Task
from tryon_service.errors import UnavailableError, ZooError

Started = tuple[Progress, bool]


def run(shop: Shop, out: Path, watch: Callable[[LocalPool, Done], object] = lambda *_: None, **changes: Any) -> Started:
    """By worker processes. watch: told of what is done."""
    stop = changes.pop("stop", threading.Event())
    plan = shop.plan(out, priority=changes.pop("priority", "batch"))
    options = {"workers": 2, "opening": fake_pipeline.open_fake, **changes}
    with shop.opened(out) as (work, ledger):
        pool, progress = LocalPool(plan, ledger, **options), Progress(work.items)

        def engine(tasks: Iterable[Task], asked: threading.Event) -> Iterator[Done]:
            for done in pool.render(tasks, asked):
                watch(pool, done)
                yield done

        complete = work.render(engine, progress, stop)
        if complete:
            work.finish("jsonl", open_outputs(str(out)))
        return progress, complete


def test_workers_make_what_one_process_makes(shop: Shop, tmp_path: Path) -> None:
    for number in range(6):
        shop.add(f"p{number}", "refused" if number == 3 else "good")
    shop.run(tmp_path / "alone")
    shop.rendered()
    progress, complete = run(shop, tmp_path / "out")
    assert complete
    assert progress.counts == {"rendered": 10, "refused": 2}
    assert sorted(shop.rendered()) == sorted([f"good p{n}" for n in (0, 1, 2, 4, 5)] * 2 + ["refused p3"] * 2)
    assert files(tmp_path / "out") == files(tmp_path / "alone")
    assert lasting(table(tmp_path / "out")) == lasting(table(tmp_path / "alone"))


@pytest.mark.parametrize("priority", ["batch", "shopper"])
def test_at_batch_priority_others_go_first(priority: str, shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    own, found = os.getpriority(os.PRIO_PROCESS, 0), set[int]()
    others = {*family(os.getpid())}  # of tests before this one, which may have let others go first

    def watch(*_: object) -> None:
        workers = {*family(os.getpid())} - others
        found.update(os.getpriority(os.PRIO_PROCESS, pid) - own for pid in workers)

    assert run(shop, tmp_path / "out", watch, workers=1, priority=priority)[1]
    assert (max(found) > 0) == (priority == "batch")


def test_an_item_that_takes_workers_down_fails_alone(shop: Shop, tmp_path: Path) -> None:
    for name, word in (("a", "good"), ("poison", "die"), ("b", "good")):
        shop.add(name, word)
    shop.add("poison", "good")
    progress, complete = run(shop, tmp_path / "out", workers=1)
    assert complete
    assert progress.counts == {"rendered": 4, "failed": 2}
    (row, other) = (row for row in table(tmp_path / "out") if row["product_id"] == "poison")
    assert row["codes"] == other["codes"] == ["internal"]
    assert row["key"] != other["key"] != ""
    assert not (tmp_path / "out" / "poison").exists()
    assert shop.rendered().count("die poison") == 3  # together, then each pose alone


def test_a_worker_that_dies_once_costs_one_batch(shop: Shop, tmp_path: Path) -> None:
    for name, word in (("a", "good"), ("unlucky", "once"), ("b", "good")):
        shop.add(name, word)
    assert run(shop, tmp_path / "out", workers=1)[0].counts == {"rendered": 6}
    assert sorted(shop.rendered()) == ["good a"] * 2 + ["good b"] * 2 + ["once unlucky"] * 3


def test_an_item_that_hangs_fails_in_time(shop: Shop, tmp_path: Path) -> None:
    shop.add("slow", "hang")
    shop.add("a")
    began = time.monotonic()
    progress, _ = run(shop, tmp_path / "out", workers=1, item_timeout=1.0)
    assert time.monotonic() - began < 60
    assert progress.counts == {"rendered": 2, "failed": 2}
    assert [row["codes"] for row in table(tmp_path / "out")] == [["deadline_exceeded"]] * 2 + [[]] * 2


def test_a_wish_to_stop_is_granted_after_the_item_in_flight(shop: Shop, tmp_path: Path) -> None:
    for number in range(30):
        shop.add(f"p{number}")
    stop = threading.Event()
    progress, complete = run(shop, tmp_path / "out", lambda *_: stop.set(), stop=stop)
    assert not complete
    assert 2 <= progress.done < 60
    assert len(shop.rendered()) == progress.done
    assert not (tmp_path / "out" / "results.jsonl").exists()
    progress, _ = run(shop, tmp_path / "out")
    assert progress.counts == {"rendered": 60}
    assert len(shop.rendered()) + progress.kept == 60


def test_workers_killed_from_outside_cost_one_batch_each(shop: Shop, tmp_path: Path) -> None:
    for number in range(12):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    shop.rendered()
    killed: list[int] = []

    def kill(pool: LocalPool, _: Done) -> None:
        busy = [worker for worker in pool._workers if worker.trying and not worker.trying.last]
        if busy and len(killed) < 2:
            killed.append(busy[0].process.pid or 0)
            os.kill(killed[-1], signal.SIGKILL)

    assert run(shop, tmp_path / "out", kill)[0].done == 24
    assert killed
    assert len(shop.rendered()) <= 24 + 2 * len(killed)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert lasting(table(tmp_path / "out")) == lasting(table(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("opening", "error", "words"),
    [
        (fake_pipeline.open_nothing, ZooError, "There is none"),
        (fake_pipeline.die_at_once, UnavailableError, "in a row"),
    ],
)
def test_workers_that_cant_start_end_the_run(
    shop: Shop, tmp_path: Path, opening: object, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tryon_service.batch.local.BAD_STARTS", 2)
    shop.add("a")
    with pytest.raises(error, match=words):
        run(shop, tmp_path / "out", workers=1, opening=opening)


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(shop: Shop, tmp_path: Path) -> None:
    for number in range(8):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    shop.rendered()
    with mounted(tmp_path / "disk") as disk:
        filler: list[Path] = []
        with pytest.raises(UnavailableError) as caught:
            run(shop, disk, lambda *_: filler or filler.append(fill(disk)), workers=1)
        assert caught.value.code == "storage_full"
        assert str(disk) in caught.value.detail
        before = len(shop.rendered())
        filler[0].unlink()
        progress, complete = run(shop, disk, workers=1)
        assert complete
        assert progress.kept >= 2
        assert before + len(shop.rendered()) <= 16 + 2
        assert files(disk) == files(tmp_path / "whole")
        assert lasting(table(disk)) == lasting(table(tmp_path / "whole"))
