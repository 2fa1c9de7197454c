"""The Ray engine on a Ray of its own: it makes what one process makes, and loses nothing with an actor or a run."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fake_pipeline
import pytest
from small_catalogue import Shop, files, lasting, table

from tests.real_service import family
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.progress import Progress
from tryon_service.batch.ray_actors import TRIES
from tryon_service.batch.worker import Done, Task
from tryon_service.errors import InputError, UnavailableError, ZooError

pytestmark = [
    pytest.mark.soak,  # Ray takes seconds to start
    pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: pip install -e '.[batch]'"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]
BATCH = 2
"""Poses of a product."""
FOLDERS = os.pathsep.join(str(Path(__file__).parents[level]) for level in (0, 1, 2))


@pytest.fixture(autouse=True)
def _found_by_actors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of these tests, in processes that know nothing of pytest."""
    monkeypatch.setenv("PYTHONPATH", FOLDERS)


def run(shop: Shop, out: Path, watch: Callable[[Done], object] = lambda _: None, **changes: Any) -> tuple[Any, bool]:
    """By actors. watch: told of what is done."""
    from tryon_service.batch.ray_run import RayPool

    stop = changes.pop("stop", threading.Event())
    options = {"workers": 2, "opening": fake_pipeline.open_fake, **changes}
    with shop.opened(out) as (work, ledger):
        pool, progress = RayPool(shop.plan(out), ledger, **options), Progress(work.items)

        def engine(tasks: Iterable[Task], asked: threading.Event) -> Iterator[Done]:
            for done in pool.render(tasks, asked):
                watch(done)
                yield done

        complete = work.render(engine, progress, stop)
        if complete:
            work.finish("jsonl", open_outputs(str(out)))
        return progress, complete


def test_actors_make_what_one_process_makes(shop: Shop, tmp_path: Path) -> None:
    for number in range(12):
        shop.add(f"p{number}", "refused" if number == 3 else "good")
    shop.add("", "good")
    shop.add("missing", file="none.jpg")
    shop.run(tmp_path / "alone")
    begun = sorted(shop.rendered())
    progress, complete = run(shop, tmp_path / "out")
    assert complete
    assert progress.counts == {"rendered": 22, "refused": 2, "failed": 3}
    assert sorted(shop.rendered()) == begun
    assert files(tmp_path / "out") == files(tmp_path / "alone")
    assert lasting(table(tmp_path / "out")) == lasting(table(tmp_path / "alone"))
    assert run(shop, tmp_path / "out")[0].kept == 26
    assert shop.rendered() == []


