"""What stores and runs keep as text and read again: records of products and rows of a batch run's journal."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.fuzz.oracles import affordable
from tryon_service.batch.rows import Row
from tryon_service.products.records import PhotoRecord, ProductRecord

SECONDS, MEGABYTES = 1.0, 32.0
WORDS = (
    b'"photos":', b'"reasons":', b'"sha256":', b'"view":', b"null", b"[]", b"{}", b"1e999", b"\\ud800", b"[[[[[[[[",
)  # fmt: skip
RECORD = ProductRecord("shirt", (PhotoRecord("ab" * 32, 10, "front"),), "contract 7")


def seeds() -> Iterator[bytes]:
    yield RECORD.to_json().encode()
    yield json.dumps(Row("shirt", "standing", "rendered", codes=("low_light",), scores={"a": 0.5}).columns()).encode()


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with affordable(SECONDS, MEGABYTES):
        _check_record(text)
        _check_row(text)


def _check_record(text: str) -> None:
    try:
        record = ProductRecord.from_json(text)
    except ValueError:
        return
    assert len(record.digest) == 64
    assert record.to_json() == ProductRecord.from_json(record.to_json()).to_json()


def _check_row(text: str) -> None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        try:
            row = Row.from_columns(found)
        except ValueError:
            return
        assert Row.from_columns(row.columns()).columns() == row.columns()
