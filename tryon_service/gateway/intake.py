"""What callers send, read within limits and into memory: forms with photos are taken apart as they come in.

A photo is never written to disk, never decoded, and looked at only for the first bytes of its file. Whoever sends too
much, a field twice in one name or a form that breaks off is told so; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Protocol

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, Preamble

from tryon_service.errors import InputError
from tryon_service.imaging.limits import DEFAULT_LIMITS, inspect
from tryon_service.pb.limits import MAX_CALL, TOO_LARGE

FORM = "multipart/form-data"
JSON = "application/json"

MAX_JSON = 1_000_000
"""Bytes of a JSON body: a hundred product ids and a pose many times over."""
MAX_PHOTO = max(DEFAULT_LIMITS.jpeg_bytes, DEFAULT_LIMITS.other_bytes)
"""Bytes of one photo; the engine knows the limits of each format."""
MAX_TEXT = 128 * 1024
"""Bytes of a field that is no file. It also bounds what waits to be taken apart, hence is larger than a chunk."""
MAX_PARTS = 64
"""Fields and files of one form."""
CHUNK = 64 * 1024
"""Bytes read at a time."""
AROUND_BOUNDARY = 16
"""Bytes of line breaks, hyphens and blanks before and after a boundary."""

_LINE_BREAK = re.compile(rb"[\r\n]")

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How JPEG and PNG files begin; WebP and HEIC have theirs a few bytes on."""


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class IntakeRequest(Request):
    """A request whose form is strict, whose limits hold for every route, and whose files are bytes in memory."""

    # One more than may come: of what is counted as it comes in, werkzeug refuses already this number of bytes.
    max_content_length = MAX_CALL + 1  # Flask's own is a property that reads the configuration

    @property
    def args(self) -> MultiDict[str, str]:
        """The query. Raises InputError("invalid_option") for bytes as nobody may send them."""
        try:
            return super().args
        except UnicodeDecodeError:
            raise InputError("invalid_option", "The query is no UTF-8; encode other bytes with %.") from None

    def _load_form_data(self) -> None:
        """werkzeug's own hook, through which `form` and `files` are filled."""
        if "form" in self.__dict__:
            return
        if self.mimetype != FORM:
            raise InputError("unsupported_media_type", f"Send it as {FORM}.")
        with self._within_limit():
            texts, files = read_form(self.stream, self.mimetype_params.get("boundary", ""))
        self.__dict__.update(form=texts, files=files)

    def get_data(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - werkzeug's own
        """The body, which must be sound JSON where it is said to be JSON."""
        with self._within_limit():
            data = super().get_data(*args, **kwargs)
            if self.max_content_length is not None and len(data) >= self.max_content_length:
                raise RequestEntityTooLarge
        if self.mimetype == JSON:
            check_json(data)
        return data

    @contextmanager
    def _within_limit(self) -> Iterator[None]:
        """A body that is said to be too long, or turns out to be, is told how long it may be."""
        try:
            yield
        except RequestEntityTooLarge:
            detail = f"The body may have {MAX_JSON / 1e6:.0f} MB." if self.mimetype == JSON else TOO_LARGE
            raise InputError("too_many_bytes", detail) from None

    def close(self) -> None:
        """Nothing is open: the files are bytes."""


def read_form(stream: Stream, boundary: str) -> tuple[MultiDict[str, str], MultiDict[str, bytes]]:
    """(texts, files) of a multipart body, by name and in order.

    Raises InputError("too_many_bytes") with the field, "invalid_option" for what is no such form or breaks off, and
    werkzeug's RequestEntityTooLarge for the whole.
    """
    texts: MultiDict[str, str] = MultiDict()
    files: MultiDict[str, bytes] = MultiDict()
    part: Field | File | None = None
    content = BytesIO()
    for event in _events(stream, boundary):
        if isinstance(event, Field | File):
            part, content = event, BytesIO()
            if not part.name:
                raise _broken("a part has no name")
        elif isinstance(event, Data) and part is not None:
            content.write(event.data)
            most = MAX_PHOTO if _is_file(part) else MAX_TEXT
            if content.tell() > most:
                raise InputError("too_many_bytes", f"At most {most / 1e6:.1f} MB are accepted.", part.name)
            if event.more_data:
                continue
            if _is_file(part):
                files.add(part.name, content.getvalue())
            else:
                texts.add(part.name, _text(content.getvalue(), part.name))
    return texts, files


def check_media_type(request: Request, expected: str | None) -> None:
    """Refuse a body that the view can't read, before it is. Raises InputError("unsupported_media_type")."""
    if expected is not None and request.mimetype != expected:
        raise InputError("unsupported_media_type", f"Send it as {expected}.")
    if expected == JSON:
        request.max_content_length = MAX_JSON + 1


def check_json(body: bytes | str) -> None:
    """Raises InputError("invalid_option") for what is no JSON, is nested without end, or names a field twice."""
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InputError("invalid_option", "The body can't be read as JSON.") from None


def check_photo(data: bytes, field: str) -> None:
    """Is it a photo by its first bytes? Raises InputError("missing_field", "not_an_image" or "unsupported_format").

    What else may be wrong with a JPEG, PNG, WebP or HEIC file is for the engine to say.
    """
    if not data:
        raise InputError("missing_field", "The file is empty.", field)
    webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    if not (data.startswith(SIGNATURES) or webp or data[4:8] == b"ftyp"):
        inspect(data, field)


def _events(stream: Stream, boundary: str) -> Iterator[Event]:
    """Everything that happens in the form, as it comes in."""
    if not boundary.isascii() or not 0 < len(boundary) <= 200:
        raise _broken("it names no boundary")
    decoder = MultipartDecoder(boundary.encode("ascii"), MAX_TEXT, max_parts=MAX_PARTS)
    for chunk in _uncut(stream, len(boundary) + AROUND_BOUNDARY):
        try:
            decoder.receive_data(chunk or None)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                if not isinstance(event, Preamble):
                    yield event
        except RequestEntityTooLarge:
            raise InputError("too_many_bytes", f"A form has at most {MAX_PARTS} parts with short heads.") from None
        except UnicodeDecodeError:
            raise _broken("the head of a part is no UTF-8") from None
        except ValueError:
            raise _broken("it breaks off or is no such form") from None


def _uncut(stream: Stream, longest: int) -> Iterator[bytes]:
    """The body in chunks that end before a line break rather than within what may be a boundary, then b"".

    werkzeug's decoder takes the line break before a boundary for content where a chunk ends in the hyphens after it,
    and the two bytes of a line break for two of them where a chunk ends in between.
    longest: bytes of a boundary with all that belongs to it.
    """
    kept = b""
    while chunk := stream.read(CHUNK):
        chunk = kept + chunk
        found = _LINE_BREAK.search(chunk, max(0, len(chunk) - longest))
        end = len(chunk) if found is None else found.start()
        if chunk[end - 1 : end + 1] == b"\r\n":  # one line break, not two
            end -= 1
        kept = chunk[end:]
        if end:
            yield chunk[:end]
    if kept:
        yield kept
    yield b""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError("invalid_option", "It is given twice.", name[:100])
        found[name] = value
    return found


def _text(data: bytes, field: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError("invalid_option", "It is no UTF-8 text.", field) from None
    if "\0" in text:
        raise InputError("invalid_option", "It holds a zero byte.", field)
    return text


def _is_file(part: Field | File) -> bool:
    """A name of the file needn't be sent, its kind will do."""
    return isinstance(part, File) or not part.headers.get("content-type", "text/plain").startswith("text/")


def _broken(why: str) -> InputError:
    return InputError("invalid_option", f"The body can't be read as {FORM}: {why}.")
