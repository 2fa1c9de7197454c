"""Heads of HTTP calls at the gateway: any method, path, query and headers get an answer that keeps the promises."""

from __future__ import annotations

import atexit
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.fuzz.oracles import affordable
from tryon_service.access.access import Access
from tryon_service.errors import CODES, UnavailableError
from tryon_service.gateway.app import create_app
from tryon_service.gateway.services import Engine
from tryon_service.settings import Settings

SECONDS, MEGABYTES = 2.0, 32.0
WORDS = (
    b"GET /v1/poses", b"GET /v1/products?page_size=", b"/v1/products/a/render?pose=name:standing&w=1&sig=k.a",
    b"/photo?w=", b"POST /v1/renders", b"POST /v1/poses", b"PUT /v1/products/a", b"DELETE /v1/products/",
    b"OPTIONS /v1/render-urls", b"GET /widget/v1/tryon.js", b"GET /admin/", b"GET /docs", b"GET /healthz",
    b"GET /metrics", b"%2e%2e/", b"%00", b"\nAccept: image/webp;q=", b"\nAccept: ", b"\nAccept-Encoding: gzip;q=",
    b"\nIf-None-Match: W/\"", b"\nRange: bytes=", b"\nAuthorization: Bearer ", b"\nAuthorization: Basic ",
    b"\nContent-Type: multipart/form-data; boundary=", b"\nContent-Type: application/json", b"\nContent-Length: ",
    b"\nOrigin: https://shop.example", b"\nX-Request-Id: ", b"\nTraceparent: 00-", b"\nX-Forwarded-For: ",
    b"\nHost: ", b"\nAccess-Control-Request-Method: ", b"KEY",
)  # fmt: skip
CLOSED = "/admin", "/docs", "/healthz", "/metrics", "/openapi.json", "/readyz", "/widget/"
"""Where anybody may come without a key."""


@dataclass
class _Engine:
    """Is away, for every call."""

    def __getattr__(self, name: str) -> object:
        def call(*_: object, **__: object) -> object:
            raise UnavailableError("engine_unavailable")

        return call

    def healthy(self, timeout: float) -> bool:
        return False


@cache
def _gateway() -> tuple[Flask, str]:
    """The application, and an API key of a shop."""
    folder = tempfile.TemporaryDirectory(prefix="tryon-fuzz-")
    atexit.register(folder.cleanup)
    often = "1000000000 per second"
    rates = dict.fromkeys(("rate_key", "rate_token", "rate_address"), often)
    settings = Settings(data=Path(folder.name), cors_origins=("https://shop.example",), **rates)  # type: ignore[arg-type]
    access = Access.open(settings)
    atexit.register(access.close)
    return create_app(settings, cast(Engine, _Engine()), access), access.keys.create("shop", ["render", "products"])[1]


def seeds() -> Iterator[bytes]:
    key = b"\nAuthorization: Bearer KEY"
    yield b"GET /v1/poses" + key + b"\nAccept: image/webp;q=0.5, */*;q=0.1\n\n"
    yield b"GET /v1/products?page_size=10&page_token=a" + key + b"\nX-Request-Id: abc\n\n"
    yield b'GET /v1/products/a/render?pose=name:standing&w=300&sig=k.a\nIf-None-Match: W/"a"\n\n'
    yield b"OPTIONS /v1/renders\nOrigin: https://shop.example\nAccess-Control-Request-Method: POST\n\n"
    links = b'{"product_ids": ["a"], "pose": "name:standing"}'
    yield b"POST /v1/render-urls" + key + b"\nContent-Type: application/json\n\n" + links
    part = b'--b\r\nContent-Disposition: form-data; name="shopper"; filename="a"\r\n\r\n\xff\xd8\xff\r\n--b--\r\n'
    yield b"POST /v1/poses" + key + b"\nContent-Type: multipart/form-data; boundary=b\n\n" + part
    yield b"GET /widget/v1/tryon.js?v=1\nAccept-Encoding: gzip\nRange: bytes=0-1\n\n"


def check(data: bytes) -> None:
    """A request line, headers, an empty line and a body."""
    app, key = _gateway()
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.replace(b"KEY", key.encode()).decode("latin-1").split("\n")
    environ = _environ(first, lines, body)
    with affordable(SECONDS, MEGABYTES):
        chunks, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
        answer = b"".join(chunks)
    number = int(status.partition(" ")[0])
    for name, value in headers:
        assert not re.search(r"[\r\n\0]", name + value), "a header ends within itself"
    if number < 400:
        path = str(environ["PATH_INFO"])
        open_to_all = path.startswith(CLOSED) or environ["REQUEST_METHOD"] == "OPTIONS"
        assert open_to_all or key in head.replace(b"KEY", key.encode()).decode("latin-1"), "answered without a key"
        return
    assert number != 500, "a bug of ours"
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    if environ["REQUEST_METHOD"] != "HEAD":
        problem = app.json.loads(answer)
        assert problem["code"] in CODES
        assert problem["status"] == number
    assert key.encode() not in answer or key in first, "what is wrong with a query is told by its name, nothing else is"


def _environ(first: str, lines: list[str], body: bytes) -> dict[str, object]:
    """As gunicorn would give it, for what it would let through."""
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    environ: dict[str, object] = EnvironBuilder(path="/", method="GET", data=body).get_environ()
    environ["REQUEST_METHOD"] = method if re.fullmatch(r"[A-Z]{3,20}", method) else "GET"
    environ["PATH_INFO"] = unquote_to_bytes(path if path.startswith("/") else "/" + path).decode("latin-1")
    environ["QUERY_STRING"] = "".join(letter for letter in query if "!" <= letter <= "\xff" and letter != "#")
    environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"] = str(len(body)), ""
    for line in lines:
        name, _, value = line.partition(":")
        variable = name.upper().replace("-", "_")
        if not re.fullmatch(r"[A-Z0-9_]{1,40}", variable) or re.search(r"[\r\n\0]", value):
            continue
        if variable not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):  # those are for tests/gateway/test_fuzz_sockets.py
            environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value.strip()
    return environ
