"""Bodies of HTTP calls: multipart forms as they are taken apart, and JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge

from tests.fuzz.oracles import affordable, outcome
from tryon_service.gateway.intake import MAX_PARTS, check_json, read_form

BOUNDARY = "b0undary"
SECONDS, MEGABYTES = 2.0, 32.0
WORDS = (
    b"--b0undary\r\n", b"\r\n--b0undary", b"--b0undary--", b"Content-Disposition: form-data; name=\"", b"filename=\"",
    b"filename*=UTF-8''", b"Content-Type: image/jpeg", b"Content-Type: text/plain; charset=", b"\r\n\r\n", b"{\"a\":",
    b"[[[[[[[[", b"\\ud800", b"1e999", b"NaN",
)  # fmt: skip

LAX = re.compile(rb"\r(?!\n)|(?<!\r)\n|\r\n\r\n--b0undary")
"""What no form should have: line breaks of one byte, which are heard as such or not depending on where the body is cut,
and a boundary right behind a head."""

Form = tuple[list[tuple[str, str]], list[tuple[str, bytes]]]


class _Drips(io.BytesIO):
    """A body that comes in pieces of so many bytes."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))


def seeds() -> Iterator[bytes]:
    head = b"--b0undary\r\nContent-Disposition: form-data; name="
    yield head + b'"pose"\r\n\r\nname:standing\r\n--b0undary--\r\n'
    yield (
        head + b'"shopper"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\0\r\n'
        + head + b'"task"\r\n\r\nrepose\r\n--b0undary--'
    )  # fmt: skip
    yield b'{"product_ids": ["a"], "pose": "name:standing", "w": 300}'


def check(data: bytes) -> None:
    with affordable(SECONDS, MEGABYTES):
        whole = _read(data, len(data) + 1)
    for most in (1 + len(data) % 5, 1000):
        pieces = _read(data, most)
        assert pieces == whole or LAX.search(data), "a form means the same however it comes in"
        assert _read(_form(data), most) == ([], [("shopper", data)]) or BOUNDARY.encode() in data
    if whole is not None:
        texts, files = whole
        assert len(texts) + len(files) <= MAX_PARTS
        assert sum(len(text.encode()) for _, text in texts) + sum(len(file) for _, file in files) <= len(data)
        assert all("\0" not in text for _, text in texts)
    _check_json(data)


def _form(content: bytes) -> bytes:
    """As it should be."""
    head = b'--b0undary\r\nContent-Disposition: form-data; name="shopper"; filename="a.jpg"\r\n\r\n'
    return head + content + b"\r\n--b0undary--\r\n"


def _read(data: bytes, most: int) -> Form | None:
    def read() -> Form:
        texts, files = read_form(_Drips(data, most), BOUNDARY)
        return list(texts.items(multi=True)), list(files.items(multi=True))

    try:
        return outcome(read, "too_many_bytes", "invalid_option")
    except RequestEntityTooLarge:
        return None


def _check_json(data: bytes) -> None:
    def read() -> Any:
        check_json(data)
        return json.loads(data)

    with affordable(SECONDS, MEGABYTES):
        outcome(read, "invalid_option")
