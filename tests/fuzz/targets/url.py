"""Photos by URL: what is asked of which address, whatever the URL, the name server and the host say."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import httpcore

from tests.fuzz.oracles import affordable, outcome
from tryon_service.fetch import client
from tryon_service.fetch.addresses import is_public
from tryon_service.fetch.client import Fetcher
from tryon_service.fetch.hosts import check_url, parse_hosts

ENTRIES = ("http://shop.example", "*.cdn.example", "shop.example:8443", "http://photos.example:8080")
ALLOWED = {("http", "shop.example", 80), ("https", "shop.example", 443), ("https", "shop.example", 8443),
           ("http", "photos.example", 8080), ("https", "photos.example", 8080)}  # fmt: skip
MOST_BYTES = 2000
SECONDS, MEGABYTES = 2.0, 32.0
WORDS = (
    b"http://shop.example/", b"https://a.cdn.example/", b"http://photos.example:8080/", b"@", b"#", b"\\", b"%2e",
    b"\n127.0.0.1\n", b"\n::ffff:10.0.0.1\n", b"\n64:ff9b::7f00:1\n", b"\n8.8.8.8\n", b"\n2606:4700::1111\n",
    b"\nHTTP/1.1 302 Found\r\nLocation: ", b"\nHTTP/1.1 200 OK\r\nContent-Length: ",
    b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"//10.0.0.1/", b"http://127.1/", b"xn--",
    b"\xe3\x80\x82",
)  # fmt: skip


class _Wire(httpcore.SyncBackend):
    """A network in which every address answers the same bytes, and which notes who was connected to."""

    def __init__(self, answer: bytes, met: list[tuple[str, int]]) -> None:
        self._answer, self._met = answer, met

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        self._met.append((host, port))
        return _Stream(self._answer, (host, port))


class _Stream(httpcore.NetworkStream):
    def __init__(self, answer: bytes, address: tuple[str, int]) -> None:
        self._answer, self._address = answer, address

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        part, self._answer = self._answer[:max_bytes], self._answer[max_bytes:]
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    def close(self) -> None: ...

    def start_tls(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._address if info == "server_addr" else None


def seeds() -> Iterator[bytes]:
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"
    yield b"http://shop.example/a.jpg\n8.8.8.8\n" + good
    yield b"https://a.cdn.example/a.jpg?b=c\n8.8.8.8,10.0.0.1\n" + good
    yield b"http://shop.example@127.0.0.1/\n127.0.0.1\n" + good
    yield b"http://photos.example:8080/\n2606:4700::1111\nHTTP/1.1 302 Found\r\nLocation: //10.0.0.1/a\r\n\r\n"
    yield b"http://shop.example/\n1.1.1.1\nHTTP/1.1 302 Found\r\nLocation: http://photos.example:8080/\r\n\r\n"


def check(data: bytes) -> None:
    """A line with a URL, one with the addresses that every name has, and what every host answers."""
    first, _, rest = data.partition(b"\n")
    second, _, answer = rest.partition(b"\n")
    url = first.decode("utf-8", "surrogateescape")
    addresses = second.decode("latin-1").split(",")
    for address in addresses:
        _check_address(address)
    _check_url(url)
    met: list[tuple[str, int]] = []
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return addresses

    with (
        mock.patch.object(client, "PinnedBackend", lambda *given: _pinned(answer, met, *given)),
        affordable(SECONDS, MEGABYTES),
    ):
        fetcher = _fetcher()
        fetcher._resolve = resolve
        photo = outcome(lambda: fetcher.fetch(url), "blocked_url", "too_many_bytes", "fetch_failed")
    assert all(_inside_list(host, port) for host, port in asked), asked
    assert all(_plainly_public(address) for address, _ in met), met
    assert photo is None or (len(photo) <= MOST_BYTES and met)


@cache
def _fetcher() -> Fetcher:
    """One for all: it keeps nothing between fetches but its threads."""
    context = ssl.create_default_context()
    return Fetcher(parse_hosts(ENTRIES), timeout=20.0, most_bytes=MOST_BYTES, ssl_context=context)


def _pinned(answer: bytes, met: list[tuple[str, int]], *given: Any) -> httpcore.NetworkBackend:
    backend = client_pinned(*given)
    backend._sockets = _Wire(answer, met)
    return backend


client_pinned = client.PinnedBackend


def _check_url(text: str) -> None:
    """What is let through means the same to another reader of URLs."""
    url = outcome(lambda: check_url(text, parse_hosts(ENTRIES), "product"), "blocked_url")
    if url is None:
        return
    assert not url.userinfo
    again = urlsplit(str(url))
    assert again.username is None
    assert again.hostname is not None
    assert again.hostname == url.raw_host.decode("ascii").lower()
    assert _inside_list(again.hostname, again.port or {"http": 80, "https": 443}[again.scheme], again.scheme)


def _inside_list(host: str, port: int, scheme: str = "") -> bool:
    host = host.lower()
    if host.endswith(".cdn.example"):
        return port == 443 and scheme in ("", "https")
    return any((name, number) == (host, port) and scheme in ("", kind) for kind, name, number in ALLOWED)


def _check_address(text: str) -> None:
    if is_public(text):
        assert _plainly_public(text), text


def _plainly_public(text: str) -> bool:
    """By the standard library, which looks at the address alone, and at every IPv4 address that it could carry."""
    address = ip_address(text)
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _carried(address))


def _carried(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in IPv6Network("64:ff9b::/96"):  # NAT64
        return [IPv4Address(address.packed[-4:])]
    inner = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in inner if one is not None)]
