"""Clients that behave badly: slow, broken, greedy, late or gone. Each tells how the service got rid of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.real_service import form
from tests.reliability.shop import STORE, Shop
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import STORE_KEY
from tryon_service.pb.tryon_pb2_grpc import TryOnStub

CORPUS = Path(__file__).parents[1] / "corpus" / "hostile"
BOMBS = ("png_bomb.png", "webp_bomb.webp", "jpeg_65535_x_65535.jpg")
TEXT_BOMB = "png_text_bomb.png"
"""Its text is never unpacked, and its picture shows nobody."""
DRIBBLE = 1.0
"""Seconds between two bytes."""
LONGEST = 100.0
"""Seconds after which the service should long have hung up."""
HUNG_UP, LEFT = "hung up", "left"
STORM = 50
"""Connections opened and closed at once."""


class Guest:
    """A client that misbehaves. do(name) returns a status, HUNG_UP, LEFT where it didn't wait, or a gRPC status."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.port = shop.service.port
        self._expired = ""
        self._turn = 0

    async def do(self, deed: str) -> str:
        try:
            async with asyncio.timeout(LONGEST):
                return await DEEDS[deed].do(self)
        except OSError:
            return HUNG_UP
        except TimeoutError:
            return "nothing happened"

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def head(self, length: int | str, *more: str) -> bytes:
        lines = ["POST /v1/renders HTTP/1.1", "Host: shop", f"Authorization: Bearer {self.shop.key}",
                 "Content-Type: multipart/form-data; boundary=b", f"Content-Length: {length}", *more]  # fmt: skip
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def photo(self) -> bytes:
        return self.shop.people.shoppers[0]


async def status(reader: asyncio.StreamReader) -> str:
    """Of the answer, or HUNG_UP."""
    line = (await reader.readline()).split()
    return line[1].decode() if len(line) > 1 else HUNG_UP


async def slow_head(guest: Guest) -> str:
    """A request line, a byte at a time."""
    async with guest.connected() as (reader, writer):
        answer = asyncio.ensure_future(status(reader))
        for byte in guest.head(10):
            writer.write(bytes([byte]))
            await writer.drain()
            done, _ = await asyncio.wait([answer], timeout=DRIBBLE)
            if done:
                break
        return await answer


