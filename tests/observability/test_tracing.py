"""Trace context as W3C writes it, through gRPC, and spans with and without OpenTelemetry."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tryon_service.errors import InputError
from tryon_service.observability import tracing
from tryon_service.observability.tracing import KEY, Trace, Tracer, from_metadata, open_tracer, parse, to_metadata

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TIMINGS = {"decode": 4.0, "perceive_shopper": 100.0, "render": 50.0}


@pytest.mark.parametrize(
    ("header", "means"),
    [
        (f"00-{TRACE}-{SPAN}-01", Trace(TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-00", Trace(TRACE, SPAN, sampled=False)),
        (f"00-{TRACE}-{SPAN}-03", Trace(TRACE, SPAN)),
        (f"  00-{TRACE}-{SPAN}-01\t", Trace(TRACE, SPAN)),
        (f"cc-{TRACE}-{SPAN}-01", Trace(TRACE, SPAN)),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", Trace(TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"cc-{TRACE}-{SPAN}-01.more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE[1:]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"00-{TRACE}-{SPAN}-0x", None),
        (f"00-{TRACE}-{SPAN}-01\n", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"0{TRACE}", None),
        ("", None),
        (None, None),
    ],
)
def test_the_header_as_the_standard_has_it(header: str | None, means: Trace | None) -> None:
    assert parse(header) == means


def test_what_is_made_can_be_read() -> None:
    made = Trace.new()
    assert parse(made.header) == made
    assert parse(Trace(TRACE, SPAN, sampled=False).header) == Trace(TRACE, SPAN, sampled=False)
    child = made.child()
    assert (child.trace_id, child.span_id != made.span_id) == (made.trace_id, True)
    assert len({Trace.new().trace_id for _ in range(100)}) == 100


def test_it_travels_in_the_metadata_of_a_real_call() -> None:
    seen: list[Trace | None] = []

    class Echo(grpc.GenericRpcHandler):
        def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            seen.append(from_metadata(call.invocation_metadata))
            return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/x/Y")
        call(b"", timeout=60, metadata=to_metadata(Trace(TRACE, SPAN)))
        call(b"", timeout=60)
        call(b"", timeout=60, metadata=((KEY, "nonsense"),))
    server.stop(None).wait()
    assert seen == [Trace(TRACE, SPAN), None, None]
    assert from_metadata(None) is None
    assert from_metadata(to_metadata(Trace(TRACE, SPAN)) * 2) is None


def test_without_an_endpoint_there_are_ids_and_no_spans() -> None:
    tracer = open_tracer("", "tryon-gateway")
    assert type(tracer) is Tracer
    with tracer.span("call", Trace(TRACE, SPAN, sampled=False), method="POST") as span:
        span.set(status=200)
        assert (span.trace.trace_id, span.trace.sampled) == (TRACE, False)
        assert span.trace.span_id != SPAN
    with tracer.span("call") as begun:
        assert parse(begun.trace.header) == begun.trace
    with pytest.raises(KeyError), tracer.span("call"):
        raise KeyError("passes through")
    tracer.steps(span.trace, TIMINGS)
    tracer.close()
    with pytest.raises(ValueError, match="shopper"):
        span.set(shopper="photo")


def test_an_endpoint_without_the_extra_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> importlib.machinery.ModuleSpec | None:
        return None

    monkeypatch.setattr(tracing, "find_spec", find)
    with pytest.raises(InputError, match=r"tryon-service\[otel\]") as caught:
        open_tracer("http://127.0.0.1:4318/v1/traces", "tryon-gateway")
    assert (caught.value.code, caught.value.field) == ("invalid_option", "TRYON_OTLP_ENDPOINT")


def test_nothing_of_opentelemetry_is_loaded_before_it_is_wanted() -> None:
    code = (
        "import sys; from tryon_service.observability.tracing import open_tracer; open_tracer('', 'x')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def kept():
    """(a tracer, the exporter that keeps its spans)"""
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="no otel extra")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="no otel extra")
    from tryon_service.observability.otel import OtelTracer

    exporter = export.InMemorySpanExporter()
    return OtelTracer("tryon-engine", exporter), exporter


def test_spans_hang_together_from_the_caller_to_the_steps() -> None:
    tracer, exporter = kept()
    with (
        tracer.span("gateway", Trace(TRACE, SPAN), method="POST", route="/v1/renders") as outer,
        tracer.span("engine", parse(outer.trace.header), rpc="Render") as inner,
    ):
        tracer.steps(inner.trace, TIMINGS)
        outer.set(status=200, verdict="accepted")
    tracer.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"gateway", "engine", *TIMINGS}
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {TRACE}
    assert f"{spans['gateway'].parent.span_id:016x}" == SPAN
    assert spans["engine"].parent.span_id == int(outer.trace.span_id, 16)
    assert {spans[name].parent.span_id for name in TIMINGS} == {int(inner.trace.span_id, 16)}
    assert dict(spans["gateway"].attributes) == {
        "method": "POST",
        "route": "/v1/renders",
        "status": 200,
        "verdict": "accepted",
    }
    took = [(spans[name].end_time - spans[name].start_time) / 1e6 for name in TIMINGS]
    assert took == pytest.approx(list(TIMINGS.values()))
    assert spans["decode"].end_time == spans["perceive_shopper"].start_time
    assert abs(spans["render"].end_time - time.time_ns()) < 60e9


def test_a_failure_is_marked_with_its_code_and_without_its_text() -> None:
    tracer, exporter = kept()
    with pytest.raises(InputError), tracer.span("call"):
        raise InputError("invalid_pose", "SECRET", "pose")
    with pytest.raises(ValueError, match="SECRET"), tracer.span("call"):
        raise ValueError("SECRET")
    with pytest.raises(ValueError, match="no such attribute"), tracer.span("call", store="s1"):
        pass
    tracer.close()
    ours, theirs, wrong = exporter.get_finished_spans()
    assert [span.status.status_code.name for span in (ours, theirs, wrong)] == ["ERROR"] * 3
    assert dict(ours.attributes) == {"code": "invalid_pose"}
    assert not any("SECRET" in span.to_json() for span in (ours, theirs, wrong))


def test_what_the_caller_does_not_sample_is_not_kept() -> None:
    tracer, exporter = kept()
    with tracer.span("call", Trace(TRACE, SPAN, sampled=False)) as span:
        assert (span.trace.trace_id, span.trace.sampled) == (TRACE, False)
    with tracer.span("ours") as begun:
        assert begun.trace.sampled
    tracer.close()
    assert [span.name for span in exporter.get_finished_spans()] == ["ours"]


def test_the_real_exporter_sends_to_the_endpoint() -> None:
    import http.server
    import threading

    kept()
    bodies: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        tracer = open_tracer(f"http://127.0.0.1:{server.server_port}/v1/traces", "tryon-gateway")
        with tracer.span("POST /v1/renders"):
            pass
        tracer.close()
        server.shutdown()
        thread.join()
    assert [path for path, _ in bodies] == ["/v1/traces"]
