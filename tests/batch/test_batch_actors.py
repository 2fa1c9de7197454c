"""What Ray's processes do, without Ray: who is lost with a task is given it again, and no item is tried without end."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_pipeline
import pytest
from small_catalogue import POSES, Shop, table

from tryon_service.batch import ray_actors
from tryon_service.batch.ledger import LOCK, Ledger
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.ray_actors import ANSWER, NUMBER, TRIES, Answer, CardActor, Feed, Setting
from tryon_service.batch.run import Run
from tryon_service.batch.worker import Done
from tryon_service.errors import InputError, UnavailableError, ZooError

TIMEOUT = 30.0


class Here:
    """A feed and actors in this process. clock: seconds."""

    def __init__(self, shop: Shop, out: Path, run: Run, ledger: Ledger, patch: pytest.MonkeyPatch) -> None:
        self.feed, self.clock = Feed(), 0.0
        self.setting = Setting(
            shop.plan(out),
            ledger.folder,
            (ledger.folder / LOCK).read_text(),
            ledger.segment_path("ray-"),
            1,
            TIMEOUT,
            fake_pipeline.open_fake,
        )
        for task in run._tasks(_Silent()):  # type: ignore[arg-type]
            asyncio.run(self.feed.add(task))
        patch.setattr(CardActor, "_ask", lambda _, method, *values: asyncio.run(getattr(self.feed, method)(*values)))
        patch.setattr(ray_actors.time, "monotonic", lambda: self.clock)
        patch.setattr(ray_actors, "let_others_first", lambda: None)
        patch.setattr(ray_actors, "end_within", lambda _: None)
        self.alarms: list[int] = []
        patch.setattr(ray_actors.signal, "alarm", self.alarms.append)

    def ask(self, number: int, actor: CardActor | None = None) -> Answer:
        row = (actor or self.actor())({NUMBER: [number]})
        assert row[NUMBER] == [number]
        answer: Answer = pickle.loads(row[ANSWER][0])  # type: ignore[arg-type]
        return answer

    def actor(self, **changes: Any) -> CardActor:
        return CardActor(None, Setting(**{**vars(self.setting), **changes}))

    def lost(self, number: int, *poses: str, after: float = 0.0) -> None:
        """As if an actor had begun the task, or items of it, and was gone."""
        for pose in poses or ("",):
            asyncio.run(self.feed.begin(number, pose))
        self.clock += after


class _Silent:
    def add(self, *_: object, **__: object) -> None: ...


@pytest.fixture
def here(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    shop.add("a")
    shop.add("b")
    with shop.opened(tmp_path / "out") as (run, ledger):
        monkeypatch.setattr("signal.signal", lambda *_: None)
        made = Here(shop, tmp_path / "out", run, ledger, monkeypatch)
        made.run = run  # type: ignore[attr-defined]
        yield made


def rows(here: Any, out: Path) -> list[dict[str, Any]]:
    here.run.finish("jsonl", open_outputs(str(out)))
    return table(out)


def test_a_task_is_done_once_and_then_forgotten(here: Here, shop: Shop, tmp_path: Path) -> None:
    assert here.ask(0).done == Done("a", ("rendered", "rendered"))
    assert here.ask(1).done == Done("b", ("rendered", "rendered"))
    asyncio.run(here.feed.forget(1))
    assert here.ask(1).done is None
    assert len(shop.rendered()) == 4
    assert [row["status"] for row in rows(here, tmp_path / "out")] == ["rendered"] * 4
    assert here.alarms[-1] == 0
    assert max(here.alarms) == TIMEOUT


def test_a_task_that_was_lost_is_taken_apart(here: Here, shop: Shop) -> None:
    here.lost(0)
    answer = here.ask(0)
    assert answer.done == Done("a", ("rendered", "rendered"))
    assert answer.log == ["a: an actor was lost; its items are tried again"]
    assert len(shop.rendered()) == 2
    assert here.ask(0).done == answer.done
    assert shop.rendered() == []


@pytest.mark.parametrize(("times", "after", "code"), [(TRIES, 0.1, "internal"), (1, TIMEOUT, "deadline_exceeded")])
def test_an_item_that_was_lost_again_and_again_has_failed(
    here: Here, shop: Shop, tmp_path: Path, times: int, after: float, code: str
) -> None:
    out = tmp_path / "out"
    picture = out / "a" / f"{POSES[0].name}.png"
    picture.parent.mkdir()
    picture.write_bytes(b"from before")
    here.lost(0)
    for _ in range(times):
        here.lost(0, POSES[0].name, after=after)
    assert here.ask(0).done == Done("a", ("failed", "rendered"))
    assert len(shop.rendered()) == 1
    assert not picture.exists()
    here.ask(1)
    found = rows(here, out)
    assert [(row["status"], row["codes"]) for row in found[:2]] == [("failed", [code]), ("rendered", [])]
    assert found[0]["key"] != found[1]["key"] != ""


def test_an_item_that_was_at_work_on_lost_actors_may_be_innocent(here: Here, shop: Shop) -> None:
    here.lost(0)
    for _ in range(TRIES - 1):
        here.lost(0, POSES[0].name, after=0.1)
    assert here.ask(0).done == Done("a", ("rendered", "rendered"))


def test_no_item_is_begun_after_the_wish_to_stop(here: Here, shop: Shop) -> None:
    asyncio.run(here.feed.close(stop=True))
    assert here.ask(0).done == Done("a", ())
    assert shop.rendered() == []


def test_numbers_come_as_they_are_added(here: Here) -> None:
    async def late() -> tuple[bool, bool]:
        waiting = [asyncio.create_task(here.feed.coming(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        await here.feed.add(None)  # type: ignore[arg-type]
        await here.feed.close()
        return await waiting[0], await waiting[1]

    assert asyncio.run(here.feed.coming(1))
    assert asyncio.run(late()) == (True, False)


def test_a_node_that_sees_another_folder_says_so(here: Here, tmp_path: Path) -> None:
    for folder in (tmp_path / "elsewhere", tmp_path / "empty"):
        folder.mkdir()
    (tmp_path / "elsewhere" / LOCK).write_text("Process 1 on another")
    for state in (tmp_path / "elsewhere", tmp_path / "empty", tmp_path / "none"):
        error = here.ask(0, here.actor(state=state)).done
        assert isinstance(error, InputError)
        assert error.field == "--state"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("opening", "starts", "kind"),
    [(fake_pipeline.open_nothing, 0, ZooError), (fake_pipeline.open_fake, 3, UnavailableError)],
)
def test_an_actor_that_cant_begin_says_why(
    here: Here, opening: Callable[..., Any], starts: int, kind: type[Exception]
) -> None:
    for _ in range(starts):
        asyncio.run(here.feed.starting())
    assert isinstance(here.ask(0, here.actor(opening=opening)).done, kind)


def test_actors_that_began_are_forgotten(here: Here) -> None:
    for number in range(5):
        assert isinstance(here.ask(number % 2).done, Done)
