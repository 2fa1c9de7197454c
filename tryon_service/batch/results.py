"""The table of results: a row per product and pose in the catalogue's order, as Parquet or as lines of JSON."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from tryon_service.batch.outputs import Outputs, file_error
from tryon_service.batch.rows import CATALOGUE, NAMES, Row
from tryon_service.errors import InputError, UnavailableError

TableFormat = Literal["parquet", "jsonl"]
TABLES: Mapping[TableFormat, str] = {"parquet": "results.parquet", "jsonl": "results.jsonl"}
"""Names in the output folder."""
ROWS_AT_ONCE = 1000
_NUMBERS = {"width": "int32", "height": "int32", "seconds": "float64", "rights_confirmed": "bool_"}
"""Columns that hold no text, with pyarrow's name of their type; codes is a list of texts."""


def table_format(wanted: TableFormat | None) -> TableFormat:
    """What will be written: Parquet if pyarrow is there, unless something is asked for. Raises InputError for Parquet
    without it."""
    there = importlib.util.find_spec("pyarrow") is not None
    if wanted == "parquet" and not there:
        detail = "Parquet needs the batch extra: pip install 'tryon-service[batch]'."
        raise InputError("invalid_option", detail, "--table")
    return wanted or ("parquet" if there else "jsonl")


def write_table(rows: Iterable[Row], columns: Sequence[str], form: TableFormat, state: Path, outputs: Outputs) -> str:
    """Write, read again and only then bring to its place; never all rows in memory. The table's name.

    columns: of the catalogue, in every row, empty where a line lacks one; state: local folder for the unfinished file.
    Raises UnavailableError: "storage_full" or "storage_unavailable".
    """
    part = state / f"{TABLES[form]}.part"
    try:
        write = _write_parquet if form == "parquet" else _write_jsonl
        written = write(part, (_columns(row, columns) for row in rows), columns)
        if _count(part, form) != written:
            raise UnavailableError("storage_unavailable", f"{part.name} does not hold what was written to it.", "--out")
    except OSError as error:
        raise file_error(error, state) from error
    outputs.publish(part, TABLES[form])
    other: TableFormat = "jsonl" if form == "parquet" else "parquet"
    outputs.remove(TABLES[other])  # of an earlier run, and no longer true
    return TABLES[form]


def _columns(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {**{CATALOGUE + name: "" for name in columns}, **row.columns()}


def _write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    names, written = [*NAMES, *(CATALOGUE + name for name in columns)], 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({name: row[name] for name in names}, ensure_ascii=False) + "\n")
            written += 1
        _sync(file)
    return written


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    import pyarrow
    from pyarrow import parquet

    types = {"codes": pyarrow.list_(pyarrow.string())}
    types |= {name: getattr(pyarrow, kind)() for name, kind in _NUMBERS.items()}
    names = [*NAMES, *(CATALOGUE + name for name in columns)]
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in names])
    written = 0
    with path.open("wb") as file:
        with closing(parquet.ParquetWriter(file, schema)) as writer:
            for some in _in_groups(rows):
                writer.write_table(pyarrow.Table.from_pylist(some, schema))
                written += len(some)
        _sync(file)
    return written


def _in_groups(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    coming = iter(rows)
    while some := list(islice(coming, ROWS_AT_ONCE)):
        yield some


def _count(path: Path, form: TableFormat) -> int:
    """Rows that can be read."""
    if form == "jsonl":
        with path.open(encoding="utf-8") as file:
            return sum(bool(json.loads(line)) for line in file)
    from pyarrow import parquet

    with parquet.ParquetFile(path) as table:
        return sum(batch.num_rows for batch in table.iter_batches(ROWS_AT_ONCE))


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
