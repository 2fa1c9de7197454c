"""Forms taken apart in memory: limits, broken ones, and nothing on disk."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import JPEG, Opened, opened

from tryon_service.errors import InputError
from tryon_service.gateway.intake import MAX_PARTS, MAX_PHOTO, MAX_TEXT, read_form

BOUNDARY = "frontier"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        yield made


def part(name: str, content: bytes, *, file: bool = False) -> bytes:
    disposition = f'form-data; name="{name}"' + ('; filename="f"' if file else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def read(body: bytes, boundary: str = BOUNDARY) -> tuple[dict[str, list[str]], dict[str, list[bytes]]]:
    texts, files = read_form(io.BytesIO(body), boundary)
    return texts.to_dict(flat=False), files.to_dict(flat=False)


def test_texts_and_files_come_in_order() -> None:
    body = part("a", b"1") + part("f", b"\x00\r\n--\xff", file=True) + part("a", "2ä".encode())
    assert read(body + part("f", b"", file=True) + END) == ({"a": ["1", "2ä"]}, {"f": [b"\x00\r\n--\xff", b""]})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.binary(max_size=30))
def test_any_bytes_come_through(contents: list[bytes], preamble: bytes) -> None:
    contents = [content for content in contents if BOUNDARY.encode() not in content]
    head = b"" if b"--" in preamble else preamble + b"\r\n"
    body = head + b"".join(part("f", content, file=True) for content in contents) + END
    assert read(body)[1].get("f", []) == contents


class Drips(io.BytesIO):
    """A body that comes so many bytes at a time."""

    def __init__(self, body: bytes, most: int) -> None:
        super().__init__(body)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self.most, self.most if size is None or size < 0 else size))


@pytest.mark.parametrize("most", [1, 2, 3, 5, 7, 31, 64])
@pytest.mark.parametrize("end", [END, END.rstrip()])
def test_wherever_the_chunks_end_the_form_is_the_same(most: int, end: bytes) -> None:
    body = part("f", b"\xff\xd8\r\n--fr\r", file=True) + part("a", b"text") + end
    texts, files = read_form(Drips(body, most), BOUNDARY)
    assert (texts.to_dict(flat=False), files.to_dict(flat=False)) == read(body)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_damaged_form_is_refused_or_read_never_worse(data: st.DataObject) -> None:
    body = bytearray(part("a", b"text") + part("f", JPEG[:100], file=True) + END)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    code = "invalid_option"
    try:
        read(bytes(body[: data.draw(st.integers(0, len(body)))]))
    except InputError as error:
        code = error.code
    assert code in ("invalid_option", "too_many_bytes")


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"", BOUNDARY),
        (part("a", b"1"), BOUNDARY),
        (part("a", b"1") + END, ""),
        (part("a", b"1") + END, "other"),
        (part("a", b"1") + END, "ä"),
        (part("a", b"1") + END, "x" * 300),
        (part("", b"1") + END, BOUNDARY),
        (part("a", b"\xff\xfe") + END, BOUNDARY),
        (f"--{BOUNDARY}\r\n\r\nno head\r\n".encode() + END, BOUNDARY),
        (f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n".encode() + END, BOUNDARY),
        (f"--{BOUNDARY}\r\nContent-Disposition: \xff\r\n\r\nx\r\n".encode("latin-1") + END, BOUNDARY),
    ],
)
def test_what_is_no_form_is_said_to_be_none(body: bytes, boundary: str) -> None:
    with pytest.raises(InputError) as raised:
        read(body, boundary)
    assert raised.value.code == "invalid_option"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (part("shopper", bytes(MAX_PHOTO + 1), file=True) + END, "shopper"),
        (part("pose", b"x" * (MAX_TEXT + 1)) + END, "pose"),
        (b"".join(part("a", b"") for _ in range(MAX_PARTS + 1)) + END, ""),
        (f"--{BOUNDARY}\r\nX: {'y' * 2 * MAX_TEXT}".encode(), ""),
    ],
    ids=["file", "text", "parts", "head"],
)
def test_too_much_is_refused_with_its_field(body: bytes, field: str) -> None:
    with pytest.raises(InputError) as raised:
        read(body)
    assert (raised.value.code, raised.value.field) == ("too_many_bytes", field)


def test_a_photo_of_the_largest_size_is_taken() -> None:
    assert len(read(part("f", bytes(MAX_PHOTO), file=True) + END)[1]["f"][0]) == MAX_PHOTO


def test_nothing_is_ever_written_to_disk(gateway: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **options: object) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", forbidden)
    monkeypatch.setattr("werkzeug.formparser.TemporaryFile", forbidden, raising=False)
    large = JPEG + bytes(3_000_000)
    body = part("shopper", large, file=True) + part("product", large, file=True) + END
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    assert gateway.call("POST", "/v1/renders", data=body, content_type=kind).status_code == 200
    assert gateway.engine.last.photo == large
