"""A catalogue whose photos are words, and a run in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_catalogue import Shop


@pytest.fixture(scope="module", autouse=True)
def _spawn_without_pytest() -> Iterator[None]:
    """A spawned process loads its parent's main module again, which would be pytest and half of a worker's start."""
    main = sys.modules["__main__"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "__spec__", None)
        patch.delattr(main, "__file__", raising=False)
        yield


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")
