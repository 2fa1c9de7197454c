"""A network that can be made bad: a TCP proxy on loopback that delays, throttles, goes silent, or cuts connections."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 16 << 10
"""Bytes that travel at a time."""


class Proxy:
    """Stands before a port. delay: seconds for every chunk; rate: bytes a second; refusing: whether new connections are
    cut at once. All may be changed at any moment."""

    def __init__(self, target: int) -> None:
        self.delay, self.rate, self.refusing = 0.0, math.inf, False
        self.port = 0
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    def silent(self, *, silent: bool) -> None:
        """Hold back whatever comes, both ways; it arrives late, as after a network's loss."""
        self._loop.call_soon_threadsafe(self._flowing.clear if silent else self._flowing.set)

    def cut(self) -> None:
        """Reset every connection."""

        def abort() -> None:
            for writer in self._writers:
                _reset(writer)

        self._loop.call_soon_threadsafe(abort)

    async def _serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for writer in list(self._writers):
            _reset(writer)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, back}
        self._writers |= pair
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= pair
            for one in pair:
                _reset(one)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await asyncio.sleep(self.delay + len(data) / self.rate)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Not the usual end of a connection, but what a broken network looks like."""
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@contextmanager
def proxied(target: int, port: int = 0) -> Iterator[Proxy]:
    """A proxy before this port of the machine. port: its own, 0 for a free one."""
    proxy = Proxy(target)
    proxy.port = port
    ready, stop = threading.Event(), asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(proxy._loop)
        proxy._loop.run_until_complete(proxy._serve(ready, stop))
        proxy._loop.close()

    thread = threading.Thread(target=run, name="proxy")
    thread.start()
    try:
        assert ready.wait(10.0), "the proxy doesn't listen"
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(stop.set)
        thread.join()
