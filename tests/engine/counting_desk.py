"""A desk whose answers say of themselves how many damaged analyses there were; the worker is spawned and imports it."""

from __future__ import annotations

import os

from tryon_service.engine.messages import Message
from tryon_service.engine.worker import DONE, WorkerSettings


class CountingDesk:
    """A message's kind is the number that its answer tells; "crash" ends the process."""

    def answer(self, message: Message) -> Message:
        if message.kind == "crash":
            os._exit(1)
        return Message(DONE, {"damaged": int(message.kind)})


def open_counting(_: WorkerSettings) -> CountingDesk:
    return CountingDesk()
