"""The limits that a render must keep on two cores: pytest -m benchmark."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_render import measure

pytestmark = pytest.mark.benchmark


def test_a_render_keeps_its_limits() -> None:
    figures = measure(repeat=3)
    assert figures["render_ms"]["total"] < 400
    assert figures["cold_command_s"] < 5
    assert figures["product_from_folder_ms"] < 60
    assert figures["peak_memory_mb"] < 600
