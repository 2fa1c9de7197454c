"""Cached analyses: any bytes are a tree of our own classes or a PackingError, and a changed file is never used."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz.oracles import affordable, edited
from tryon_service.analysis_cache import Folder
from tryon_service.packing import PackingError, pack, unpack
from tryon_service.types import Credit, Part, Photo, Reason

SECONDS, MEGABYTES = 2.0, 64.0
WORDS = (
    b'["array", {"index": 0, "dtype": "|u1", "shape": [', b'"at": 0, "box": ', b'["dataclass", "tryon_service.types:',
    b'["enum", ', b'["mapping", [', b'["tuple", [', b'["frozenset", [', b"tryon_service.cli.main:main", b"os:system",
    b"|O", b"<f4", b"-1", b"9999999999", b"null", b"NaN", b"[[[[[[[[",
)  # fmt: skip
TRUE = b"an analysis, or what looks like one" * 3


def seeds() -> Iterator[bytes]:
    zeros = np.zeros((200, 200), np.float32)
    zeros[5:9, 7:11] = 1.5
    photo = Photo(np.ones((2, 3, 3), np.uint8), (3, 2), "digest", Credit("me"))
    for value in (
        {"a": (1, 2.5, None), Part.FACE: frozenset({"x"})},
        [zeros, zeros],
        photo,
        Reason("blurred", value=0.5),
    ):
        yield b"\0" + b"".join(pack(value))
    yield b"\1" + bytes(4)
    yield b"\1"


def check(data: bytes) -> None:
    """The first byte says whether the rest is a file's content or edits of a file on the disk."""
    if data[:1] == b"\1":
        _check_folder(data[1:])
        return
    with affordable(SECONDS, MEGABYTES):
        try:
            tree = unpack(np.frombuffer(data[1:], np.uint8).copy())
        except PackingError:
            return
    repr(tree)


def _check_folder(edits: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place) / "cache", 1 << 20)
        folder.write("one", [TRUE])
        (file,) = (path for path in (Path(place) / "cache").iterdir() if path.name.startswith("one"))
        changed = edited(file.read_bytes(), edits)
        same = changed == file.read_bytes()
        file.write_bytes(changed)
        found = folder.read("one")
        assert (found is not None and bytes(found) == TRUE) if same else found is None, "a changed file is not used"
