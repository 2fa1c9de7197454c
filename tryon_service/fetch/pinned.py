"""The network as one fetch sees it: only the addresses that were checked, and no longer than until the deadline."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

Allow = Callable[[str], bool]
"""Whether an address, in text form, may be connected to."""


class BlockedAddressError(Exception):
    """The connection ended up at an address that isn't allowed."""


class Deadline:
    """A moment that all steps of a fetch share, so that a host can't gain time by answering in drips."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, above 0. Raises httpcore.TimeoutException when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException
        return left


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the given addresses whatever the host is called; TLS still names and verifies the host.

    A name that changes its address between check and connection (DNS rebinding) changes nothing here: it isn't asked
    again, and the address at the other end is checked once more.
    """

    def __init__(self, addresses: Sequence[str], allow: Allow, deadline: Deadline) -> None:
        self._addresses = addresses
        self._allow = allow
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the point of this class
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline's instead, here and below
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | None = None
        for address in self._addresses:
            try:
                stream = self._sockets.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
                continue
            if not self._allow(str(stream.get_extra_info("server_addr")[0])):
                stream.close()
                raise BlockedAddressError
            return _TimedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation gets the time that is left."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own
        return self._stream.get_extra_info(info)
