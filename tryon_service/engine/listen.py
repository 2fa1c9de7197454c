"""Where the engine listens: a unix socket in a private folder with one owner at a time, or TCP, with TLS if asked.

with claimed(settings.engine_address, wait=0.0):
    listen(server, settings)
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from tryon_service.errors import InputError, UnavailableError
from tryon_service.settings import Settings

logger = logging.getLogger(__name__)

UNIX = "unix:"
LONGEST_PATH = 107
"""Bytes of a unix socket's path that the kernel takes."""
VARIABLE = "TRYON_ENGINE"
LOCK_SUFFIX = ".lock"
_LOOK = 0.05
"""Seconds between looks at another engine's lock."""
_LOOPBACK = ("localhost:", "127.", "[::1]:")


@contextlib.contextmanager
def claimed(address: str, wait: float) -> Iterator[None]:
    """Be the one engine at a unix socket for the length of the block; nothing for TCP, where the kernel sees to it.

    wait: seconds to wait for another engine to end. Raises InputError("invalid_option") if it doesn't, and for a path
    that can't be used or a folder that others can write to.
    """
    if not address.startswith(UNIX):
        yield
        return
    path = Path(address.removeprefix(UNIX))
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise InputError("invalid_option", f"The path has more than {LONGEST_PATH} bytes: {path}.", VARIABLE)
    _make_private(path.parent)
    # The lock is a file of its own, never removed: a socket's file comes and goes, and so would its lock.
    handle = os.open(f"{path}{LOCK_SUFFIX}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _lock(handle, address, time.monotonic() + wait)
        yield
    finally:
        os.close(handle)


def listen(server: grpc.Server, settings: Settings) -> str:
    """Bind the server; its address, with the port that the kernel chose where that was 0.

    A socket's file that a dead engine left is replaced. Raises InputError("invalid_option") for an address or a
    certificate that can't be used.
    """
    address = settings.engine_address
    try:
        if address.startswith(UNIX):
            server.add_insecure_port(address)
            os.chmod(address.removeprefix(UNIX), 0o600)
            return address
        credentials = _credentials(settings)
        if credentials is None:
            if not address.startswith(_LOOPBACK):
                logger.warning("the engine listens on %s without TLS; set TRYON_ENGINE_CERT", address)
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except (RuntimeError, OSError) as error:
        raise InputError("invalid_option", f"The engine can't listen at {address}.", VARIABLE) from error
    return f"{address.rpartition(':')[0]}:{port}"


def certificate_end(file: str) -> float:
    """When the first certificate in a PEM file ends, seconds since 1970 UTC. Raises InputError("invalid_option")."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(read_file(file, "TRYON_ENGINE_CERT"))
    except ValueError:
        raise InputError("invalid_option", f"{file} is no certificate in PEM.", "TRYON_ENGINE_CERT") from None
    return certificate.not_valid_after_utc.timestamp()


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """With engine_ca, callers need a certificate of that authority."""
    if not settings.engine_cert:
        if settings.engine_ca:
            raise InputError("invalid_option", "Callers can't be checked without TLS of our own.", "TRYON_ENGINE_CERT")
        return None
    pair = read_file(settings.engine_key, "TRYON_ENGINE_KEY"), read_file(settings.engine_cert, "TRYON_ENGINE_CERT")
    authority = read_file(settings.engine_ca, "TRYON_ENGINE_CA") if settings.engine_ca else None
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)


def read_file(path: str, variable: str) -> bytes:
    """Raises InputError("invalid_option") naming the setting."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError("invalid_option", f"{path} can't be read: {error.strerror}.", variable) from error


def _make_private(folder: Path) -> None:
    """Whoever can write to the folder could put a socket of theirs in the engine's place."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except OSError as error:
        raise UnavailableError("storage_unavailable", f"{folder} can't be made: {error.strerror}.") from error
    if state.st_uid != os.geteuid() or state.st_mode & 0o077:
        detail = f"The socket's folder {folder} has to be its owner's alone (mode 0700)."
        raise InputError("invalid_option", detail, VARIABLE)


def _lock(handle: int, address: str, until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                detail = f"Another engine already listens at {address}; stop it, or give this one another address."
                raise InputError("invalid_option", detail, VARIABLE) from None
            time.sleep(_LOOK)
        else:
            return
