"""The Ray engine: one machine or a cluster, as a streaming Ray Data pipeline.

    numbers of tasks, as the feed gets them  ->  actors with warm networks: read, analyse, render, write  ->  answers

The actors write pictures and journal themselves; what comes back says only what became of each task. No more tasks are
out than the actors have room for, so that memory doesn't grow with the catalogue. A lost actor, or node, is replaced by
Ray, and costs the batch that it had in hand.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from threading import Event
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tryon_service.batch.ledger import LOCK, Ledger
from tryon_service.batch.ray_actors import ANSWER, NUMBER, Answer, CardActor, Feed, Handle, Setting, numbers
from tryon_service.batch.worker import ITEM_TIMEOUT, POLL, Done, Opening, Plan, Task, open_pipeline
from tryon_service.errors import InputError, TryonError, UnavailableError

IN_HAND = 2
"""Tasks of an actor: the one it does, and the next, so that it never waits."""
ON_THEIR_WAY = 2 * IN_HAND
"""Tasks, for each actor, that are on their way anywhere."""
ENDING = 15.0
"""Seconds that items in flight have when a run breaks off."""
CONNECT = 10.0
"""Seconds within which a cluster answers."""
STORE = 100 << 20
"""Bytes of a local Ray's object store, which holds numbers; the least that Ray takes is 75 MB."""

Arrived = tuple[int, Answer] | BaseException | None
"""(number, answer); what ended the pipeline; None for its regular end."""

logger = logging.getLogger(__name__)


