"""Settings in a folder short enough for a socket's path, and waiting without sleeping blindly."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tryon_service.settings import Settings


@pytest.fixture(scope="module", autouse=True)
def _spawn_without_pytest() -> Iterator[None]:
    """A spawned process loads its parent's main module again, which would be pytest and half of a worker's start."""
    main = sys.modules["__main__"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "__spec__", None)
        patch.delattr(main, "__file__", raising=False)
        yield


@pytest.fixture
def settings() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))
    yield Settings(data=folder, log_level="error")
    shutil.rmtree(folder)


@pytest.fixture
def eventually() -> Callable[[Callable[[], object], float], None]:
    """Look until something is true, for so many seconds at most."""

    def look(true: Callable[[], object], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, "it never came true"
            time.sleep(0.01)

    return look
