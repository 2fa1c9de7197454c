"""A target with a hole, for trying the fuzzer itself."""

from __future__ import annotations

from collections.abc import Iterator

WORDS = (b"open", b"sesame")


def seeds() -> Iterator[bytes]:
    yield b"a door"


def check(data: bytes) -> None:
    if data.startswith(b"open") and b"sesame" in data:
        raise RuntimeError("planted")
