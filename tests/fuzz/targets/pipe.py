"""What a worker that a photo has taken over could say to its supervisor: it is a message, or it is none and
the worker is replaced."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from tests.fuzz.oracles import affordable
from tryon_service.engine.messages import Message, error_from, error_row, pack, unpack
from tryon_service.errors import InputError, TryonError

SECONDS, MEGABYTES = 1.0, 32.0
WORDS = (
    b'["rendered",{', b'"held":', b'"code":', b'"reasons":[', b"[-1]", b"[1e9]", b"null", b"[[[[[[[[", b"{}", b"NaN",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    yield pack(Message("rendered", {"width": 10, "held": ["ab"]}, (b"picture", b"more")))
    yield pack(Message("error", error_row(InputError("invalid_option", "too much", "size"))))
    yield struct.pack("<Q", 4) + b'["a"'


def check(data: bytes) -> None:
    _check(data)
    if len(data) > 8:  # with the length that belongs to the head, if all were head
        _check(struct.pack("<Q", len(data) - 8) + data[8:])


def _check(data: bytes) -> None:
    with affordable(SECONDS, MEGABYTES):
        try:
            message = unpack(data)
        except ValueError:
            return
    assert sum(map(len, message.parts)) <= len(data), "nothing is in it that was not sent"
    json.dumps(message.head)
    again = unpack(pack(message))
    assert repr(again) == repr(message)
    assert isinstance(error_from(message.head), TryonError)
