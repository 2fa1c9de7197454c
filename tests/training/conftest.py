"""What dataset builds need to run on drawn photos, without networks and processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from drawn_photos import Album, Inline

from tryon_service.training import pairs, video_pairs


@pytest.fixture
def album(monkeypatch: pytest.MonkeyPatch) -> Album:
    """What is built while this is used is perceived by it."""
    made = Album()
    backend = SimpleNamespace(networks=())
    analyst = SimpleNamespace(pose=backend, matter=backend, parser=backend, analyse_pose=made.perceive_file)
    monkeypatch.setattr(pairs, "perceive", made.perceive)
    monkeypatch.setattr(pairs, "analyst", lambda: analyst)
    monkeypatch.setattr(video_pairs, "analyst", lambda: analyst)
    return made


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], Inline]:
    """Call it for a pool that the next build works with."""

    def use(stop_after: int | None = None) -> Inline:
        made = Inline(stop_after)

        @contextmanager
        def inline(_workers: int) -> Iterator[Inline]:
            yield made

        monkeypatch.setattr(pairs, "maker_pool", inline)
        return made

    use()
    return use
