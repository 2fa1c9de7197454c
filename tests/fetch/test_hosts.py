"""The list of hosts: what an entry means, and URLs that try to look as if they were on it."""

from __future__ import annotations

import pytest

from tryon_service.errors import InputError
from tryon_service.fetch.hosts import Host, check_url, parse_hosts

HOSTS = parse_hosts(
    ["shop.example", "*.cdn.example", "http://old.example", "odd.example:8443", "bücher.example", "1.2.3.4"]
)


@pytest.mark.parametrize(
    ("entry", "means"),
    [
        ("shop.example", Host("shop.example")),
        ("Shop.Example", Host("shop.example")),
        ("https://shop.example", Host("shop.example")),
        ("shop.example:443", Host("shop.example")),
        ("*.cdn.example", Host(".cdn.example")),
        ("http://old.example", Host("old.example", plain=True)),
        ("http://*.old.example:8080", Host(".old.example", plain=True, port=8080)),
        ("http://old.example:443", Host("old.example", plain=True, port=443)),
        ("localhost", Host("localhost")),
        ("[2606:4700::1]", Host("2606:4700::1")),
    ],
)
def test_entries(entry: str, means: Host) -> None:
    assert Host.parse(entry) == means


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.",
        "*.com",
        "*.4.3.2.1:x",
        "*.10.0.0.1",
        "a*.example",
        "shop.example/photos",
        "shop.example?",
        "shop.example:",
    ]
    + ["user@shop.example", "ftp://shop.example", "shop example", "shop..example", ".shop.example", "shop.example:0"]
    + ["shop.example:70000", "shop.example#", "**.shop.example", "https://"],
)
def test_entries_that_are_no_host_name_the_setting(entry: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_hosts(["shop.example", entry])
    assert (caught.value.code, caught.value.field) == ("invalid_option", "TRYON_REMOTE_HOSTS")


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/a.jpg?w=1",
        "https://SHOP.example:443/",
        "https://a.cdn.example/",
        "https://a.b.cdn.example/",
    ]
    + ["http://old.example/", "https://old.example/", "https://odd.example:8443/", "https://bücher.example/ä"]
    + ["https://xn--bcher-kva.example/", "https://1.2.3.4/", "https://shop.example"],
)
def test_on_the_list(url: str) -> None:
    assert check_url(url, HOSTS, "product").host


@pytest.mark.parametrize(
    "url",
    ["http://shop.example/", "https://shop.example:8443/", "https://odd.example/", "https://cdn.example/"]
    + ["https://evilcdn.example/", "https://shop.example.evil.example/", "https://evil.example/shop.example"]
    + ["https://evil.example?shop.example", "https://evil.example#shop.example", "https://shop.example./"]
    + ["https://shop.example@evil.example/", "https://shop.example:pass@evil.example/", "https://u:p@shop.example/"]
    + ["https://u@shop.example/", "https://evil.example\\@shop.example/", "https://shop.example\\.evil.example/"]
    + ["https://.cdn.example/", "https://a..cdn.example/", "https://a%2e.cdn.example/", "https://a .cdn.example/"]
    + ["//shop.example/", "shop.example/a.jpg", "ftp://shop.example/", "file:///etc/passwd", "data:image/png;base64,AA"]
    + ["gopher://shop.example/", "https:///shop.example", "https://", "", "https://shop.example:0/", "https://[::1]/"]
    + ["https://shop.example\n/", "https://shop.example\r\nX: y/", "https://0x1020304/", "https://16909060/", "\0"]
    + [
        "https://sh\u00adop.example.evil/",
        "https://old.example:80/",
        "http://old.example:8080/",
        "https://ⓔvil.example/",
    ]
    + ["https://shop.example/" + "a" * 3000],
)
def test_not_on_the_list(url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_url(url, HOSTS, "product[1]")
    assert (caught.value.code, caught.value.field) == ("blocked_url", "product[1]")


def test_an_empty_list_switches_fetching_off() -> None:
    with pytest.raises(InputError, match="switched off") as caught:
        check_url("https://shop.example/", (), "product")
    assert caught.value.code == "blocked_url"
