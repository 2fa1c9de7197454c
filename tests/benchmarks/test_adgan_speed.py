"""What the two savings must be worth: pytest -n 0 -m benchmark."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the network needs torch (the extra `neural`)")

from tests.benchmarks.adgan_speed import measure

pytestmark = pytest.mark.benchmark


def test_a_kept_code_and_a_cut_vgg_pay_and_change_nothing() -> None:
    figures = measure()
    assert figures["cached_times_faster"] >= 3.5
    assert figures["cut_times_faster"] > 1
    assert figures["same_pictures"]