class RayPool:
    """Raises UnavailableError, ZooError and InputError: what is wrong with the run and not with an item."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        workers: int | None,
        address: str = "",
        gpus: float = 0.0,
        item_timeout: float = ITEM_TIMEOUT,
        opening: Opening = open_pipeline,
    ) -> None:
        """workers: actors, each with plan.threads CPUs and so many GPUs, which may be a share of one; None, with an
        address only: as many as there are CPUs for. address: of a cluster ("auto", "host:port"); without one, Ray runs
        on this machine for this run alone."""
        self._plan, self._ledger, self._opening = plan, ledger, opening
        self._workers, self._address = workers, address
        self._gpus, self._timeout = gpus, item_timeout

    def render(self, tasks: Iterable[Task], stop: Event) -> Iterator[Done]:
        """What became of the tasks, as they are done. stop: when it is set, no further item is begun."""
        with _connected(self._address, (self._workers or 1) * self._plan.threads):
            self._check_room()
            workers = self._workers or max(int(ray.cluster_resources().get("CPU", 1)) // self._plan.threads, 1)
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            feed = ray.remote(num_cpus=0, scheduling_strategy=here)(Feed).remote()
            with _in_background(self._pipeline(feed, workers), feed) as arrived:
                yield from _fed(feed, iter(tasks), arrived, ON_THEIR_WAY * workers, stop)

    def _check_room(self) -> None:
        """An actor that fits nowhere would be waited for without a word, and without end."""
        needed = {"CPU": self._plan.threads, "GPU": self._gpus}
        rooms = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if any(all(room.get(kind, 0) >= amount for kind, amount in needed.items()) for room in rooms):
            return
        if not self._address:
            raise InputError("invalid_option", f"This machine has no {self._gpus:g} GPUs.", "--gpus")
        logger.warning("No node has %d CPUs and %g GPUs for a worker; waiting for one", *needed.values())

    def _pipeline(self, feed: Handle, workers: int) -> Any:  # noqa: ANN401 - a Ray dataset
        ledger = self._ledger
        lock = (ledger.folder / LOCK).read_text()
        segment = ledger.segment_path("ray-")
        setting = Setting(self._plan, ledger.folder, lock, segment, workers, self._timeout, self._opening)
        coming = ray.data.from_items([0]).map_batches(numbers, fn_args=(feed,), num_cpus=0, batch_size=None)
        return coming.map_batches(
            CardActor,
            fn_constructor_args=(feed, setting),
            batch_size=1,
            compute=ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=IN_HAND),
            num_cpus=self._plan.threads,
            num_gpus=self._gpus or None,
        )


def _fed(
    feed: Handle, coming: Iterator[Task], arrived: queue.SimpleQueue[Arrived], room: int, stop: Event
) -> Iterator[Done]:
    """Hand out tasks as long as there is room, and yield what becomes of them."""
    pending, added, closed, told = set[int](), 0, False, False
    while True:
        if stop.is_set() and not told:
            ray.get(feed.close.remote(stop=True))
            closed = told = True
        while not closed and len(pending) < room:
            task = next(coming, None)
            if task is None:
                ray.get(feed.close.remote())
                closed = True
                break
            ray.get(feed.add.remote(task))
            pending.add(added)
            added += 1
        try:
            found = arrived.get(timeout=POLL)
        except queue.Empty:
            continue
        if found is None:
            return
        yield from _done(feed, found, pending)


def _done(feed: Handle, found: tuple[int, Answer] | BaseException, pending: set[int]) -> Iterator[Done]:
    """What has arrived, if it is news. Raises what ended the run."""
    if isinstance(found, BaseException):
        logger.error("%s", found)
        raise UnavailableError("internal", "Ray gave up; its own words are above.") from found
    number, answer = found
    for text in answer.log:
        logger.warning("%s", text)
    if isinstance(answer.done, TryonError):
        raise answer.done
    if number in pending:
        pending.remove(number)
        ray.get(feed.forget.remote(number))
        if answer.done is not None:
            yield answer.done


@contextlib.contextmanager
def _in_background(pipeline: Any, feed: Handle) -> Iterator[queue.SimpleQueue[Arrived]]:  # noqa: ANN401 - a dataset
    """Runs it; its rows as they come. In the end it is over, for a thread that uses Ray after its shutdown may end the
    whole process, without a word."""
    arrived: queue.SimpleQueue[Arrived] = queue.SimpleQueue()

    def run() -> None:
        try:
            for row in pipeline.iter_rows():
                arrived.put((row[NUMBER], pickle.loads(row[ANSWER])))  # noqa: S301 - an actor of ours made it
            arrived.put(None)
        except BaseException as error:  # noqa: BLE001 - goes on in the main thread
            arrived.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield arrived
    finally:
        if thread.is_alive():
            feed.close.remote(stop=True)
            thread.join(ENDING)


@contextlib.contextmanager
def _connected(address: str, cpus: int) -> Iterator[None]:
    """To a cluster, or to a Ray of one's own, which is gone afterwards with all of its files. cpus: of the latter.

    Raises InputError for an address where no cluster answers.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # tells nobody that it runs
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what concerns the run is in its answers
    handlers = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}
    with tempfile.TemporaryDirectory(prefix="tryon-ray-", ignore_cleanup_errors=True) as folder:
        own = {"num_cpus": cpus, "object_store_memory": STORE, "include_dashboard": False, "_temp_dir": folder}
        try:
            _check_address(address)
            with _hushed():
                place = {} if address else own
                ray.init(address or "local", **place, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            detail = f"Ray can't be had{f' at {address!r}' if address else ''}: {error}"
            raise InputError("invalid_option", detail, "--address" if address else "--engine") from error
        finally:
            for which, handler in handlers.items():  # Ray has put its own in their place
                signal.signal(which, handler)
        _configure()
        try:
            yield
        finally:
            ray.shutdown()


def _check_address(address: str) -> None:
    """Ray itself would try for a quarter of an hour. Raises OSError or ValueError."""
    if address not in ("", "auto"):
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """What Ray's library writes about its log level, past Python, is of no use to anybody."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _configure() -> None:
    """No progress bars of Ray's; and blocks of one row, since a block is what is lost with an actor."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1
