"""A real server on a loopback address whose answers are written byte by byte, and certificates for it."""

from __future__ import annotations

import contextlib
import datetime
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Write = Callable[[bytes], None]
Answer = Callable[[Write], None]


@dataclass
class PhotoServer:
    """answers: by path; heads: the head of every request that came, connections: how many came at all."""

    address: str
    port: int
    answers: dict[str, Answer]
    heads: list[str] = field(default_factory=list)
    connections: int = 0


def ok(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Answer:
    """A plain answer; length: what Content-Length says, the truth unless given."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return lambda write: write("\r\n".join([*lines, "", ""]).encode() + body)


def redirect(location: str, status: str = "302 Found") -> Answer:
    return ok(b"", f"Location: {location}", status=status)


@contextlib.contextmanager
def serve(address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[PhotoServer]:
    """Runs until the block is left; connections end with it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server.connections += 1
            connection = self.request
            connection.settimeout(5)
            with contextlib.suppress(OSError):  # the fetcher hangs up when it has seen enough
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (part := connection.recv(4096)):
                        return
                    head += part
                server.heads.append(head.decode())
                server.answers[head.split()[1].decode()](connection.sendall)
                connection.close()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Listener((address, 0), Handler) as listener:
        server = PhotoServer(address, listener.server_address[1], {})
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def make_authority(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the server's context with a certificate for host, a client's that believes its authority and no other)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
