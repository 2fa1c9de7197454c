"""Every error is one kind of document; every call has an id and a place in a trace; the gateway stays thin."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import JPEG, Opened, opened, problem

from tryon_service.errors import CODES
from tryon_service.gateway import problems
from tryon_service.gateway.openapi import PROBLEM
from tryon_service.gateway.problems import document
from tryon_service.observability.logs import JsonFormatter


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/v1/renders/", "/v1//renders", "/v2/renders", "/static/x", "/v1/products/a/b"])
def test_nothing_there_is_a_problem_too(gateway: Opened, path: str) -> None:
    assert problem(gateway.call("GET", path)) == (404, "not_found", "")


@pytest.mark.parametrize("path", ["//metrics", "///healthz", "//v1/products"])
def test_two_slashes_are_no_way_round_a_proxy(gateway: Opened, path: str) -> None:
    assert problem(gateway.call("GET", "/", environ_overrides={"PATH_INFO": path})) == (404, "not_found", "")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/renders"), ("POST", "/v1/products/a"), ("TRACE", "/docs")])
def test_a_wrong_method_is_told_the_right_ones(gateway: Opened, method: str, path: str) -> None:
    answer = gateway.call(method, path)
    assert problem(answer) == (405, "method_not_allowed", "")
    assert "OPTIONS" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/renders", b"{}", "application/json"),
        ("/v1/renders", b"a=b", "application/x-www-form-urlencoded"),
        ("/v1/poses", JPEG, "image/jpeg"),
        ("/v1/poses", b"", None),
        ("/v1/render-urls", b"a=b", "application/x-www-form-urlencoded"),
        ("/v1/widget-tokens", b"{}", "text/plain"),
    ],
)
def test_a_body_of_another_kind_is_415(gateway: Opened, path: str, body: bytes, kind: str | None) -> None:
    assert problem(gateway.call("POST", path, data=body, content_type=kind)) == (415, "unsupported_media_type", "")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"nul", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_broken_json_is_400(gateway: Opened, body: bytes) -> None:
    answer = gateway.call("POST", "/v1/widget-tokens", data=body, content_type="application/json")
    assert problem(answer)[0] == 400


def test_large_json_is_413(gateway: Opened) -> None:
    answer = gateway.call("POST", "/v1/render-urls", data=b" " * 1_000_001, content_type="application/json")
    assert problem(answer)[:2] == (413, "too_many_bytes")


def test_without_a_key_it_is_401_whatever_else_is_wrong(gateway: Opened) -> None:
    for path in ("/v1/renders", "/v1/poses"):
        answer = gateway.client.post(path, data={"x": (io.BytesIO(b"y"), "y")})
        assert problem(answer) == (401, "unauthorized", "")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert problem(gateway.client.get("/v1/products/a"))[0] == 401


def test_a_bug_of_ours_is_told_as_such_and_logged_with_its_id(
    gateway: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.engine.failure = KeyError("private words")
    answer = gateway.call("GET", "/v1/products/a", headers={"X-Request-Id": "abc-1"})
    assert problem(answer) == (500, "internal", "")
    assert b"private" not in answer.data
    assert any(record.name == problems.__name__ and record.exc_info for record in caplog.records)
    assert answer.headers["X-Request-Id"] == "abc-1"


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 65, "ä", "a/b", "-a", "<script>", f"tryon_k1_{'x' * 43}"])
def test_a_strange_request_id_is_replaced(gateway: Opened, given: str) -> None:
    sent = {"X-Request-Id": given.encode("utf-8").decode("latin-1")}
    made = gateway.client.get("/healthz", headers=sent).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32


def test_a_trace_goes_on_to_the_engine(gateway: Opened) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    gateway.call("GET", "/v1/products", headers={"traceparent": parent})
    trace = gateway.engine.calls[-1][4]
    assert trace.split("-")[1] == parent.split("-")[1]
    assert trace.split("-")[2] != parent.split("-")[2]
    gateway.call("GET", "/v1/products", headers={"traceparent": "nonsense"})
    assert gateway.engine.calls[-1][4].split("-")[1] != parent.split("-")[1]


def test_one_line_is_logged_of_each_call_and_no_query(gateway: Opened, caplog: pytest.LogCaptureFixture) -> None:
    lines = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    log = logging.getLogger("tryon_service.calls")
    keep = Keep()
    log.addHandler(keep)
    caplog.set_level(logging.INFO, log.name)
    try:
        gateway.call("GET", "/v1/products/my-secret-shirt?x=hidden", headers={"X-Request-Id": "r1"})
    finally:
        log.removeHandler(keep)
    (line,) = lines
    entry = json.loads(line)
    assert (entry["request_id"], entry["route"], entry["status"], entry["store"]) == (
        "r1", "/v1/products/<product_id>", 404, "shop",
    )  # fmt: skip
    assert entry["code"] == "unknown_product"
    assert "secret" not in line
    assert "hidden" not in line


def test_every_code_makes_a_whole_document() -> None:
    for code, entry in CODES.items():
        made = document(code, request_id="r")
        assert set(made) == set(PROBLEM["properties"])
        assert (made["status"], made["title"], made["type"]) == (entry.http, entry.text, f"/docs#{code}")


def test_limits_of_rate_are_problems(tmp_path: Path) -> None:
    with opened(tmp_path, rate_key="2/minute") as gateway:
        answers = [gateway.call("GET", "/v1/products") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert problem(answers[-1])[1] == "rate_limited"
        assert int(answers[-1].headers["Retry-After"]) >= 1


def test_health_readiness_and_metrics(gateway: Opened) -> None:
    assert gateway.client.get("/healthz").get_json() == {"status": "alive"}
    assert gateway.client.get("/readyz").get_json() == {"status": "ready"}
    gateway.render()
    text = gateway.client.get("/metrics").text
    assert 'tryon_http_requests_total{method="POST",route="/v1/renders",status="2xx"} 1.0' in text


def test_not_ready_while_the_engine_does_not_serve(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        gateway.engine.serving = False
        answer = gateway.client.get("/readyz")
        assert problem(answer) == (503, "engine_unavailable", "")
        assert answer.headers["Retry-After"] == "2"
        assert gateway.client.get("/healthz").status_code == 200


def test_behind_proxies_the_caller_is_who_they_say(tmp_path: Path) -> None:
    with opened(tmp_path, trusted_proxies=1, rate_address="1/minute") as gateway:
        for address in ("203.0.113.1", "203.0.113.2"):
            answer = gateway.call("GET", "/v1/products", headers={"X-Forwarded-For": f"10.9.9.9, {address}"})
            assert answer.status_code == 200
        assert gateway.call("GET", "/v1/products", headers={"X-Forwarded-For": "203.0.113.2"}).status_code == 429


def test_the_gateway_loads_nothing_that_decodes_or_computes() -> None:
    heavy = ("cv2", "ai_edge_litert", "onnxruntime", "torch", "PIL", "tryon_service.pipeline")
    code = (
        "import tryon_service.gateway.app, tryon_service.gateway.wsgi, tryon_service.gateway.worker\n"
        "import tryon_service.engine_client, sys\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
