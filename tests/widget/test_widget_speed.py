"""The benchmark of the widget's speed measures what it says; how quick it is depends on the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from open_shop import OpenShop

from tests.benchmarks import widget_speed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_parts_and_refusals(browser: Browser, shop: OpenShop, shopper: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget_speed, "WARM_UP", 0)
    row = widget_speed.measure(browser, shop, [b"%PDF-1.7 ...", shopper], 1)  # type: ignore[arg-type]
    assert row["pictures"] == 1
    assert row["refused"] == 1
    assert all(milliseconds > 0 for milliseconds in row["parts_ms"].values())
    assert abs(sum(row["parts_ms"].values()) - row["total_ms"]["median"]) <= len(row["parts_ms"])
