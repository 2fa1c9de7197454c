"""What goes through the pipe between supervisor and worker: a JSON head and byte parts, without pickle.

The worker decodes strangers' files, so nothing it says may make the supervisor run code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

from tryon_service.errors import RefusedError, TryonError
from tryon_service.pb.details import error_of
from tryon_service.types import Reason

_LENGTH = struct.Struct("<Q")
LARGEST = 512 << 20
"""Bytes of a message."""


@dataclass(frozen=True)
class Message:
    """kind: what is asked for or answered; head: plain JSON values; parts: files and pictures."""

    kind: str
    head: Mapping[str, Any]
    parts: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of its parts, which is nearly all of it."""
        return sum(len(part) for part in self.parts)


def send(connection: Connection, message: Message) -> None:
    """Raises OSError if the other side is gone."""
    connection.send_bytes(pack(message))


def receive(connection: Connection) -> Message:
    """Raises EOFError or OSError if the other side is gone, ValueError for what is no message."""
    return unpack(connection.recv_bytes(LARGEST))


def pack(message: Message) -> bytes:
    """Length of the head, the head, and the parts one after the other."""
    head = json.dumps([message.kind, message.head, [len(part) for part in message.parts]]).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *message.parts))


def unpack(packed: bytes) -> Message:
    """The inverse. Raises ValueError for what is no message."""
    data = memoryview(packed)
    try:
        (length,) = _LENGTH.unpack_from(data)
        at = _LENGTH.size + length
        kind, head, sizes = json.loads(bytes(data[_LENGTH.size : at]))
    except (struct.error, TypeError, RecursionError) as error:
        raise ValueError("not a message") from error
    if not (isinstance(kind, str) and isinstance(head, dict) and _fill(sizes, len(data) - at)):
        raise ValueError("not a message")
    parts = []
    for size in sizes:
        parts.append(bytes(data[at : at + size]))
        at += size
    return Message(kind, head, tuple(parts))


def _fill(sizes: object, room: int) -> bool:
    """Whether these are the sizes of parts that take exactly this many bytes."""
    return isinstance(sizes, list) and all(type(size) is int and size >= 0 for size in sizes) and sum(sizes) == room


def error_row(error: TryonError) -> dict[str, Any]:
    """An error as JSON values."""
    reasons = error.reasons if isinstance(error, RefusedError) else ()
    return {
        "code": error.code,
        "detail": error.detail,
        "field": error.field,
        "reasons": [asdict(reason) for reason in reasons],
    }


def error_from(row: Mapping[str, Any]) -> TryonError:
    """The error that error_row wrote; TryonError("internal") for a row that says nothing of the kind."""
    try:
        code, detail, field = row["code"], row["detail"], row["field"]
        if not all(isinstance(word, str) for word in (code, detail, field)):
            raise TypeError
        return error_of(code, detail, field, reasons_from(row["reasons"]))
    except (LookupError, TypeError, AttributeError):
        return TryonError("internal", "The worker's error can't be read.")


def reasons_from(rows: Sequence[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """The reasons of an error's or a report's rows."""
    return tuple(Reason(**row) for row in rows)
