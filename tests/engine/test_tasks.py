"""What the worker keeps between messages, and what it doesn't."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from tryon_service.engine.messages import Message
from tryon_service.engine.tasks import Analyst, Held, Tasks
from tryon_service.engine.worker import DONE, MISSING
from tryon_service.pipeline import Pipeline

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
