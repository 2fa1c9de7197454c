"""gunicorn's threaded worker, hardened: callers who dribble are hung up on, and what gunicorn itself refuses gets a
problem document like everything else.

gunicorn waits without limit once a call has begun, so a handful of callers who send a byte now and then would hold all
threads. Here a call has some seconds to send its head and some more for its body; after a while longer its answer must
have been taken. A proxy in front that buffers makes all of this idle, and is still advisable.
"""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import TConn, ThreadWorker

from tryon_service.gateway.problems import CODE_OF_STATUS, MEDIA_TYPE, document

HEAD_SECONDS = 10.0
"""For a call's request line and headers, from its first byte."""
BODY_SECONDS = 60.0
"""For the body, from the end of the head: 80 MB at 11 Mbit/s."""
ANSWER_SECONDS = 120.0
"""For everything after that: the longest render, and taking the answer."""

FULL_PAUSE = 0.25
"""Seconds between two tries to take a connection where nothing more can be opened."""
FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
NO_ROOM = "no connection can be taken now"

STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}
"""Of what gunicorn can't read; the rest of it is simply bad."""

logger = logging.getLogger(__name__)


class _Watch:
    """How far one connection's call has come. hang_up: when to stop listening; give_up: when to close for good."""

    def __init__(self) -> None:
        self.begin(HEAD_SECONDS)

    def begin(self, seconds: float) -> None:
        self.hang_up = time.monotonic() + seconds
        self.give_up = self.hang_up + ANSWER_SECONDS


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """See the module's docstring."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        super().__init__(*args, **kwargs)
        self._watched: dict[TConn, _Watch] = {}
        self._watching = threading.Lock()

    def is_parent_alive(self) -> bool:
        """A worker whose master was killed stops as if it had been told to: gunicorn's own would answer on connections
        that are kept alive for as long as TRYON_DRAIN has it."""
        self.alive: bool = self.alive and super().is_parent_alive()
        return self.alive

    def accept(self, listener: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """In the main thread: somebody connects. Where nothing more can be opened they wait; gunicorn's own would end
        the worker, and every call in it."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in FULL:
                raise
            logger.warning("%s: %s", NO_ROOM, error.strerror)
            time.sleep(FULL_PAUSE)

    def set_accept_enabled(self, enabled: bool) -> None:
        """In the main thread. A worker that stops takes whoever has connected and closes the port at once. With
        gunicorn's own they could connect until it ends, and were then cut off; refused, a balancer tries another."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                taken = -1
                while taken != self.nr_conns:
                    taken = self.nr_conns
                    self.accept(listener)
                listener.close()

    def handle(self, conn: TConn) -> Any:  # noqa: ANN401 - gunicorn's own
        """In a thread: a connection has something to say, or is new."""
        with self._watching:
            self._watched[conn] = _Watch()
        try:
            return super().handle(conn)
        finally:
            with self._watching:
                del self._watched[conn]

    def handle_request(self, req: Any, conn: TConn) -> Any:  # noqa: ANN401 - gunicorn's own
        """In a thread: the head is there."""
        self._watched[conn].begin(BODY_SECONDS)
        return super().handle_request(req, conn)

    def notify(self) -> None:
        """In the main thread, at least once a second."""
        super().notify()
        now = time.monotonic()
        with self._watching:
            watched = list(self._watched.items())
        for conn, watch in watched:
            if now > watch.hang_up:  # reading ends at once; an answer can still be written
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR if now > watch.give_up else socket.SHUT_RD)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ANN401, ARG002
        """A call that never reached the application. Its text stays out of the log: it may hold anything."""
        status = _status(exc)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
            logger.error("a call failed outside of the application", exc_info=exc)
        else:
            logger.info("not HTTP: %s", type(exc).__name__)
        with suppress(OSError):
            write_nonblock(client, refusal(status))


def refusal(status: HTTPStatus) -> bytes:
    """A whole HTTP answer with a problem document, after which the connection ends."""
    code = "internal" if status == HTTPStatus.INTERNAL_SERVER_ERROR else CODE_OF_STATUS.get(status, "invalid_option")
    body = json.dumps(document(code, detail=f"{status.phrase}.", status=status)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _status(error: Exception) -> HTTPStatus:
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status
    broken = isinstance(error, errors.ParseException | OSError)
    return HTTPStatus.BAD_REQUEST if broken else HTTPStatus.INTERNAL_SERVER_ERROR
