"""Opening a port, with a clear word about one that can't be had."""

from __future__ import annotations

import socket

from tryon_service.errors import InputError


def open_port(host: str, port: int, backlog: int = 512) -> socket.socket:
    """A listening socket. backlog: connections that may wait. Raises InputError naming TRYON_PORT or TRYON_HOST."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        name = "host" if isinstance(error, socket.gaierror) else "port"
        detail = f"{host} port {port} can't be listened on: {error.strerror}. Free it, or set another {name}."
        raise InputError("invalid_option", detail, f"TRYON_{name.upper()}") from None
    return listening