def test_an_item_that_takes_actors_down_fails_alone(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, word in (("a", "good"), ("poison", "die"), ("b", "good"), ("unlucky", "once"), ("bug", "bug")):
        shop.add(name, word)
    progress, complete = run(shop, tmp_path / "out", workers=1)
    assert complete
    assert progress.counts == {"rendered": 6, "failed": 4}
    rows = [row for row in table(tmp_path / "out") if row["product_id"] == "poison"]
    assert [row["codes"] for row in rows] == [["internal"]] * 2
    assert "takes down the process" in rows[0]["detail"]
    assert not (tmp_path / "out" / "poison").exists()
    begun = shop.rendered()
    assert begun.count("die poison") == 1 + 2 * TRIES  # together, then each pose alone
    assert begun.count("once unlucky") == 3
    assert "poison: an actor was lost" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_item_that_hangs_fails_in_time(shop: Shop, tmp_path: Path) -> None:
    shop.add("slow", "hang")
    shop.add("a")
    progress, _ = run(shop, tmp_path / "out", workers=1, item_timeout=0.5)
    assert progress.counts == {"rendered": 2, "failed": 2}
    assert [row["codes"] for row in table(tmp_path / "out")] == [["deadline_exceeded"]] * 2 + [[]] * 2


def test_a_wish_to_stop_is_granted_after_the_item_in_flight(shop: Shop, tmp_path: Path) -> None:
    for number in range(40):
        shop.add(f"p{number}")
    stop = threading.Event()
    before = signal.getsignal(signal.SIGTERM)
    progress, complete = run(shop, tmp_path / "out", lambda _: stop.set(), stop=stop)
    assert not complete
    assert signal.getsignal(signal.SIGTERM) == before
    assert 2 <= progress.done < 80
    assert len(shop.rendered()) == progress.done
    again, _ = run(shop, tmp_path / "out")
    assert again.counts == {"rendered": 80}
    assert again.kept == progress.done
    assert len(shop.rendered()) + again.kept == 80


def test_actors_killed_from_outside_cost_one_batch_each(shop: Shop, tmp_path: Path) -> None:
    for number in range(30):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    shop.rendered()
    killed: list[int] = []

    def kill(_: Done) -> None:
        if len(killed) < 2:
            killed.append(actors(os.getpid())[0])
            os.kill(killed[-1], signal.SIGKILL)

    assert run(shop, tmp_path / "out", kill)[0].done == 60
    assert len(killed) == 2
    assert len(shop.rendered()) <= 60 + 2 * BATCH
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert lasting(table(tmp_path / "out")) == lasting(table(tmp_path / "whole"))


def actors(pid: int) -> list[int]:
    """Process ids of CardActors below this process."""
    named = [one for one in family(pid) if re.search(rb"MapWorker\S*CardActor", _command(one))]
    assert named, [_command(one) for one in family(pid)]
    return named


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("opening", "error", "words"),
    [
        (fake_pipeline.open_nothing, ZooError, "There is none"),
        (fake_pipeline.die_at_once, UnavailableError, "3 times in a row"),
    ],
)
def test_actors_that_cant_start_end_the_run(
    shop: Shop, tmp_path: Path, opening: object, error: type[Exception], words: str
) -> None:
    shop.add("a")
    with pytest.raises(error, match=words):
        run(shop, tmp_path / "out", workers=1, opening=opening)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "somewhere"])
def test_a_cluster_that_isnt_there(shop: Shop, tmp_path: Path, address: str) -> None:
    shop.add("a")
    with pytest.raises(InputError, match="Ray can't be had at") as caught:
        run(shop, tmp_path / "out", address=address)
    assert caught.value.field == "--address"


def test_gpus_that_arent_there(shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    with pytest.raises(InputError, match="no 64 GPUs") as caught:
        run(shop, tmp_path / "out", gpus=64.0)
    assert caught.value.field == "--gpus"


def test_a_run_that_is_killed_goes_on(shop: Shop, tmp_path: Path) -> None:
    for number in range(40):
        shop.add(f"p{number}")
    shop.run(tmp_path / "whole")
    items, out = len(shop.rendered()), tmp_path / "out"
    kill_amid(shop, out, random.Random(8).randrange(1, items // 2))
    begun = len(shop.rendered())
    again = subprocess.run(script(shop, out), env=environment(), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert begun + len(shop.rendered()) <= items + 2 * BATCH
    assert files(out) == files(tmp_path / "whole")
    assert lasting(table(out)) == lasting(table(tmp_path / "whole"))


def script(shop: Shop, out: Path) -> list[str]:
    return [sys.executable, __file__, str(shop.folder), str(out)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": FOLDERS}


def kill_amid(shop: Shop, out: Path, pictures: int) -> None:
    """Kill a run once so many pictures have been begun; of Ray's processes each notices in its own time."""
    log, deadline = shop.photos / fake_pipeline.LOG, time.monotonic() + 120
    with subprocess.Popen(script(shop, out), env=environment(), stderr=subprocess.DEVNULL) as process:
        while (not log.exists() or log.read_text().count("\n") < pictures) and process.poll() is None:
            assert time.monotonic() < deadline, "it never got that far"
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    run(Shop.again(Path(sys.argv[1])), Path(sys.argv[2]))
