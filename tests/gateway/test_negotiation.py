"""Accept, as callers and browsers send it."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from tryon_service.errors import InputError
from tryon_service.gateway.negotiation import Answer, negotiate


def ask(accept: str | None, wanted: str | None = None, *, transparent: bool = False) -> Answer:
    return negotiate(parse_accept_header(accept, MIMEAccept), wanted, transparent=transparent)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "jpeg"),
        ("", "jpeg"),
        ("*/*", "jpeg"),
        ("image/*", "jpeg"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "jpeg"),
        ("image/webp,*/*;q=0.8", "webp"),
        ("image/png", "png"),
        ("image/avif;q=0.3, image/png;q=0.2", "avif"),
        ("IMAGE/WebP", "webp"),
        ("image/jpeg;q=0.1, application/json;q=0.05", "jpeg"),
        ("text/html, image/webp;q=0.1", "webp"),
    ],
)
def test_a_picture(accept: str | None, expected: str) -> None:
    assert ask(accept) == Answer(expected, json=False)


@pytest.mark.parametrize("accept", ["application/json", "application/json; charset=utf-8", "application/*",
                                    "image/jpeg;q=0.5, application/json"])  # fmt: skip
def test_json(accept: str) -> None:
    assert ask(accept) == Answer("jpeg", json=True)
    assert ask(accept, "avif").format in ("avif", "jpeg")
    assert ask("application/json", "avif") == Answer("avif", json=True)


def test_transparency_needs_a_format_that_can_hold_it() -> None:
    assert ask("*/*", transparent=True).format == "png"
    assert ask("image/webp", transparent=True).format == "webp"
    assert ask("application/json", transparent=True) == Answer("png", json=True)
    with pytest.raises(InputError, match="transparent"):
        ask("*/*", "jpeg", transparent=True)
    with pytest.raises(InputError) as raised:
        ask("image/jpeg", transparent=True)
    assert raised.value.code == "not_acceptable"


@pytest.mark.parametrize("accept", ["text/html", "image/gif", "image/*;q=0, application/json;q=0", "word", "*/*;q=0"])
def test_nothing_that_we_can_make(accept: str) -> None:
    with pytest.raises(InputError) as raised:
        ask(accept)
    assert raised.value.code == "not_acceptable"
