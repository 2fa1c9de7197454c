"""Serves the shop from this process, in threads."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

logger = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # else the body of a short answer waits for the head's receipt

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: ARG002 - werkzeug's own
        """Calls are of interest to nobody but those who look for a fault."""
        logger.debug(message, *args)


@contextmanager
def serving(app: Flask, listening: socket.socket) -> Iterator[None]:
    """Answer on this socket, which stays the caller's, for as long as the context lasts."""
    host, port = listening.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=_Handler, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, name="shop")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
