"""Whether the Redis that gateways share answers: asked at every scrape, and never for long."""

from __future__ import annotations

import socket
import time

from tryon_service.access.redis_client import answers, connect


def test_one_that_answers(redis_url: str) -> None:
    with connect(redis_url) as redis:  # type: ignore[union-attr]
        assert answers(redis)


def test_one_that_is_not_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with connect(f"redis://127.0.0.1:{port}/0") as redis:  # type: ignore[union-attr]
        assert not answers(redis)


def test_one_that_is_silent() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0") as redis:  # type: ignore[union-attr]
            began = time.monotonic()
            assert not answers(redis)
            assert time.monotonic() - began < 30.0
