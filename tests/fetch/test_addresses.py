"""Public or not: the edges of every range, and IPv4 addresses dressed up as IPv6."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.fetch.addresses import is_public

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "1.0.0.0", "223.255.255.255", "9.255.255.255", "11.0.0.0",
    "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
    "203.0.112.255", "203.0.114.0", "2606:4700:4700::1111", "2a00:1450:4001:80f::200e", "2000::", "2001:200::",
    "2001:db7:ffff::", "2001:db9::", "2003::", "3ffe:ffff::", "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::808:808",
    "::ffff:100.63.255.255", "64:ff9b::100.63.255.255",
]  # fmt: skip

REFUSED = [
    "0.0.0.0", "0.0.0.1", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0",
    "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
    "172.31.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0",
    "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "203.0.113.255", "224.0.0.0",
    "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "::2", "100::1", "1fff:ffff::", "4000::",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "2001::",
    "2001:1ff:ffff::", "2001:20::1", "2001:db8::", "2001:db8:ffff::", "3fff::", "3fff:fff:ffff::",
    "2606:4700:4700::1111%eth0",
]  # fmt: skip

EMBEDDED = {
    "mapped": "::ffff:{v4}",
    "compatible": "::{v4}",
    "translated": "::ffff:0:{v4}",
    "6to4": "2002:{high:x}:{low:x}::1",
    "Teredo's server": "2001:0:{high:x}:{low:x}::1",
    "Teredo's client": "2001:0:808:808:0:0:{not_high:x}:{not_low:x}",
    "NAT64": "64:ff9b::{v4}",
    "local NAT64": "64:ff9b:1::{v4}",
    "ISATAP": "2606:4700::5efe:{v4}",
    "ISATAP, universal": "2606:4700::200:5efe:{v4}",
}


def embed(form: str, v4: str) -> str:
    high, low = divmod(int(ip_address(v4)), 1 << 16)
    return EMBEDDED[form].format(v4=v4, high=high, low=low, not_high=high ^ 0xFFFF, not_low=low ^ 0xFFFF)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("form", EMBEDDED)
@pytest.mark.parametrize("v4", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.0", "192.168.0.1", "0.0.0.0"])
def test_no_form_of_ipv6_hides_an_inner_address(form: str, v4: str) -> None:
    assert not is_public(embed(form, v4))


@pytest.mark.parametrize("form", sorted(set(EMBEDDED) - {"mapped", "NAT64"}))
def test_tunnels_are_refused_wherever_they_lead(form: str) -> None:
    assert not is_public(embed(form, "8.8.8.8"))


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "8.8.8.8/32", "1.1.1"]
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses())
def test_never_more_generous_than_the_standard_library(address: object) -> None:
    """Which knows fewer ranges, but none that we don't; it doesn't unwrap, so those two forms are left out."""
    text = str(address)
    parsed = ip_address(text)
    if is_public(text) and not text.startswith(("::ffff:", "64:ff9b::")):
        assert parsed.is_global
        assert not parsed.is_multicast
