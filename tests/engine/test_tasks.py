"""What the worker keeps between messages, and what it doesn't."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.renderers.small_generators import bring_in
from tryon_service.engine import tasks
from tryon_service.engine.messages import Message
from tryon_service.engine.server import worker_settings
from tryon_service.engine.tasks import Analyst, Held, Tasks
from tryon_service.engine.worker import DONE, MISSING
from tryon_service.errors import TryonError
from tryon_service.pipeline import Pipeline
from tryon_service.settings import Settings
from tryon_service.zoo.store import default_root

OPTIONS = {
    "background": "product",
    "size": [],
    "format": "",
    "renderer": "",
    "min_verdict": "doubtful",
    "original_if_refused": False,
}


@pytest.fixture(scope="module")
def analyst(pipeline: Pipeline) -> Analyst:
    """`pipeline` skips where there are no networks."""
    return Analyst()


def test_a_generator_that_draws_no_drawn_figure_can_be_the_service_s_own(
    analyst: Analyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in("adgan", tmp_path)
    for file in default_root().iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path / "zoo")
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path / "zoo"))
    settings = worker_settings(Settings(data=tmp_path / "data", renderer="adgan", cache_folder_bytes=0))
    assert Tasks.warm(settings).answer(Message("forget", {"photos": []})).kind == DONE


def test_a_warm_up_that_gets_no_picture_is_no_start(
    analyst: Analyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = SimpleNamespace(photo=np.full((256, 192, 3), 200, np.uint8))
    monkeypatch.setattr(tasks, "draw_figure", lambda *_, size: nobody)
    with pytest.raises(TryonError, match="warm-up render is refused"):
        Tasks.warm(worker_settings(Settings(data=tmp_path, cache_folder_bytes=0)))


def wish(image: bytes, *, sent: bool, stored: bool = True) -> Message:
    photo = {"sha256": hashlib.sha256(image).hexdigest(), "view": None, "sent": sent, "stored": stored}
    head = {"shopper": "house", "photos": [photo], "options": OPTIONS, "deadline": time.monotonic() + 60.0}
    return Message("render", head, (b"standing", image) if sent else (b"standing",))


def test_held_files_make_room_for_newer_ones() -> None:
    held = Held(limit=10)
    held.put("a", bytes(4))
    held.put("b", bytes(4))
    assert held.get("a") is not None
    held.put("c", bytes(4))
    assert held.names() == ["a", "c"], "b wasn't used for longest"
    held.put("d", bytes(11))
    assert held.names() == [], "what never fits is not kept"
    held.drop("none")


def test_a_stored_photo_travels_once(analyst: Analyst, product_png: bytes) -> None:
    tasks = Tasks(analyst, Path("none"))
    assert tasks.answer(wish(product_png, sent=False)).kind == MISSING
    first = tasks.answer(wish(product_png, sent=True))
    assert (first.kind, first.head["made"]) == (DONE, 1)
    again = tasks.answer(wish(product_png, sent=False))
    assert (again.kind, again.head["made"], again.parts) == (DONE, 0, first.parts)


def test_a_photo_given_with_the_call_is_not_held(analyst: Analyst, product_png: bytes) -> None:
    tasks = Tasks(analyst, Path("none"))
    assert tasks.answer(wish(product_png, sent=True, stored=False)).head["held"] == []


def test_nothing_is_kept_of_what_is_to_be_forgotten_even_by_calls_that_waited(
    analyst: Analyst, product_png: bytes
) -> None:
    tasks = Tasks(analyst, Path("none"))
    sha256 = hashlib.sha256(product_png).hexdigest()
    tasks.answer(wish(product_png, sent=True))
    tasks.answer(Message("forget", {"photos": [sha256]}))
    assert tasks.answer(wish(product_png, sent=False)).kind == MISSING
    for _ in range(2):
        late = tasks.answer(wish(product_png, sent=True))
        assert (late.kind, late.head["made"], late.head["held"]) == (DONE, 1, [])
    look = {"sha256": sha256, "field": "product", "view": None}
    assert tasks.answer(Message("look", look, (product_png,))).head["made"] == 1
    assert tasks.answer(wish(product_png, sent=True)).head["made"] == 0, "put again, it is kept again"
