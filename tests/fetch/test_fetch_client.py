"""Fetching from a real server that plays tricks: with its name, its redirects, its bytes and its time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from photo_server import PhotoServer, make_authority, ok, redirect, serve

from tryon_service.errors import TryonError
from tryon_service.fetch.client import MOST_BYTES, Fetcher, resolve_host
from tryon_service.fetch.hosts import parse_hosts
from tryon_service.settings import load

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 40
LOOPBACK = "127.0.0.1"


def only_loopback(address: str) -> bool:
    return address == LOOPBACK


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with serve() as running:
        yield running


def fetcher_for(server: PhotoServer, timeout: float = 5.0, most_bytes: int = 100_000, **changed: object) -> Fetcher:
    """Lets shop.test and *.cdn.test be the server."""
    hosts = parse_hosts([f"http://shop.test:{server.port}", f"http://*.cdn.test:{server.port}"])
    options = {"resolve": lambda host, port: [LOOPBACK], "allow": only_loopback} | changed
    return Fetcher(hosts, timeout, most_bytes, **options)  # type: ignore[arg-type]


def failure(fetcher: Fetcher, server: PhotoServer, path: str, host: str = "shop.test") -> TryonError:
    with pytest.raises(TryonError) as caught:
        fetcher.fetch(f"http://{host}:{server.port}{path}", "product[2]")
    assert caught.value.field == "product[2]"
    assert LOOPBACK not in caught.value.public_text
    return caught.value


def test_the_bytes_come_as_they_are(server: PhotoServer) -> None:
    server.answers["/a.jpg?w=2"] = ok(PHOTO, "Content-Type: text/html")
    assert fetcher_for(server).fetch(f"http://shop.test:{server.port}/a.jpg?w=2#part") == PHOTO
    head = server.heads[0].lower()
    assert f"host: shop.test:{server.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "authorization" not in head
    assert "cookie" not in head


def test_bodies_in_chunks_and_up_to_the_end_of_the_connection(server: PhotoServer) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    chunks = b"%x\r\n%s\r\n" % (len(PHOTO), PHOTO)
    server.answers["/chunks"] = lambda write: write(
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    )
    server.answers["/open"] = lambda write: write(head + b"\r\n" + PHOTO)
    for path in ("/chunks", "/open"):
        assert fetcher_for(server).fetch(f"http://shop.test:{server.port}{path}") == PHOTO


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["8.8.8.8", "169.254.169.254"],
        ["::1"],
        ["64:ff9b::7f00:1"],
        ["0.0.0.0"],
        ["127.0.0.1"],
        ["fe80::1%eth0"],
    ],
)
def test_names_that_lead_inside_are_refused_before_any_connection(server: PhotoServer, addresses: list[str]) -> None:
    fetcher = Fetcher(parse_hosts([f"http://shop.test:{server.port}"]), 5.0, resolve=lambda host, port: addresses)
    assert failure(fetcher, server, "/").code == "blocked_url"
    assert server.connections == 0


def test_a_name_that_changes_its_address_gains_nothing(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = ok(PHOTO)
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [LOOPBACK] if len(asked) == 1 else ["127.0.0.2"]

    with serve("127.0.0.2") as inside:
        fetched = fetcher_for(server, resolve=rebinding).fetch(f"http://shop.test:{server.port}/a.jpg")
        assert (fetched, asked, inside.connections) == (PHOTO, ["shop.test"], 0)


def test_the_address_that_was_reached_is_checked_too(server: PhotoServer) -> None:
    checked: list[str] = []

    def once(address: str) -> bool:
        checked.append(address)
        return len(checked) == 1

    assert failure(fetcher_for(server, allow=once), server, "/").code == "blocked_url"
    assert checked == [LOOPBACK, LOOPBACK]
    assert server.heads == []


def test_the_second_address_is_tried_when_the_first_is_dead(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = ok(PHOTO)
    fetcher = fetcher_for(
        server, resolve=lambda host, port: ["127.0.0.3", LOOPBACK], allow=lambda address: address.startswith("127.")
    )
    assert fetcher.fetch(f"http://shop.test:{server.port}/a.jpg") == PHOTO


def test_proxies_of_the_environment_are_not_followed(server: PhotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/a.jpg"] = ok(PHOTO)
    with serve() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
        assert fetcher_for(server).fetch(f"http://shop.test:{server.port}/a.jpg") == PHOTO
        assert proxy.connections == 0


def test_redirects_are_followed_three_times(server: PhotoServer) -> None:
    server.answers |= {
        "/1": redirect("/2", "301 Moved Permanently"),
        "/2": redirect(f"http://a.cdn.test:{server.port}/3", "307 Temporary Redirect"),
        "/3": redirect("4", "308 Permanent Redirect"),
        "/4": ok(PHOTO),
        "/0": redirect("/1"),
        "/round": redirect("/round"),
    }
    assert fetcher_for(server).fetch(f"http://shop.test:{server.port}/1") == PHOTO
    assert "a.cdn.test" in server.heads[2]
    assert failure(fetcher_for(server), server, "/0").code == "fetch_failed"
    before = len(server.heads)
    assert failure(fetcher_for(server), server, "/round").code == "fetch_failed"
    assert len(server.heads) - before == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/x",
        "http://evil.test:{port}/x",
        "https://shop.test/x",
        "//evil.test/x",
        "file:///etc/passwd",
    ]
    + ["http://u:p@shop.test:{port}/x", "http://shop.test:1/x", "gopher://shop.test:{port}/x", "http://[::1]:{port}/x"],
)
def test_every_redirect_is_checked_against_the_list(server: PhotoServer, location: str) -> None:
    server.answers |= {"/": redirect(location.format(port=server.port)), "/x": ok(PHOTO)}
    assert failure(fetcher_for(server), server, "/").code == "blocked_url"
    assert len(server.heads) == 1


def test_every_redirect_is_resolved_and_checked_anew(server: PhotoServer) -> None:
    server.answers |= {"/": redirect(f"http://inside.cdn.test:{server.port}/x"), "/x": ok(PHOTO)}
    addresses = {"shop.test": [LOOPBACK], "inside.cdn.test": ["10.0.0.1"]}
    fetcher = fetcher_for(server, resolve=lambda host, port: addresses[host])
    assert failure(fetcher, server, "/").code == "blocked_url"
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (ok(b"x" * 100_001), "too_many_bytes"),
        (ok(b"", length=100_001), "too_many_bytes"),
        (
            lambda write: [write(b"HTTP/1.1 200 OK\r\n\r\n"), *(write(b"x" * 10_000) for _ in range(1000))],
            "too_many_bytes",
        ),
        (ok(PHOTO, length=len(PHOTO) + 1), "fetch_failed"),
        (ok(PHOTO, "Content-Encoding: gzip"), "fetch_failed"),
        (ok(b"gone", status="404 Not Found"), "fetch_failed"),
        (ok(PHOTO[:9], status="206 Partial Content"), "fetch_failed"),
        (ok(b"", status="302 Found"), "fetch_failed"),
        (redirect("http://[nonsense"), "blocked_url"),
        (lambda write: write(b"SSH-2.0-OpenSSH_9.6\r\n"), "fetch_failed"),
        (lambda write: None, "fetch_failed"),
        (lambda write: write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500_000), "fetch_failed"),
    ],
)
def test_bad_answers(server: PhotoServer, answer: Callable[[object], None], code: str) -> None:
    server.answers["/"] = answer  # type: ignore[assignment]
    assert failure(fetcher_for(server), server, "/").code == code


def test_the_largest_photo_that_the_service_takes_is_the_largest_fetched(server: PhotoServer) -> None:
    assert MOST_BYTES == 20_000_000
    server.answers |= {"/": ok(b"x" * 100_000), "/more": ok(b"x" * 100_001)}
    assert len(fetcher_for(server).fetch(f"http://shop.test:{server.port}/")) == 100_000
    error = failure(fetcher_for(server), server, "/more")
    assert (error.code, "0.1 MB" in error.public_text) == ("too_many_bytes", True)


@pytest.mark.parametrize("place", ["before the head", "in the head", "in the body", "between redirects"])
def test_an_answer_in_drips_ends_with_the_time(server: PhotoServer, place: str) -> None:
    over = threading.Event()

    def drip(write: Callable[[bytes], None]) -> None:
        if place == "between redirects":
            over.wait(0.15)
            redirect("/")(write)
            return
        write({"in the head": b"HTTP/1.1 200 OK\r\nX: ", "in the body": b"HTTP/1.1 200 OK\r\n\r\n"}.get(place, b""))
        while place != "before the head" and not over.wait(0.05):
            write(b"x")
        over.wait(60)

    server.answers["/"] = drip
    start = time.monotonic()
    error = failure(fetcher_for(server, timeout=0.4), server, "/")
    assert (error.code, error.retryable) == ("fetch_failed", True)
    assert 0.3 < time.monotonic() - start < 30.0
    over.set()


def test_a_name_server_that_never_answers_ends_with_the_time(server: PhotoServer) -> None:
    over = threading.Event()

    def silent(host: str, port: int) -> list[str]:
        over.wait(10)
        return [LOOPBACK]

    fetcher = fetcher_for(server, timeout=0.2, resolve=silent)
    for _ in range(6):  # more than there are threads for lookups
        assert failure(fetcher, server, "/").code == "fetch_failed"
    over.set()


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_without_address(server: PhotoServer, error: Exception) -> None:
    def nothing(host: str, port: int) -> list[str]:
        raise error

    assert failure(fetcher_for(server, resolve=nothing), server, "/").code == "fetch_failed"
    assert failure(fetcher_for(server, resolve=lambda host, port: []), server, "/").code == "fetch_failed"


def test_tls_names_and_verifies_the_host_and_not_the_address(tmp_path: Path) -> None:
    server_context, client_context = make_authority(tmp_path, "shop.test")
    names: list[str] = []
    server_context.sni_callback = lambda connection, name, context: names.append(name)  # type: ignore[assignment]
    with serve(tls=server_context) as server:
        server.answers["/a.jpg"] = ok(PHOTO)
        hosts = parse_hosts([f"shop.test:{server.port}", f"other.test:{server.port}"])

        def fetch(host: str, **changed: object) -> bytes:
            options = {"resolve": lambda host, port: [LOOPBACK], "allow": only_loopback, "ssl_context": client_context}
            return Fetcher(hosts, 5.0, **(options | changed)).fetch(f"https://{host}:{server.port}/a.jpg")  # type: ignore[arg-type]

        assert fetch("shop.test") == PHOTO
        for host, changed in (("other.test", {}), ("shop.test", {"ssl_context": None})):
            with pytest.raises(TryonError) as caught:  # another host's certificate; an authority nobody knows
                fetch(host, **changed)
            assert caught.value.code == "fetch_failed"
        assert names == ["shop.test", "other.test", "shop.test"]
        assert len(server.heads) == 1


def test_settings_switch_it_on(server: PhotoServer) -> None:
    with pytest.raises(TryonError, match="switched off"):
        Fetcher.of(load({})).fetch("https://shop.test/a.jpg")
    url = f"http://localhost:{server.port}/"
    fetcher = Fetcher.of(load({"TRYON_REMOTE_HOSTS": f"http://localhost:{server.port}"}))
    with pytest.raises(TryonError, match="public internet"):  # listed, and resolved in earnest
        fetcher.fetch(url)
    assert LOOPBACK in resolve_host("localhost", server.port)
    assert server.connections == 0


def test_threads_share_one(server: PhotoServer) -> None:
    bodies = {f"/{index}": PHOTO + str(index).encode() for index in range(12)}
    server.answers |= {path: ok(body) for path, body in bodies.items()}
    fetcher = fetcher_for(server)
    got: dict[str, bytes] = {}

    def fetch(path: str) -> None:
        got[path] = fetcher.fetch(f"http://shop.test:{server.port}{path}")

    threads = [threading.Thread(target=fetch, args=(path,)) for path in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == bodies


def test_it_loads_no_imaging_library() -> None:
    code = "import tryon_service.fetch.client, sys; print({'cv2', 'PIL', 'torch', 'ai_edge_litert'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
