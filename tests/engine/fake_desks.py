"""What stands in for the pipeline in a worker: quick to start, and as badly behaved as asked.

Named in a module of its own because the worker is spawned and imports it.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from pathlib import Path

from tryon_service.engine.messages import Message
from tryon_service.engine.worker import DONE, REFUSED, WorkerSettings
from tryon_service.errors import InputError, RefusedError, ZooError
from tryon_service.settings import Settings
from tryon_service.types import Reason

REPORT = {
    "verdict": "accepted",
    "reasons": [],
    "scores": {"coverage": 1.0},
    "target_coco18": None,
    "product_used": 0,
    "choice": None,
    "timings_ms": {"render": 1.0},
    "renderer": "warp",
    "networks": [],
}
PICTURE = b"a picture"
LET_GO, MAY_START = "let_go", "may_start"


class FakeDesk:
    """Does what the shopper's "house pose" says; a message's own kind says it in tests without gRPC."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.log = settings.poses / "log"
        self.answered = 0

    def answer(self, message: Message) -> Message:
        what, _, figure = _wish(message).partition("_")
        with self.log.open("a") as log:
            log.write(f"{what}_{figure}\n")
        act = getattr(self, what, None)
        if act is not None:
            act(figure)
        self.answered += 1
        if what == "look":
            seen = {"seen_view": "front", "width": 3, "height": 4, "reasons": [], "made": 1}
            return Message(DONE, seen)
        if what == "refuse":
            report = {**REPORT, "verdict": "refused", "reasons": [{"code": "blurred", "photo": "product"} | NO_FIGURES]}
            return Message(REFUSED, {"report": report, "made": 0, "held": []})
        head = {"report": REPORT, "made": 0, "held": [], "width": 3, "height": 4, "format": "jpeg"}
        return Message(DONE, {**head, "answered": self.answered, "pid": os.getpid()}, (PICTURE,))

    def hang(self, _: str) -> None:
        threading.Event().wait()

    def hold(self, _: str) -> None:
        """Until `let_go`."""
        while not (self.log.parent / LET_GO).exists():
            time.sleep(0.01)

    def nap(self, seconds: str) -> None:
        time.sleep(float(seconds))

    def doze(self, milliseconds: str) -> None:
        time.sleep(float(milliseconds) / 1000.0)

    def exit(self, code: str) -> None:
        os._exit(int(code or 1))

    def freeze(self, _: str) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def hog(self, _: str) -> None:
        bytearray(8 << 30)

    def starve(self, then: str) -> None:
        """What has no memory left and, by then, hangs or says something else."""
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 20), used + (4 << 20)))
        if then == "hang":
            self.hang("")
        raise RuntimeError("no idea why")

    def fail(self, _: str) -> None:
        raise RuntimeError("a bug")

    def input(self, _: str) -> None:
        raise InputError("image_too_small", "It has 1 x 1 pixels.", "shopper")

    def person(self, _: str) -> None:
        raise RefusedError([Reason("no_person", "shopper"), Reason("blurred", "shopper", "person", 0.9, 0.8)])


def _wish(message: Message) -> str:
    """A house pose's name; else what kind of a shopper or of a message it is."""
    if message.kind != "render":
        return message.kind
    return message.parts[0].decode() if message.head["shopper"] == "house" else message.head["shopper"]


NO_FIGURES = {"part": "", "value": None, "limit": None}


def let_go(settings: Settings) -> None:
    """What is held goes on."""
    (settings.data / "poses" / LET_GO).touch()


def open_fake(settings: WorkerSettings) -> FakeDesk:
    settings.poses.mkdir(parents=True, exist_ok=True)
    with (settings.poses / "starts").open("a") as log:
        log.write(f"{os.getpid()}\n")
    return FakeDesk(settings)


def open_never(settings: WorkerSettings) -> FakeDesk:
    open_fake(settings)
    raise ZooError("network_missing", "blazepose is nowhere.")


def open_later(settings: WorkerSettings) -> FakeDesk:
    """Fails until a file says that it may start."""
    desk = open_fake(settings)
    if not (settings.poses / MAY_START).exists():
        os._exit(3)
    return desk


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []
