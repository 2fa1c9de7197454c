from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from tryon_service.engine.listen import claimed
from tryon_service.errors import InputError
from tryon_service.settings import Settings


def test_one_owner_at_a_time(settings: Settings) -> None:
    address = settings.engine_address
    with claimed(address, 0.0), pytest.raises(InputError, match="Another engine"), claimed(address, 0.1):
        pass
    with claimed(address, 0.0):
        pass


def test_the_next_owner_waits_for_the_first_to_end(settings: Settings) -> None:
    address = settings.engine_address
    ended = threading.Event()

    def first() -> None:
        with claimed(address, 0.0):
            started.set()
            ended.wait(60.0)

    started = threading.Event()
    owner = threading.Thread(target=first)
    owner.start()
    started.wait(60.0)
    threading.Timer(0.2, ended.set).start()
    began = time.monotonic()
    with claimed(address, 60.0):
        assert ended.is_set()
        assert time.monotonic() - began < 30.0
    owner.join()


def own_and_die(address: str, pipe: object) -> None:
    with claimed(address, 0.0):
        pipe.send(True)  # type: ignore[attr-defined]
        time.sleep(60.0)


def test_a_killed_owner_leaves_nothing_behind(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    owner = context.Process(target=own_and_die, args=(settings.engine_address, theirs))
    owner.start()
    assert ours.recv()
    owner.kill()
    owner.join()
    with claimed(settings.engine_address, 0.0):
        pass


def test_the_folder_is_made_private(settings: Settings) -> None:
    with claimed(settings.engine_address, 0.0):
        assert settings.runtime.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o750, 0o777, 0o702])
def test_a_folder_that_others_can_reach_is_refused(settings: Settings, mode: int) -> None:
    settings.runtime.mkdir()
    settings.runtime.chmod(mode)
    with pytest.raises(InputError, match="0700"), claimed(settings.engine_address, 0.0):
        pass


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="107 bytes"), claimed(f"unix:{tmp_path}/{'x' * 100}/engine.sock", 0.0):
        pass


def test_tcp_needs_no_claim() -> None:
    with claimed("localhost:0", 0.0), claimed("localhost:0", 0.0):
        pass
