"""A kept analysis that was damaged is made again, gives the same picture, and is counted where Prometheus sees it."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import pytest
from counting_desk import open_counting

from tryon_service.engine.messages import Message
from tryon_service.engine.queue import WorkQueue
from tryon_service.engine.server import worker_settings
from tryon_service.engine.supervisor import Supervisor
from tryon_service.engine.tasks import Analyst, Tasks
from tryon_service.engine.worker import DONE
from tryon_service.errors import UnavailableError
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.pipeline import Pipeline
from tryon_service.settings import Settings

OPTIONS = {"background": "product", "size": [], "format": "", "renderer": "", "min_verdict": "doubtful"}


def rendered(folder: Path, photo: bytes) -> Message:
    """The answer of a worker that has only just begun."""
    tasks = Tasks(Analyst(cache_folder=folder), Path("none"))
    card = {"sha256": hashlib.sha256(photo).hexdigest(), "view": None, "sent": True, "stored": True}
    options = {**OPTIONS, "original_if_refused": False}
    head = {"shopper": "house", "photos": [card], "options": options, "deadline": time.monotonic() + 60.0}
    return tasks.answer(Message("render", head, (b"standing", photo)))


def test_it_is_made_again_and_never_served(pipeline: Pipeline, product_png: bytes, tmp_path: Path) -> None:
    first = rendered(tmp_path, product_png)
    (file,) = tmp_path.glob("*.analysis")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)
    again = rendered(tmp_path, product_png)
    assert (again.kind, again.head["made"], again.head["damaged"]) == (DONE, 1, 1)
    assert again.parts == first.parts
    kept = rendered(tmp_path, product_png)
    assert (kept.head["made"], kept.head["damaged"], kept.parts) == (0, 0, first.parts)


def counted(metrics: EngineMetrics) -> float:
    found = re.search(rb"^tryon_cache_damaged_total (\S+)$", metrics.exposition()[0], re.MULTILINE)
    assert found
    return float(found[1])


def test_it_is_counted_over_workers_that_come_and_go(settings: Settings) -> None:
    metrics = EngineMetrics()
    queue: WorkQueue[Message, Message] = WorkQueue(100, 1 << 20, 0.2)
    supervisor = Supervisor(queue, worker_settings(settings), item_timeout=60.0, watcher=metrics, opening=open_counting)

    def ask(kind: str) -> None:
        assert supervisor.wait_ready(60.0)
        supervisor.submit(Message(kind, {}), priority="shopper", deadline=time.monotonic() + 60.0).result(60.0)

    supervisor.start()
    try:
        for kind, total in (("0", 0.0), ("2", 2.0), ("2", 2.0), ("3", 3.0)):
            ask(kind)
            assert counted(metrics) == total
        with pytest.raises(UnavailableError):
            ask("crash")
        ask("1")
        assert counted(metrics) == 4.0, "another worker counts from nothing"
    finally:
        supervisor.stop()
