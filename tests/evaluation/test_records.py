"""Records that survive an interruption and tell versions apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.errors import InputError
from tryon_service.evaluation import records as module
from tryon_service.evaluation.records import NAME, Ledger, compared, read_records, read_strip
from tryon_service.types import UInt8Array


@pytest.fixture
def strip() -> UInt8Array:
    return np.full((160, 200, 3), 90, np.uint8)


def test_a_run_goes_on_where_it_was_cut_off(tmp_path: Path, strip: UInt8Array) -> None:
    ledger = Ledger(tmp_path, "warp")
    ledger.add("a x b", {"value": 1.5}, strip)
    with (tmp_path / NAME).open("a") as file:
        file.write('{"key": "c x d", "val')
    again = Ledger(tmp_path, "warp")
    assert "a x b" in again
    assert "c x d" not in again
    again.add("c x d", {"value": 2}, strip)
    assert [record["value"] for record in Ledger(tmp_path, "warp").chosen(["c x d", "a x b"])] == [2, 1.5]
    assert read_strip(tmp_path, "a x b").shape == strip.shape


def test_other_code_may_not_write_into_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger(tmp_path, "warp")
    with pytest.raises(InputError, match="of another renderer"):
        Ledger(tmp_path, "mine")
    monkeypatch.setattr(module, "code_digest", lambda: "another")
    with pytest.raises(InputError, match="another version"):
        Ledger(tmp_path, "warp")


def test_versions_are_compared_on_the_same_pairs(tmp_path: Path, strip: UInt8Array) -> None:
    ledger = Ledger(tmp_path, "warp")
    for key, value in (("a", 1), ("b", 2), ("d", 9)):
        ledger.add(key, {"value": value}, strip)
    now = [{"key": "a", "value": 10}, {"key": "b", "value": 0}, {"key": "c", "value": 5}]

    def total(records: object) -> dict[str, int]:
        return {"sum": sum(record["value"] for record in records)}  # type: ignore[attr-defined]

    figures = compared(now, tmp_path / NAME, total, lambda record: record["value"] > 0)
    assert figures["compared_same_pairs"] == {"baseline": {"sum": 3}, "now": {"sum": 10}}
    assert figures["compared_both_shown"] == {"baseline": {"sum": 1}, "now": {"sum": 10}}
    assert compared(now, None, total, bool) == {}


def test_a_baseline_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no records\n")
    for name in ("x", "missing"):
        with pytest.raises(InputError):
            read_records(tmp_path / name)
