"""Files of weights from elsewhere: finite weights, or refused by name; no code of theirs ever runs."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from tests.fuzz.oracles import affordable, outcome
from tryon_service.zoo.checkpoints import read_checkpoint
from tryon_service.zoo.weights_file import FORMAT, Header, is_weights_file, read_weights, write_weights

HEADER = Header("adgan", {"width": 8}, ("background", "pants"), "impulse", "made here")
SECONDS, MEGABYTES = 3.0, 128.0
WORDS = (
    b'"__metadata__":{"tryon":"', b'"dtype":"F32"', b'"dtype":"U8"', b'"shape":[', b'"data_offsets":[', b"BF16",
    b"BOOL", b"cposix\nsystem\n", b"ctests.fuzz.targets.weights\nsprung\n", b"\x80\x02", b"PK\x03\x04",
    b"archive/data.pkl",
)  # fmt: skip
SPRUNG: list[object] = []
"""What code out of a file has called."""


def sprung(*given: object) -> None:
    """Bait for pickles."""
    SPRUNG.append(given)


def seeds() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a"
        write_weights(path, {"b.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}, HEADER)
        yield b"\0" + path.read_bytes()
    about = json.dumps({"format": FORMAT})
    head = json.dumps({"__metadata__": {"tryon": about}}).encode()
    yield b"\0" + len(head).to_bytes(8, "little") + head
    yield b"\1" + _saved({"a.weight": torch.ones(2, 2)})
    yield b"\1" + b"ctests.fuzz.targets.weights\nsprung\n(S'x'\ntR."


def _saved(state: object) -> bytes:
    """As torch saves it, without compression and checksums, so that a change reaches the reader."""
    out = io.BytesIO()
    torch.save(state, out)
    return out.getvalue()


def check(data: bytes) -> None:
    """The first byte says which kind of file the rest is."""
    with tempfile.NamedTemporaryFile(suffix=".weights") as file:
        file.write(data[1:])
        file.flush()
        path = Path(file.name)
        is_weights_file(path)
        with affordable(SECONDS, MEGABYTES):
            if data[:1] == b"\1":
                state = outcome(lambda: read_checkpoint(path), "invalid_option")
            else:
                found = outcome(lambda: read_weights(path), "invalid_option")
                state = None if found is None else found[1]
    assert not SPRUNG, "a file's code has run"
    for value in (state or {}).values():
        assert value.device.type == "cpu"
        assert value.dtype == torch.uint8 or value.isfinite().all()
