"""The lines of a catalogue's file, one after the other, whatever it is: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tryon_service.errors import InputError
from tryon_service.onboarding.catalogue import DELIMITERS

Line = tuple[int, Mapping[str, str] | InputError]
"""Its number in the file, counted from 1 (of a Parquet file, the row's), with its fields by column, or what is wrong
with it."""

ROWS_AT_ONCE = 1000
"""Of a Parquet file."""


def read_lines(path: Path) -> Iterator[Line]:
    """Every line that isn't blank; never the whole file in memory. Columns keep their names, fields are stripped.

    Raises InputError naming the file for one that can't be read as what its name says it is.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError("invalid_option", f"{path.name!r} is none of {', '.join(_READERS)}.", "--catalogue")
    try:
        yield from reader(path)
    except OSError as error:
        detail = f"{str(path)!r} can't be read: {error.strerror or error}."
        raise InputError("invalid_option", detail, "--catalogue") from error
    except UnicodeDecodeError as error:
        detail = "It is not UTF-8; in a spreadsheet, save it as 'CSV UTF-8'."
        raise InputError("invalid_option", detail, path.name) from error


def _csv(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = max(DELIMITERS, key=file.readline().count)
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header: list[str] = []
        line = 1
        try:
            for row in reader:
                fields = [field.strip() for field in row]
                if not header:
                    header = _header(fields, path.name)
                elif any(fields):
                    yield line, _fields(header, fields)
                line = reader.line_num + 1
        except csv.Error as error:
            detail = f"It can't be read as CSV: {error}."
            raise InputError("invalid_option", detail, f"{path.name} line {line}") from error


def _header(names: list[str], file: str) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("invalid_option", f"There are two columns {twice!r}.", f"{file} line 1")
    return names


def _fields(header: list[str], fields: list[str]) -> Mapping[str, str] | InputError:
    if len(fields) != len(header):
        return InputError("invalid_option", f"It has {len(fields)} columns, the first line has {len(header)}.")
    return dict(zip(header, fields, strict=True))


def _json_lines(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, _object(text)


def _object(text: str) -> Mapping[str, str] | InputError:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return InputError("invalid_option", "It is no JSON.")
    if not isinstance(value, dict):
        return InputError("invalid_option", "It is no JSON object.")
    return {_text(name): _text(field) for name, field in value.items()}


def _parquet(path: Path) -> Iterator[Line]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        detail = "Parquet needs the batch extra: pip install 'tryon-service[batch]'."
        raise InputError("invalid_option", detail, "--catalogue") from error
    try:
        with parquet.ParquetFile(path) as file:
            rows = (row for batch in file.iter_batches(ROWS_AT_ONCE) for row in batch.to_pylist())
            for line, row in enumerate(rows, start=1):
                yield line, {name: _text(field) for name, field in row.items()}
    except pyarrow.ArrowException as error:
        raise InputError("invalid_option", f"It can't be read as Parquet: {error}.", path.name) from error


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON and Parquet hold
    """As it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).encode("utf-8", "replace").decode().strip()


_READERS: Mapping[str, Callable[[Path], Iterator[Line]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