async def half_a_body(guest: Guest) -> str:
    """Half of the photo, then a reset instead of an end."""
    async with guest.connected() as (_, writer):
        writer.write(guest.head(len(guest.photo)) + guest.photo[: len(guest.photo) // 2])
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return LEFT


async def wrong_length(guest: Guest) -> str:
    """More announced than comes: the service waits, and then no more."""
    async with guest.connected() as (reader, writer):
        writer.write(guest.head(10_000) + b"--b\r\n")
        await writer.drain()
        return await status(reader)


async def impossible_length(guest: Guest) -> str:
    async with guest.connected() as (reader, writer):
        writer.write(guest.head("-1"))
        return await status(reader)


async def huge_head(guest: Guest) -> str:
    """A megabyte of headers."""
    async with guest.connected() as (reader, writer):
        writer.write(guest.head(10, *(f"X-{number}: {'x' * 4000}" for number in range(250))))
        with contextlib.suppress(OSError):
            await writer.drain()
        return await status(reader)


async def posted(guest: Guest, **parts: bytes | str) -> str:
    async with guest.shop.client() as client:
        answer = await guest.shop.ask(client, "POST", "/v1/renders", files=form(**parts))
        return str(answer.status_code)


async def no_image(guest: Guest) -> str:
    return await posted(guest, shopper=b"%PDF-1.7 not a photo", product_id=guest.shop.pairs[0][1])


async def bomb(guest: Guest) -> str:
    guest._turn += 1
    data = (CORPUS / BOMBS[guest._turn % len(BOMBS)]).read_bytes()
    return await posted(guest, shopper=data, product_id=guest.shop.pairs[0][1])


async def text_bomb(guest: Guest) -> str:
    data = (CORPUS / TEXT_BOMB).read_bytes()
    return await posted(guest, shopper=data, product_id=guest.shop.pairs[0][1])


async def expired_token(guest: Guest) -> str:
    if not guest._expired:
        async with guest.shop.client() as client:
            answer = await guest.shop.ask(client, "POST", "/v1/poses", files=form(shopper=guest.photo, ttl="1"))
            guest._expired = answer.json()["pose"]
            await asyncio.sleep(max(0.0, answer.json()["expires_at"] - time.time() + 1.0))
    return await posted(guest, pose=guest._expired, product_id=guest.shop.pairs[0][1])


async def gone_before_the_answer(guest: Guest) -> str:
    """A whole call, and away."""
    parts = form(shopper=guest.photo, product_id=guest.shop.pairs[0][1])
    async with guest.shop.client() as client:
        call = asyncio.ensure_future(guest.shop.ask(client, "POST", "/v1/renders", files=parts))
        await asyncio.wait([call], timeout=0.05)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
    return LEFT


async def storm(guest: Guest) -> str:
    """Many connections, opened and closed without a word."""
    opened = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", guest.port) for _ in range(STORM)), return_exceptions=True
    )
    refused = sum(isinstance(one, BaseException) for one in opened)
    for one in opened:
        if not isinstance(one, BaseException):
            one[1].close()
    return f"{refused} refused" if refused else LEFT


async def _grpc(guest: Guest, work: Callable[[grpc.Channel], str]) -> str:
    """In a thread: work on a channel of its own, opened for this alone."""

    def run() -> str:
        with grpc.insecure_channel(guest.shop.service.engine, [("grpc.default_authority", "localhost")]) as channel:
            return work(channel)

    return await asyncio.get_running_loop().run_in_executor(guest.shop.threads, run)


async def garbage_protobuf(guest: Guest) -> str:
    def send(channel: grpc.Channel) -> str:
        call = channel.unary_unary("/tryon.v1.TryOn/Render")
        try:
            call(b"\xff\xfe garbage" * 100, timeout=10.0, metadata=((STORE_KEY, STORE),))
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    return await _grpc(guest, send)


async def cancelled_grpc(guest: Guest) -> str:
    def send(channel: grpc.Channel) -> str:
        request = pb.RenderRequest(photo=guest.photo, product_id=guest.shop.pairs[0][1])
        call = TryOnStub(channel).Render.future(request, timeout=30.0, metadata=((STORE_KEY, STORE),))
        time.sleep(0.05)
        call.cancel()
        return LEFT

    return await _grpc(guest, send)


@dataclass(frozen=True)
class Deed:
    """right: what may come of it; anything else is the service's mistake."""

    do: Callable[[Guest], Awaitable[str]]
    right: frozenset[str]


DEEDS: dict[str, Deed] = {
    "head dribbled byte by byte": Deed(slow_head, frozenset({HUNG_UP, "400"})),
    "half a body, then a reset": Deed(half_a_body, frozenset({LEFT})),
    "more bytes announced than sent": Deed(wrong_length, frozenset({HUNG_UP, "400"})),
    "impossible Content-Length": Deed(impossible_length, frozenset({"400"})),
    "a megabyte of headers": Deed(huge_head, frozenset({HUNG_UP, "431"})),
    "no image": Deed(no_image, frozenset({"415"})),
    "decompression bomb": Deed(bomb, frozenset({"400", "413"})),
    "bomb in a comment": Deed(text_bomb, frozenset({"422"})),
    "expired pose token": Deed(expired_token, frozenset({"410"})),
    "gone before the answer": Deed(gone_before_the_answer, frozenset({LEFT})),
    "50 connections without a word": Deed(storm, frozenset({LEFT})),
    "garbage as protobuf": Deed(garbage_protobuf, frozenset({"INTERNAL"})),
    "gRPC call cancelled": Deed(cancelled_grpc, frozenset({LEFT})),
}
