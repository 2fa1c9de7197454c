"""The largest call that is legal goes all the way to an engine behind gRPC, and one byte more is told the limit."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from concurrent import futures
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from flask import request
from opened import JPEG, Opened, opened, problem
from werkzeug.test import TestResponse

from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError
from tryon_service.gateway.app import create_app
from tryon_service.gateway.intake import MAX_JSON, MAX_PHOTO, read_form
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.limits import MAX_CALL, MAX_MESSAGE, MAX_PHOTOS, channel_options
from tryon_service.pb.tryon_pb2_grpc import TryOnServicer, add_TryOnServicer_to_server
from tryon_service.settings import Settings

JPEG_HEAD = b"\xff\xd8\xff"
MB = 1_000_000
LIMIT = f"{MAX_CALL // MB} MB"
BOUNDARY = "b" * 60


class Engine(TryOnServicer):
    """Notes how long the photos are that it gets."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def PutProduct(self, request: pb.PutProductRequest, context: grpc.ServicerContext) -> pb.PutProductResponse:  # noqa: N802
        self.lengths = [len(photo.image) for photo in request.photos]
        return pb.PutProductResponse(created=True)


class Body(io.RawIOBase):
    """Bytes that are made while they are read."""

    def __init__(self, pieces: list[bytes | int]) -> None:
        """pieces: bytes, or how many zeros."""
        self.length = sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)
        self._pieces = iter(pieces)
        self._now: bytes | int = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._now:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._now = piece
        if isinstance(self._now, int):
            size = min(self._now, len(buffer))
            buffer[:size] = bytes(size)
            self._now -= size
        else:
            size = min(len(self._now), len(buffer))
            buffer[:size], self._now = self._now[:size], self._now[size:]
        return size


def form(total: int | None, *lengths: int) -> Body:
    """A product's form with photos of these lengths, filled up to a total with the length of the last."""
    fields = {"rights_confirmed": b"true", "rights_reference": b"2026-114"}
    pieces: list[bytes | int] = [part(name) + value + b"\r\n" for name, value in fields.items()]
    for length in lengths:
        pieces += [part("photos", file=True) + JPEG_HEAD, length - len(JPEG_HEAD), b"\r\n"]
    pieces.append(f"--{BOUNDARY}--\r\n".encode())
    if total is not None:
        pieces[-3] = int(pieces[-3]) + total - Body(pieces).length
    return Body(pieces)


def part(name: str, *, file: bool = False) -> bytes:
    end = '; filename="f"' if file else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{end}\r\n\r\n'.encode()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Engine, EngineClient]]:
    servicer = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(1), options=channel_options())
    add_TryOnServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    client = EngineClient(f"127.0.0.1:{port}")
    yield servicer, client
    client.close()
    server.stop(0).wait()


@pytest.fixture
def gateway(tmp_path: Path, engine: tuple[Engine, EngineClient]) -> Iterator[Opened]:
    """With that engine in place of one that draws."""
    with opened(tmp_path) as made:
        app = create_app(Settings(data=tmp_path), engine[1], made.access)
        yield replace(made, app=app)


def put(gateway: Opened, body: Body, *, announced: bool) -> TestResponse:
    return send(gateway, "PUT", "/v1/products/a", f"multipart/form-data; boundary={BOUNDARY}", body, announced)


def send(gateway: Opened, method: str, path: str, kind: str, body: Body, announced: bool) -> TestResponse:
    """As gunicorn hands it on. announced: with a Content-Length, else in chunks."""
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": kind}
    told = {"CONTENT_LENGTH": str(body.length)} if announced else {"HTTP_TRANSFER_ENCODING": "chunked"}
    return gateway.call(method, path, environ_overrides={**environ, **told})


@pytest.mark.parametrize("announced", [True, False])
def test_the_largest_call_reaches_the_engine(
    gateway: Opened, engine: tuple[Engine, EngineClient], announced: bool
) -> None:
    lengths = [MAX_PHOTO] * (MAX_CALL // MAX_PHOTO - 1)
    assert put(gateway, form(MAX_CALL, *lengths, MB), announced=announced).status_code == 201
    assert engine[0].lengths[:-1] == lengths
    assert MAX_CALL - sum(engine[0].lengths) < 2000, "the rest is the form's own"


@pytest.mark.parametrize("announced", [True, False])
def test_a_byte_more_is_told_the_limit_of_a_call(
    gateway: Opened, engine: tuple[Engine, EngineClient], announced: bool
) -> None:
    answer = put(gateway, form(MAX_CALL + 1, *[MAX_CALL // MAX_PHOTOS] * MAX_PHOTOS), announced=announced)
    assert problem(answer) == (413, "too_many_bytes", "")
    assert LIMIT in answer.get_json()["detail"]
    assert engine[0].lengths == []


def test_a_photo_has_a_limit_of_its_own(gateway: Opened) -> None:
    answer = put(gateway, form(None, MAX_PHOTO + 1), announced=True)
    assert problem(answer) == (413, "too_many_bytes", "photos")
    assert f"{MAX_PHOTO / MB:.1f} MB" in answer.get_json()["detail"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_json_body_is_told_its_own_limit(gateway: Opened, announced: bool) -> None:
    for size, expected in ((MAX_JSON, "invalid_option"), (MAX_JSON + 1, "too_many_bytes")):
        answer = send(gateway, "POST", "/v1/render-urls", "application/json", Body([b"{}", size - 2]), announced)
        assert problem(answer)[1] == expected
    assert f"{MAX_JSON // MB} MB" in answer.get_json()["detail"]


def test_both_sides_of_grpc_know_the_limit(engine: tuple[Engine, EngineClient]) -> None:
    """A caller of the engine who doesn't go through the gateway, with a limit of its own or none."""
    servicer, client = engine
    wanted = pb.PutProductRequest(photos=[pb.ProductPhoto(image=bytes(MAX_MESSAGE))])
    size = 2 * MAX_MESSAGE - wanted.ByteSize()
    wanted.photos[0].image = bytes(size)
    assert client.put_product(wanted, store="shop", timeout=60.0).created
    assert servicer.lengths == [size]
    wanted.photos[0].image += b"1"
    for limit in (MAX_MESSAGE, 2 * MAX_MESSAGE):
        with (
            closing(EngineClient(client._address, max_message=limit)) as caller,
            pytest.raises(InputError, match=LIMIT) as caught,
        ):
            caller.put_product(wanted, store="shop", timeout=60.0)
        assert caught.value.code == "too_many_bytes"
    assert servicer.lengths == [size]


def test_a_form_is_held_once() -> None:
    body = form(None, *[5 * MB] * 4)
    tracemalloc.start()
    try:
        files = read_form(body, BOUNDARY)[1].getlist("photos")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [len(file) for file in files] == [5 * MB] * 4
    assert peak < 1.25 * body.length


@pytest.mark.parametrize("route", ["renders", "poses", "products"])
def test_the_gateway_has_let_go_of_photos_while_the_engine_works(tmp_path: Path, route: str) -> None:
    seen: list[list[str]] = []
    with opened(tmp_path) as gateway:
        note = gateway.engine._called

        def look(*arguments: Any) -> None:
            seen.append(list(request.files))
            note(*arguments)

        gateway.engine._called = look  # type: ignore[method-assign]
        if route == "products":
            assert gateway.put("a").status_code == 201
        elif route == "poses":
            assert gateway.form("POST", "/v1/poses", shopper=JPEG).status_code == 200
        else:
            assert gateway.render(shopper=JPEG, pose=None).status_code == 200
    assert seen == [[]]
