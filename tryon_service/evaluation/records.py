"""Records of a long run, one JSON line each: an interrupted run goes on, and two versions are compared pair by pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tryon_service.errors import InputError
from tryon_service.fingerprint import code_digest
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.types import UInt8Array

Record = Mapping[str, Any]
Summary = Callable[[Sequence[Record]], dict[str, Any]]

NAME, STRIPS = "records.jsonl", "strips"
QUALITY = 85


class Ledger:
    """A folder's records by key, each with a strip of pictures as JPEG. The first line says which code made them, with
    which renderer."""

    def __init__(self, folder: Path, renderer: str) -> None:
        """Opens the file of records, or begins it. Raises InputError if it was written by other code or of another
        renderer."""
        self._folder, self._path = folder, folder / NAME
        (folder / STRIPS).mkdir(exist_ok=True)
        path, head = self._path, {"code": code_digest(), "renderer": renderer}
        if not path.exists():
            path.write_text(json.dumps({"head": head}) + "\n")
        lines = list(_lines(path))
        if lines[0].get("head") != head:
            detail = f"{str(path)!r} was written by another version or of another renderer; give another folder."
            raise InputError("invalid_option", detail, "--out")
        self._records = {record["key"]: record for record in lines[1:]}

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def chosen(self, keys: Sequence[str]) -> list[Record]:
        """The records of these keys, in their order."""
        return [self._records[key] for key in keys]

    def add(self, key: str, record: Record, strip: UInt8Array) -> None:
        """Written at once; strip: H x W x 3 uint8 RGB."""
        _strip_path(self._folder, key).write_bytes(encode(strip, "jpeg", quality=QUALITY))
        line = json.dumps({"key": key, **record}, allow_nan=False)
        with self._path.open("a") as file:
            file.write(line + "\n")
        self._records[key] = json.loads(line)


def read_strip(folder: Path, key: str) -> UInt8Array:
    """H x W x 3 uint8 RGB of a record's pictures."""
    return decode(_strip_path(folder, key).read_bytes()).rgb


def compared(
    records: Sequence[Record], baseline: Path | None, summarise: Summary, shown: Callable[[Record], bool]
) -> dict[str, Any]:
    """The same figures of another version's run and of this one, on the pairs in both, and on those of them of which
    both have something to show. Empty without a baseline."""
    if baseline is None:
        return {}
    before, now = read_records(baseline), {record["key"]: record for record in records}
    common = [key for key in now if key in before]
    both = [key for key in common if shown(now[key]) and shown(before[key])]
    return {
        f"compared_{name}": {
            version: summarise([side[key] for key in keys]) for version, side in (("baseline", before), ("now", now))
        }
        for name, keys in (("same_pairs", common), ("both_shown", both))
    }


def read_records(path: Path) -> dict[str, Record]:
    """A finished run's records by key. Raises InputError if the file isn't one of records."""
    try:
        return {record["key"]: record for record in list(_lines(path))[1:]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("invalid_option", f"{str(path)!r} holds no records: {error}.", "--baseline") from error


def _strip_path(folder: Path, key: str) -> Path:
    return folder / STRIPS / f"{key}.jpg"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """A last line without its end was cut off by an interruption, and is measured again."""
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return (json.loads(line) for line in whole.splitlines())
