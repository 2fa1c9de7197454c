"""Which addresses are out on the public internet. Everything else is somebody's own network, or nobody's.

The standard library's is_global misses some of these ranges (it depends on the Python release) and doesn't look into
IPv6 addresses that carry an IPv4 address, so the ranges stand here, from IANA's special-purpose registries.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_REFUSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this host; 0.0.0.0 reaches loopback
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
    )
)

_GLOBAL_V6 = IPv6Network("2000::/3")
"""All that is given out as global unicast: what lies outside is loopback, private, link-local, multicast, reserved,
or carries an IPv4 address (compatible ::/96, translated ::ffff:0:0:0/96, local NAT64 64:ff9b:1::/48)."""

_REFUSED_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo (which carries two IPv4 addresses) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",  # documentation
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 shows hosts that have nothing else; the IPv4 address in its last 32 bits decides."""

_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""Third quarter of an address whose last quarter is the IPv4 address that it tunnels to."""


def is_public(address: str) -> bool:
    """True for an IPv4 or IPv6 address in text form that is public; False also for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in block for block in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:  # "%eth0" is meant for one link
        return False
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _GLOBAL_V6 and not any(address in block for block in _REFUSED_V6)
