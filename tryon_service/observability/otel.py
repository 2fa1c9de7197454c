"""Spans through OpenTelemetry; loaded only where the otel extra is installed and an endpoint is set."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from tryon_service import __version__
from tryon_service.errors import TryonError
from tryon_service.observability.tracing import Attribute, Span, Trace, Tracer

LONGEST_VALUE = 128
"""Characters of an attribute."""


def otlp_exporter(endpoint: str) -> SpanExporter:
    """Over HTTP; what the collector doesn't take in time is dropped, no call waits for it."""
    return OTLPSpanExporter(endpoint)


class OtelTracer(Tracer):
    """Keeps a trace if its beginning is sampled, which ours are and other people's may not be."""

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        resource = Resource({"service.name": service, "service.version": __version__})
        limits = SpanLimits(max_span_attribute_length=LONGEST_VALUE)
        self._provider = TracerProvider(resource=resource, span_limits=limits)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tryon_service", __version__)

    @contextlib.contextmanager
    def span(self, name: str, parent: Trace | None = None, **attributes: Attribute) -> Iterator[Span]:
        inner = self._tracer.start_span(name, _context(parent))
        span = _OtelSpan(inner)
        try:
            span.set(**attributes)
            yield span
        except BaseException as error:
            inner.set_status(otel.StatusCode.ERROR)
            if isinstance(error, TryonError):
                span.set(code=error.code)
            raise
        finally:
            inner.end()

    def steps(self, parent: Trace, timings_ms: Mapping[str, float]) -> None:
        start = time.time_ns() - _nanoseconds(sum(timings_ms.values()))
        for name, milliseconds in timings_ms.items():
            end = start + _nanoseconds(milliseconds)
            self._tracer.start_span(name, _context(parent), start_time=start).end(end)
            start = end

    def close(self) -> None:
        self._provider.shutdown()


class _OtelSpan(Span):
    def __init__(self, inner: otel.Span) -> None:
        context = inner.get_span_context()
        super().__init__(
            Trace(
                otel.format_trace_id(context.trace_id),
                otel.format_span_id(context.span_id),
                bool(context.trace_flags & otel.TraceFlags.SAMPLED),
            )
        )
        self._inner = inner

    def set(self, **attributes: Attribute) -> None:
        super().set(**attributes)
        self._inner.set_attributes(attributes)


def _context(parent: Trace | None) -> Context:
    """The parent and nothing that happens to be current in this thread."""
    if parent is None:
        return Context()
    flags = otel.TraceFlags(otel.TraceFlags.SAMPLED if parent.sampled else otel.TraceFlags.DEFAULT)
    place = otel.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
    return otel.set_span_in_context(otel.NonRecordingSpan(place), Context())


def _nanoseconds(milliseconds: float) -> int:
    return round(1e6 * milliseconds)
