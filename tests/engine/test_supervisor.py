"""A worker may die, hang, freeze or eat memory at any moment: it costs the call in it and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from fake_desks import MAY_START, lines, open_fake, open_later, open_never

from tryon_service.engine import process
from tryon_service.engine import supervisor as supervisor_module
from tryon_service.engine.messages import Message
from tryon_service.engine.queue import WorkQueue
from tryon_service.engine.server import worker_settings
from tryon_service.engine.supervisor import Supervisor
from tryon_service.engine.worker import Opening
from tryon_service.errors import InputError, RefusedError, TryonError, UnavailableError
from tryon_service.observability.process_memory import Memory
from tryon_service.settings import Settings

Eventually = Callable[..., None]
Start = Callable[..., Supervisor]

LONG = 600.0
"""Seconds of limits that aren't what a test is about: whatever comes within a minute didn't wait for them."""


class Log:
    """What a supervisor tells."""

    def __init__(self) -> None:
        self.restarts: list[str] = []
        self.health: list[bool] = []
        self.memory = 0
        self.damaged = 0

    def restarted(self, why: str) -> None:
        self.restarts.append(why)

    def worker_memory(self, memory: Memory) -> None:
        self.memory = memory.resident

    def analyses_damaged(self, number: int) -> None:
        self.damaged += number

    def ready(self, *, ready: bool) -> None:
        self.health.append(ready)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def start(settings: Settings, log: Log) -> Iterator[Start]:
    started = []

    def start(opening: Opening = open_fake, *, item_timeout: float = LONG, ready: bool = True) -> Supervisor:
        queue: WorkQueue[Message, Message] = WorkQueue(100, 1 << 20, 0.2)
        made = Supervisor(queue, worker_settings(settings), item_timeout=item_timeout, watcher=log, opening=opening)
        made.start()
        started.append(made)
        assert not ready or made.wait_ready(60.0)
        return made

    yield start
    for one in started:
        one.stop()


def ask(supervisor: Supervisor, kind: str, size: int = 0) -> Future[Message]:
    parts = (bytes(size),) if size else ()
    return supervisor.submit(Message(kind, {}, parts), priority="shopper", deadline=time.monotonic() + LONG)


def answered(future: Future[Message]) -> int:
    """How many messages that worker had answered."""
    return int(future.result(60.0).head["answered"])


def test_answers_in_order(start: Start, log: Log) -> None:
    supervisor = start()
    futures = [ask(supervisor, "echo") for _ in range(5)]
    assert [answered(future) for future in futures] == [1, 2, 3, 4, 5]
    assert (log.restarts, log.health) == ([], [True])


def test_errors_travel_whole(start: Start) -> None:
    supervisor = start()
    error = ask(supervisor, "input").exception(60.0)
    assert isinstance(error, InputError)
    assert (error.code, error.field, error.detail) == ("image_too_small", "shopper", "It has 1 x 1 pixels.")
    refused = ask(supervisor, "person").exception(60.0)
    assert isinstance(refused, RefusedError)
    assert [(one.code, one.value, one.limit) for one in refused.reasons] == [
        ("no_person", None, None),
        ("blurred", 0.9, 0.8),
    ]
    bug = ask(supervisor, "fail").exception(60.0)
    assert isinstance(bug, TryonError)
    assert bug.code == "internal"
    assert answered(ask(supervisor, "echo")) == 1, "the same worker goes on"


@pytest.mark.parametrize(("kind", "why"), [("exit", "died"), ("hang", "hung"), ("hog", "memory"), ("starve", "memory")])
def test_the_item_that_ruins_the_worker_is_the_only_one_to_fail(start: Start, log: Log, kind: str, why: str) -> None:
    supervisor = start(item_timeout=2.0 if kind == "hang" else LONG)
    before = ask(supervisor, "echo")
    bad = ask(supervisor, kind)
    after = [ask(supervisor, "echo") for _ in range(3)]
    error = bad.exception(60.0)
    assert isinstance(error, UnavailableError)
    assert (error.code, error.retryable) == ("engine_unavailable", True)
    assert answered(before) == 1
    assert [answered(future) for future in after] == [1, 2, 3], "waiting calls go on in the next worker"
    assert log.restarts == [why]
    assert log.health == [True, False, True]


def test_a_worker_that_hangs_without_memory_ends_soon(start: Start, log: Log) -> None:
    supervisor = start()
    assert isinstance(ask(supervisor, "starve_hang").exception(60.0), UnavailableError)
    assert answered(ask(supervisor, "echo")) == 1
    assert log.restarts == ["died"]


def test_twenty_kills_cost_twenty_calls(start: Start, log: Log, eventually: Eventually) -> None:
    supervisor = start()
    good, bad = [], []
    for _ in range(20):
        assert supervisor.wait_ready(60.0)
        good.append(ask(supervisor, "echo"))
        good[-1].result(60.0)
        bad.append(ask(supervisor, "nap_30"))
        good.append(ask(supervisor, "echo"))
        eventually(bad[-1].running)
        os.kill(supervisor.worker_pid, signal.SIGKILL)
        error = bad[-1].exception(60.0)
        assert isinstance(error, UnavailableError)
        assert error.code == "engine_unavailable"
    assert all(future.result(60.0).kind == "done" for future in good)
    assert log.restarts == ["died"] * 20


def test_a_frozen_idle_worker_is_noticed_and_replaced(
    start: Start, log: Log, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FROZEN_AFTER", 2.0)
    supervisor = start()
    os.kill(supervisor.worker_pid, signal.SIGSTOP)
    eventually(lambda: log.health == [True, False, True])
    assert log.restarts == ["hung"]
    assert answered(ask(supervisor, "echo")) == 1


def test_a_worker_frozen_in_a_call_is_noticed_long_before_the_call_counts_as_hung(
    start: Start, log: Log, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FROZEN_AFTER", 2.0)
    supervisor = start()
    assert isinstance(ask(supervisor, "freeze", 1 << 19).exception(60.0), UnavailableError)
    eventually(lambda: log.restarts == ["hung"])


def test_a_large_message_to_a_frozen_worker_does_not_hold_the_supervisor(
    start: Start, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FROZEN_AFTER", 1.5)
    supervisor = start()
    os.kill(supervisor.worker_pid, signal.SIGSTOP)
    large = ask(supervisor, "echo", 1 << 20)  # more than the pipe holds
    assert isinstance(large.exception(60.0), UnavailableError)
    assert answered(ask(supervisor, "echo")) == 1


def test_a_busy_worker_is_not_a_frozen_one(start: Start, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FROZEN_AFTER", 1.5)
    supervisor = start()
    assert answered(ask(supervisor, "nap_2.5")) == 1
    assert log.restarts == []


def test_an_idle_worker_that_dies_is_replaced_at_once(start: Start, log: Log, eventually: Eventually) -> None:
    supervisor = start()
    os.kill(supervisor.worker_pid, signal.SIGKILL)
    eventually(lambda: log.health == [True, False, True])
    eventually(lambda: log.memory > 1 << 20)


def test_workers_that_never_start_are_tried_again_ever_less_often(
    start: Start, settings: Settings, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE", 0.5)
    supervisor = start(open_never, ready=False)
    starts = settings.data / "poses" / "starts"
    waiting = ask(supervisor, "echo")
    error = waiting.exception(60.0)
    assert isinstance(error, UnavailableError)
    assert "network_missing" in error.detail
    with pytest.raises(UnavailableError):
        ask(supervisor, "echo")
    began = time.monotonic()
    eventually(lambda: len(lines(starts)) == 3)
    assert time.monotonic() - began >= 1.2, "pauses grow"
    assert not supervisor.ready


def test_it_recovers_by_itself_when_the_cause_is_gone(
    start: Start, settings: Settings, log: Log, eventually: Eventually
) -> None:
    supervisor = start(open_later, ready=False)
    eventually(lambda: log.restarts)
    (settings.data / "poses" / MAY_START).touch()
    assert supervisor.wait_ready(60.0)
    assert answered(ask(supervisor, "echo")) == 1


def test_what_is_to_be_forgotten_outlives_a_worker(start: Start, settings: Settings, eventually: Eventually) -> None:
    supervisor = start()
    nap = ask(supervisor, "nap_30")
    eventually(nap.running)
    forgotten = supervisor.forget(["a" * 64])
    os.kill(supervisor.worker_pid, signal.SIGKILL)
    assert forgotten.result(60.0).kind == "done"
    assert lines(settings.data / "poses" / "log")[-1] == "forget_"


def test_stopping_answers_what_runs_and_what_waits(start: Start, eventually: Eventually) -> None:
    supervisor = start()
    running, waiting = ask(supervisor, "nap_30"), ask(supervisor, "echo")
    eventually(running.running)
    pid = supervisor.worker_pid
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 20.0, "sooner than the nap would"
    for future in (running, waiting):
        error = future.exception(0.0)
        assert isinstance(error, UnavailableError)
        assert error.code == "engine_unavailable"
    assert not alive(pid)


def test_the_worker_is_confined(start: Start) -> None:
    supervisor = start()
    status = Path(f"/proc/{supervisor.worker_pid}/limits").read_text()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in status.splitlines()}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(2048 << 20)] * 2
    assert os.getpgid(supervisor.worker_pid) == supervisor.worker_pid


def test_the_worker_dies_with_a_killed_supervisor(settings: Settings, eventually: Eventually) -> None:
    code = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from fake_desks import open_fake
from tryon_service.engine.server import Engine
from tryon_service.observability.process_memory import Memory
from tryon_service.settings import Settings
if __name__ == "__main__":
    engine = Engine(Settings(data=Path({str(settings.data)!r}), log_level="error"), open_fake)
    engine.start()
    engine.supervisor.wait_ready(60.0)
    print(engine.supervisor.worker_pid, flush=True)
    time.sleep(60.0)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
    eventually(lambda: not alive(pid))


def test_a_pause_in_the_middle_of_a_message_is_not_the_workers(settings: Settings) -> None:
    """As when a whole machine is stopped for a while: time that nobody had doesn't count."""
    code = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from fake_desks import open_fake
from tryon_service.engine import process
from tryon_service.engine.server import worker_settings
from tryon_service.settings import Settings
if __name__ == "__main__":
    process.FROZEN_AFTER = 4.0
    worker = process.WorkerProcess(worker_settings(Settings(data=Path({str(settings.data)!r}))), open_fake)
    worker.answer(20.0)
    with worker._watched():
        print("in a message", flush=True)
        for _ in range(20):
            time.sleep(0.1)
    print(worker._process.is_alive(), flush=True)
    worker.kill()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "in a message\n"
        time.sleep(0.5)
        os.kill(parent.pid, signal.SIGSTOP)
        time.sleep(5.0)
        os.kill(parent.pid, signal.SIGCONT)
        assert parent.stdout.read() == "True\n"


def alive(pid: int) -> bool:
    """A zombie that its new parent hasn't buried is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
