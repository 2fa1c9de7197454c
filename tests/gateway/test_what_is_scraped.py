"""What the gateway's /metrics says besides calls: its Redis, its threads, and on which route a problem was answered."""

from __future__ import annotations

import socket
from pathlib import Path

from opened import opened


def test_without_redis_nothing_is_said_of_it(tmp_path: Path) -> None:
    with opened(tmp_path, threads=7) as gateway:
        text = gateway.client.get("/metrics").text
    assert "tryon_redis_up{" not in text
    assert "tryon_http_threads 7.0" in text


def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with opened(tmp_path, redis_url=f"redis://127.0.0.1:{port}/0") as gateway:
        assert 'tryon_redis_up{use="limits"} 0.0' in gateway.client.get("/metrics").text


def test_a_probe_that_is_told_no_is_no_error_of_shoppers(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        gateway.engine.serving = False
        gateway.client.get("/readyz")
        gateway.call("GET", "/v1/products/none")
        text = gateway.client.get("/metrics").text
    assert 'tryon_http_errors_total{code="engine_unavailable",route="/readyz"} 1.0' in text
    assert 'tryon_http_errors_total{code="unknown_product",route="/v1/products/<product_id>"} 1.0' in text
