"""Fetches one product photo by URL: listed hosts and public addresses only, within a cap on bytes and on time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import httpcore
import httpx

from tryon_service import __version__
from tryon_service.errors import InputError, UnavailableError
from tryon_service.fetch.addresses import is_public
from tryon_service.fetch.hosts import Host, check_url, parse_hosts, port_of
from tryon_service.fetch.pinned import Allow, BlockedAddressError, Deadline, PinnedBackend
from tryon_service.imaging.limits import DEFAULT_LIMITS
from tryon_service.settings import Settings

MOST_BYTES = max(DEFAULT_LIMITS.jpeg_bytes, DEFAULT_LIMITS.other_bytes)
"""The largest photo that any format may be."""

MOST_REDIRECTS = 3

REDIRECTS = frozenset({301, 302, 303, 307, 308})

LOOKUPS_AT_ONCE = 4
"""Names asked for at the same time; a name server that doesn't answer holds up no more threads than these."""

HEADERS = (
    (b"User-Agent", f"tryon-service/{__version__}".encode()),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),  # bytes are counted as they come; a compressed answer could grow afterwards
)

Resolve = Callable[[str, int], list[str]]
"""(host, port) -> its addresses in text form. Raises OSError."""


def resolve_host(host: str, port: int) -> list[str]:
    """Every address of the host, in the system's order of preference, as this machine's resolver knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Fetcher:
    """A client for photos on the listed hosts. Any number of threads may share one; nothing is kept between fetches.

    hosts: the list, empty to refuse every URL; timeout: seconds for one photo from name to last byte, redirects
    included; most_bytes: of one photo. resolve, allow, ssl_context: how names become addresses, which of those may be
    connected to, and which certificates are believed (default the usual authorities). Proxy variables in the
    environment are not followed: a proxy would connect to addresses that nobody checked.
    """

    def __init__(
        self,
        hosts: tuple[Host, ...],
        timeout: float,
        most_bytes: int = MOST_BYTES,
        resolve: Resolve = resolve_host,
        allow: Allow = is_public,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = hosts
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._resolve = resolve
        self._allow = allow
        self._given_ssl_context = ssl_context
        # A lookup can't be interrupted, only left behind. The threads start with the first lookup, after any fork.
        self._lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, "lookup")

    @classmethod
    def of(cls, settings: Settings) -> Fetcher:
        """Raises InputError("invalid_option") naming TRYON_REMOTE_HOSTS if an entry is no host."""
        return cls(parse_hosts(settings.remote_hosts), settings.remote_timeout)

    def fetch(self, url: str, field: str = "product") -> bytes:
        """The file's bytes as the host sent them; nothing is decoded or believed about their kind.

        Raises InputError("blocked_url" or "too_many_bytes") and UnavailableError("fetch_failed"), all with field. No
        error tells which address a name has, nor what an answer held.
        """
        deadline = Deadline(self._timeout)
        current = check_url(url, self._hosts, field)
        try:
            for _ in range(1 + MOST_REDIRECTS):
                answer = self._get(current, field, deadline)
                if isinstance(answer, bytes):
                    return answer
                current = check_url(str(answer), self._hosts, field)
        except (httpcore.TimeoutException, TimeoutError):
            raise _failed(f"It took longer than {self._timeout:g} s.", field) from None
        except httpx.InvalidURL:
            raise InputError("blocked_url", "It is redirected to what is no URL.", field) from None
        except BlockedAddressError:
            raise _not_public(field) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError):
            raise _failed("The host could not be reached, or broke off.", field) from None
        raise _failed(f"The host redirected more than {MOST_REDIRECTS} times.", field)

    def _get(self, url: httpx.URL, field: str, deadline: Deadline) -> bytes | httpx.URL:
        """One request: the body, or where the host sends us next (unchecked)."""
        backend = PinnedBackend(self._addresses(url, field, deadline), self._allow, deadline)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        with (
            httpcore.ConnectionPool(ssl_context=self._ssl_context, network_backend=backend) as pool,
            pool.stream("GET", target, headers=[(b"Host", url.netloc), *HEADERS]) as response,
        ):
            headers = httpx.Headers(response.headers)
            if response.status in REDIRECTS and "location" in headers:
                return _next(url, headers["location"])
            if response.status != 200:
                raise _failed(f"The host answered {response.status}.", field)
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise _failed("The host sent it compressed, which was not asked for.", field)
            return self._read(response, headers.get("content-length", ""), field)

    def _read(self, response: httpcore.Response, announced: str, field: str) -> bytes:
        if announced.isdecimal() and int(announced) > self._most_bytes:
            raise _too_many(self._most_bytes, field)
        body = bytearray()
        for part in response.iter_stream():
            body += part
            if len(body) > self._most_bytes:
                raise _too_many(self._most_bytes, field)
        return bytes(body)

    def _addresses(self, url: httpx.URL, field: str, deadline: Deadline) -> list[str]:
        """Asked for once. One address that isn't allowed spoils all: an honest name has none."""
        lookup = self._lookups.submit(self._resolve, url.raw_host.decode("ascii"), port_of(url))
        try:
            addresses = lookup.result(deadline.left())
        finally:
            lookup.cancel()
        if not all(self._allow(address) for address in addresses):
            raise _not_public(field)
        return addresses

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        return self._given_ssl_context or httpx.create_ssl_context()


def _next(url: httpx.URL, location: str) -> httpx.URL:
    """Raises httpx.InvalidURL; the library itself raises others for some nonsense, such as half an IPv6 address."""
    try:
        return url.join(location)
    except ValueError as error:
        raise httpx.InvalidURL(str(error)) from None


def _failed(detail: str, field: str) -> UnavailableError:
    return UnavailableError("fetch_failed", detail, field)


def _not_public(field: str) -> InputError:
    return InputError("blocked_url", "The host's address is not on the public internet.", field)


def _too_many(most: int, field: str) -> InputError:
    return InputError("too_many_bytes", f"At most {most / 1e6:.1f} MB are accepted.", field)
