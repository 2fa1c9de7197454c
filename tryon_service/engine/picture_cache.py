"""Finished pictures of stored products in house poses: a listing of them is computed once, not once for every visitor.

Kept are answers of the worker, refusals too, in this process's memory and only about products of the store. Nothing of
a shopper ever is, neither photo nor pose nor picture: what has no PictureKey isn't kept, and of a shopper none is made.

What is found takes no place in the queue: it is answered however full that is, whatever the call's priority, and while
the worker is being replaced; a draining engine turns it away like every other call. Calls that ask for what is being
computed for another one wait for that, each no longer than its own deadline; if it comes to nothing, one of them
computes.

Each call reads the product's record before it looks here, so a picture of a product that is gone or has changed is
never shown. This engine's own changes remove pictures at once; those that another engine at the same products makes
leave them unreachable, until others need the room.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.cache import ByteLru
from tryon_service.engine.calls import Call
from tryon_service.engine.messages import Message, pack, unpack
from tryon_service.engine.queue import Priority
from tryon_service.errors import TryonError
from tryon_service.products.records import ProductRecord
from tryon_service.types import UInt8Array, ViewName

MOST_WAITING = 16
"""Calls that may wait for another one's picture, half of the server's spare threads; beyond them each queues itself."""

POSE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""poses.house.NAME; that module is for the worker, because OpenCV comes with it."""

Card = tuple[tuple[str, ViewName | None], ...]
"""(sha256, view) of a product's photos that can be used, in the card's order."""
_Computing = tuple["PictureKey", Priority]
"""Calls wait for one of their own priority only, or a shopper's would wait for a batch call's turn."""


class NotComputedError(Exception):
    """The call whose picture was waited for has none."""


@dataclass(frozen=True)
class PictureKey:
    """Everything that makes a picture's bytes, besides code, which is what the process began with.

    weights: digest of the zoo's networks; pose: the name, and for a pose that the shop has added its file's inode, size
    and times, for it may be replaced; options: as JSON.
    """

    store: str
    product_id: str
    card: Card
    pose: tuple[str, tuple[int, ...]]
    options: str
    weights: str = ""


class PictureCache:
    """Safe between threads. limit: bytes, the least recently used go first, 0 to keep nothing; poses: the folder of the
    shop's own house poses.

    weights: digest of the networks that pictures are made with from now on, to be set before a worker is given work.
    """

    def __init__(self, limit: int, poses: Path) -> None:
        self._limit, self._poses = limit, poses
        self.weights = ""
        self._kept = ByteLru[UInt8Array](limit)
        self._computing: dict[_Computing, list[Future[Message]]] = {}
        self._lock = threading.Lock()  # of _computing
        self._keeping = threading.Lock()  # a picture is kept either before its product changes, or not at all

    def key(self, store: str, record: ProductRecord, pose: str, options: Mapping[str, Any]) -> PictureKey | None:
        """pose: a house pose's name, whether or not there is one; options: JSON values. None if nothing is kept."""
        if not self._limit or not POSE_NAME.fullmatch(pose):
            return None
        seen = (pose, self._pose_file(pose))
        return PictureKey(store, record.id, card_of(record), seen, json.dumps(options, sort_keys=True), self.weights)

    def answer(
        self,
        key: PictureKey | None,
        call: Call,
        compute: Callable[[], Message],
        current: Callable[[], PictureKey | None],
    ) -> tuple[Message, bool]:
        """(answer, whether it was there or on its way already).

        compute: asks the worker, and what it raises is raised; current: the key as it would be now, so that nothing is
        kept of a product or a pose that changed meanwhile. Raises as Call.wait does.
        """
        if key is None:
            return compute(), False
        while True:
            with self._lock:
                kept = self._kept.get(key)
                place = None if kept is not None else self._place((key, call.priority))
            if kept is not None:
                return unpack(kept.tobytes()), True
            if place is None:
                return self._computed(key, call.priority, compute, current), False
            with contextlib.suppress(NotComputedError):
                return call.wait(place), True

    def forget(self, store: str, product_id: str, record: ProductRecord | None = None) -> None:
        """Give up a product's pictures, but those of the card that record has, if any; also those being computed.

        To be called after the product has changed in the store, and before that is answered.
        """
        card = None if record is None else card_of(record)
        with self._keeping:
            self._kept.drop(lambda key: (key.store, key.product_id) == (store, product_id) and key.card != card)

    def _pose_file(self, name: str) -> tuple[int, ...]:
        """What tells one file of this name from the next; empty where there is none, as for the poses built in."""
        try:
            state = (self._poses / f"{name}.json").stat()
        except OSError:
            return ()
        return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns

    def _place(self, wanted: _Computing) -> Future[Message] | None:
        """Where the answer of a call that computes this will be; None for who is to compute."""
        if wanted not in self._computing:
            self._computing[wanted] = []
            return None
        if sum(len(waiting) for waiting in self._computing.values()) >= MOST_WAITING:
            return None
        place: Future[Message] = Future()
        self._computing[wanted].append(place)
        return place

    def _computed(
        self,
        key: PictureKey,
        priority: Priority,
        compute: Callable[[], Message],
        current: Callable[[], PictureKey | None],
    ) -> Message:
        answer = None
        try:
            answer = compute()
            self._keep(key, answer, current)
            return answer
        finally:
            with self._lock:
                waiting = self._computing.pop((key, priority), [])
            for future in waiting:
                _tell(future, answer)

    def _keep(self, key: PictureKey, answer: Message, current: Callable[[], PictureKey | None]) -> None:
        """Unless it is no more what would be made now, or nobody can tell."""
        head = {name: value for name, value in answer.head.items() if name != "held"}
        packed = np.frombuffer(pack(Message(answer.kind, head, answer.parts)), np.uint8)  # ByteLru counts arrays
        with self._keeping, contextlib.suppress(TryonError):
            if packed.nbytes <= self._limit and current() == key:
                self._kept.put(key, packed)


def card_of(record: ProductRecord) -> Card:
    return tuple((photo.sha256, photo.view) for photo in record.photos if not photo.reasons)


def _tell(future: Future[Message], answer: Message | None) -> None:
    """answer: None where there is none. Who has left isn't told."""
    if not future.set_running_or_notify_cancel():
        return
    if answer is None:
        future.set_exception(NotComputedError())
    else:
        future.set_result(answer)
