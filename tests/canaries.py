"""Looks for marked bytes wherever a service could leave them: texts, spans, folders, a process's files and memory.

    canary = Canary("photo", secrets.token_bytes(16))
    assert find(Places(texts={"log": log}, folders=[data], processes=[pid]), [canary]) == []

A marker is looked for as it is and in the disguises that programs put bytes in: base64 at any offset, hexadecimal,
percent signs, Python's and JSON's escapes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes read at a time; chunks overlap by the longest form of any marker."""

SHORTEST = 12
"""Bytes; a shorter marker could turn up by chance or in base64 without a whole group of its own."""


@dataclass(frozen=True)
class Canary:
    """name: what the marker stands for ("photo", "key"); marker: its bytes."""

    name: str
    marker: bytes

    def __post_init__(self) -> None:
        if len(self.marker) < SHORTEST:
            raise ValueError(f"a marker needs at least {SHORTEST} bytes")

    def forms(self) -> frozenset[bytes]:
        """Every disguise that is looked for."""
        found = {self.marker, self.marker.hex().encode(), self.marker.hex().upper().encode()}
        for offset in range(3):  # the groups of three bytes that lie wholly inside the marker, wherever it begins
            whole = self.marker[(3 - offset) % 3 :]
            text = base64.b64encode(whole[: len(whole) // 3 * 3])
            found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
        found.add(urllib.parse.quote_from_bytes(self.marker).encode())
        found.add(repr(self.marker)[2:-1].encode())
        with contextlib.suppress(UnicodeDecodeError):
            text = self.marker.decode()
            found |= {json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")}
        return frozenset(found)


@dataclass(frozen=True)
class Places:
    """Where to look. texts: by name, such as captured logs and an exposition; spans: whatever str() shows all of;
    folders: every file below, names included, also core files; processes: their open files (also deleted ones and
    those in memory alone) and, with memory, all that they could write into a core file."""

    texts: Mapping[str, str | bytes] = field(default_factory=dict)
    spans: Iterable[object] = ()
    folders: Sequence[Path] = ()
    processes: Sequence[int] = ()
    memory: bool = False


def find(places: Places, canaries: Sequence[Canary]) -> list[str]:
    """One line "name: place" for each marker in each place, sorted; empty if nothing was found."""
    hits: set[str] = set()
    for place, stream in _streams(places):
        hits |= {f"{name}: {place}" for name in _search(stream, canaries)}
    return sorted(hits)


def core_files(folders: Iterable[Path]) -> list[Path]:
    """Core files below the folders, by the name or by what they begin with."""
    return [path for folder in folders for path in _files(folder) if path.name.startswith("core") or _is_core(path)]


def span_text(span: object) -> str:
    """All that an OpenTelemetry span would send."""
    as_json = getattr(span, "to_json", None)
    return str(as_json()) if as_json is not None else str(span)


def _search(stream: Iterable[bytes], canaries: Sequence[Canary]) -> set[str]:
    forms = {form: canary.name for canary in canaries for form in canary.forms()}
    if not forms:
        raise ValueError("nothing to look for")
    pattern = re.compile(b"|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    overlap = max(map(len, forms)) - 1
    found, rest = set(), b""
    for chunk in stream:
        data = rest + chunk
        found |= {forms[hit] for hit in pattern.findall(data)}
        rest = data[-overlap:]
    return found


def _streams(places: Places) -> Iterator[tuple[str, Iterable[bytes]]]:
    for name, text in places.texts.items():
        yield name, [text.encode() if isinstance(text, str) else text]
    for index, span in enumerate(places.spans):
        yield f"span {index}", [span_text(span).encode()]
    for folder in places.folders:
        for path in _files(folder):
            yield f"name of {path}", [os.fsencode(path.relative_to(folder))]
            yield str(path), _read(path)
    for process in places.processes:
        for path in _open_files(process):
            yield f"{path} ({os.readlink(path)})", _read(path)
        yield f"command line of {process}", _read(Path(f"/proc/{process}/cmdline"))
        if places.memory:
            yield f"memory of {process}", _memory(process)


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise NotADirectoryError(folder)  # a wrong path would find nothing for ever
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _open_files(process: int) -> Iterator[Path]:
    """Open files of a process that can be read without disturbing it: no pipes, sockets or terminals."""
    for path in sorted(Path(f"/proc/{process}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if stat.S_ISREG(path.stat().st_mode):
                yield path


def _read(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
        yield from _chunks(stream)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _memory(process: int) -> Iterator[bytes]:
    """Needs the right to trace the process, which its parent's user usually has."""
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            bounds, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            with contextlib.suppress(OSError, ValueError):  # pages that can't be read, such as the kernel's own
                memory.seek(start)
                while start < end and (chunk := memory.read(min(CHUNK, end - start))):
                    start += len(chunk)
                    yield chunk


def _is_core(path: Path) -> bool:
    """An ELF file of the type "core"."""
    with path.open("rb") as stream:
        head = stream.read(18)
    return head.startswith(b"\x7fELF") and head[16:18] == b"\x04\0"
