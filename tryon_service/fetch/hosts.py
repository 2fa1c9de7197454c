"""The list of hosts that photos may come from, and the check of a URL against it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from tryon_service.errors import InputError

SETTING = "TRYON_REMOTE_HOSTS"

LONGEST_URL = 2048
"""Characters; longer than any product photo's address."""

DEFAULT_PORTS = {"https": 443, "http": 80}

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@dataclass(frozen=True)
class Host:
    """One entry of the list: shop.example, *.shop.example, http://shop.example, shop.example:8443.

    name: the host, or the suffix with its dot ("." + the rest) that a host must end with; plain: http is accepted
    too, not only https; port: the one port accepted, None for the scheme's own.
    """

    name: str
    plain: bool = False
    port: int | None = None

    @classmethod
    def parse(cls, entry: str) -> Host:
        """Raises InputError("invalid_option") if the entry is no host, or a suffix as wide as *.com."""
        scheme = "http" if entry.startswith("http://") else "https"
        rest = entry.removeprefix(f"{scheme}://")
        suffix = rest.startswith("*.")
        try:
            url = httpx.URL(f"{scheme}://{rest.removeprefix('*.')}")
        except (httpx.InvalidURL, UnicodeError):
            raise _wrong(entry) from None
        name = _name(url)
        only_a_host = not (set(rest) & set("/?#@")) and not rest.endswith(":")
        wide = suffix and ("." not in name or _is_address(name))
        if not _is_name(name) or not only_a_host or wide or not 0 < port_of(url) < 65536:
            raise _wrong(entry)
        return cls(f".{name}" if suffix else name, scheme == "http", url.port)

    def allows(self, url: httpx.URL) -> bool:
        if url.scheme != "https" and not (self.plain and url.scheme == "http"):
            return False
        if port_of(url) != (self.port or DEFAULT_PORTS[url.scheme]):
            return False
        name = _name(url)
        return name.endswith(self.name) if self.name.startswith(".") else name == self.name


def _wrong(entry: str) -> InputError:
    return InputError("invalid_option", f"{entry!r} is no host such as shop.example or *.shop.example.", SETTING)


def _name(url: httpx.URL) -> str:
    """The host in the form that name servers and certificates know: lower case, international letters as xn--."""
    return url.raw_host.decode("ascii").lower()


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None or _is_address(text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def port_of(url: httpx.URL) -> int:
    return DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def parse_hosts(entries: Iterable[str]) -> tuple[Host, ...]:
    """Raises InputError("invalid_option") naming the setting."""
    return tuple(Host.parse(entry) for entry in entries)


def check_url(text: str, hosts: tuple[Host, ...], field: str) -> httpx.URL:
    """The URL, parsed once for all that follows. Raises InputError("blocked_url") with field."""
    if not hosts:
        raise InputError("blocked_url", "Fetching photos is switched off; send the file itself.", field)
    if len(text) > LONGEST_URL:
        raise InputError("blocked_url", f"It has {len(text)} characters; at most {LONGEST_URL} are accepted.", field)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise InputError("blocked_url", "It is not a URL.", field) from None
    if url.scheme not in DEFAULT_PORTS or not _is_name(_name(url)):
        raise InputError("blocked_url", "It must begin with https:// and a host.", field)
    if url.userinfo:
        raise InputError("blocked_url", "It must not hold a user or a password.", field)
    if not any(host.allows(url) for host in hosts):
        raise InputError("blocked_url", "Its scheme, host and port are not on the list of this service.", field)
    return url
