"""Files for browsers: exactly those of the list, packed where that is taken, open to shops' pages or closed to them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from opened import Opened, opened, problem

from tryon_service.errors import InputError
from tryon_service.gateway.cors import allow_origins
from tryon_service.gateway.routes.pages import FILES, static_pages

SHOP = "https://shop.example"
FLOW = b"export const flow = {};\n" * 50
HASH = hashlib.sha256(FLOW).hexdigest()[:16]


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """All files but admin/admin.js, and one that nobody is to see."""
    for folder, names in FILES.items():
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).write_bytes(FLOW if name == "flow.js" else f"{folder}/{name}".encode())
    (tmp_path / "admin" / "admin.js").unlink()
    (tmp_path / "admin" / "notes.txt").write_text("private")
    return tmp_path


@pytest.fixture
def client(static: Path) -> FlaskClient:
    app = APIFlask(__name__, docs_path=None, static_folder=None)  # type: ignore[arg-type]
    app.register_error_handler(InputError, lambda error: ({"code": error.code}, 404))
    allow_origins(app, (SHOP,))
    app.register_blueprint(static_pages(static))
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/widget/v1/tryon.js", b"widget/v1/tryon.js", "text/javascript"),
        ("/widget/v1/flow.js", FLOW, "text/javascript"),
        ("/admin", b"admin/index.html", "text/html"),
        ("/admin/admin.css", b"admin/admin.css", "text/css"),
        ("/docs", b"docs/index.html", "text/html"),
        ("/docs/docs.js", b"docs/docs.js", "text/javascript"),
    ],
)
def test_each_file_comes_as_what_it_is(client: FlaskClient, path: str, content: bytes, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.data, answer.content_type) == (200, content, f"{kind}; charset=utf-8")
    assert client.head(path).content_length == len(content)


@pytest.mark.parametrize(
    "path",
    ["/admin/admin.js", "/admin/notes.txt", "/admin/", "/admin/../docs/docs.js", "/admin/%2e%2e/docs/docs.js",
     "/admin/..%2fdocs%2fdocs.js", "/widget/v1/", "/widget/v1", "/widget/tryon.js", "/widget/v1/TRYON.JS",
     "/widget/v1/tryon.js.map", "/widget/v1/tryon.js%00", "/widget/v1/docs.js", "/widget/v2/tryon.js"],
)  # fmt: skip
def test_nothing_else_is_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_file_that_was_never_built_is_a_plain_404(client: FlaskClient, tmp_path: Path) -> None:
    answer = client.get("/admin/admin.js")
    assert (answer.status_code, answer.get_json()) == (404, {"code": "not_found"})
    app = APIFlask(__name__, docs_path=None, static_folder=None)  # type: ignore[arg-type]
    app.register_error_handler(InputError, lambda error: ({"code": error.code}, 404))
    app.register_blueprint(static_pages(tmp_path / "none"))
    assert app.test_client().get("/widget/v1/tryon.js").get_json() == {"code": "not_found"}


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip", True), ("gzip, deflate, br, zstd", True), ("br;q=1, gzip;q=0.5", True), ("*", True), (None, False),
     ("", False), ("identity", False), ("gzip;q=0", False), ("gzip;q=0, *", False), ("br", False), ("?;;=,,q", False)],
)  # fmt: skip
def test_packed_for_who_takes_it(client: FlaskClient, accepted: str | None, packed: bool) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = client.get("/widget/v1/flow.js", headers=headers)
    assert answer.headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(answer.data) if packed else answer.data) == FLOW
    assert (len(answer.data) < len(FLOW)) == packed
    assert "Accept-Encoding" in answer.vary


def test_who_has_it_is_told_so(client: FlaskClient) -> None:
    plain = client.get("/widget/v1/tryon.js")
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        again = client.get("/widget/v1/tryon.js", headers={"If-None-Match": plain.headers["ETag"], **headers})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == plain.headers["ETag"]
        assert again.headers["Access-Control-Allow-Origin"] == "*"
        assert again.headers["Cache-Control"] == plain.headers["Cache-Control"]
    other = client.get("/widget/v1/flow.js", headers={"If-None-Match": plain.headers["ETag"]})
    assert other.status_code == 200


def test_a_content_is_kept_for_good_under_its_own_name_only(client: FlaskClient) -> None:
    kept = client.get(f"/widget/v1/flow.js?v={HASH}")
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for query in ("", "?v=", f"?v={HASH[:-1]}", f"?v={'0' * 16}", f"?v={HASH.upper()}x"):
        answer = client.get(f"/widget/v1/flow.js{query}")
        assert answer.data == FLOW
        assert answer.headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"


@pytest.mark.parametrize("origin", [None, SHOP, "https://elsewhere.example", "null"])
def test_any_page_may_load_the_widget_and_none_our_own_pages(client: FlaskClient, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    widget = client.get("/widget/v1/flow.js", headers=headers).headers
    assert widget["Access-Control-Allow-Origin"] == "*", "one answer for all, so that caches hold one"
    assert widget["Cross-Origin-Resource-Policy"] == "cross-origin"
    page = client.get("/admin", headers=headers).headers
    assert page.get("Access-Control-Allow-Origin") != "*"
    assert "Cross-Origin-Resource-Policy" not in page


@pytest.mark.parametrize("path", ["/admin", "/admin/admin.css", "/docs", "/docs/docs.js"])
def test_our_own_pages_load_nothing_from_elsewhere_and_are_framed_by_nobody(client: FlaskClient, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == ["'self'"]
    assert rules["img-src"] == ["'self'", "blob:", "data:"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("pages"), rate_address="1/minute") as made:
        yield made


def test_in_the_gateway_they_are_hardened_counted_and_not_limited(gateway: Opened) -> None:
    for _ in range(3):
        answer = gateway.client.get("/docs/docs.js")
        assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert 'route="/docs/<name>"' in gateway.client.get("/metrics").text
    assert problem(gateway.client.get("/widget/v1/none.js")) == (404, "not_found", "")
    assert problem(gateway.client.post("/admin")) == (405, "method_not_allowed", "")
