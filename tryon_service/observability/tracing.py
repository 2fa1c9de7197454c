"""Follows one call through gateway, engine and steps: W3C trace context always, spans where the otel extra is set up.

    tracer = open_tracer(settings.otlp_endpoint, "tryon-gateway")
    with tracer.span("POST /v1/renders", parse(headers.get("traceparent"))) as span:
        engine.render(..., trace=span.trace.header)
        span.set(status=200)

Without an endpoint no span is made, but every call still has its ids, which the logs carry.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from tryon_service.errors import InputError

KEY = "traceparent"
"""Name of the HTTP header and of the gRPC metadata."""

ATTRIBUTES = frozenset({"method", "route", "rpc", "status", "code", "verdict", "renderer", "device"})
"""All that a span may say; see logs.FIELDS for their meaning. No photo and no id of a shop or a person is among it."""

Attribute = str | int | float | bool

_HEADER = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)
_SAMPLED = 0x01


@dataclass(frozen=True)
class Trace:
    """A place in a trace. trace_id, span_id: 32 and 16 hexadecimal digits, not all zero; sampled: spans are kept."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def new(cls) -> Trace:
        """The beginning of a trace."""
        return cls(_random_id(16), _random_id(8))

    def child(self) -> Trace:
        """A new place below this one."""
        return Trace(self.trace_id, _random_id(8), self.sampled)

    @property
    def header(self) -> str:
        """As a traceparent header."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"


def parse(header: str | None) -> Trace | None:
    """The caller's place, None where the header is absent or not as W3C Trace Context has it; never an error.

    A version later than ours is read as far as we know it.
    """
    found = _HEADER.fullmatch((header or "").strip(" \t"))
    if found is None or (found[1] == "00" and found[5]):
        return None
    return Trace(found[2], found[3], bool(int(found[4], 16) & _SAMPLED))


def to_metadata(trace: Trace) -> tuple[tuple[str, str], ...]:
    """For the metadata of a gRPC call."""
    return ((KEY, trace.header),)


def from_metadata(metadata: Iterable[tuple[str, str | bytes]] | None) -> Trace | None:
    """The caller's place from context.invocation_metadata(), None where there is none."""
    values = [value for key, value in metadata or () if key == KEY and isinstance(value, str)]
    return parse(values[0]) if len(values) == 1 else None


class Span:
    """What is being done now. trace: its place, to be passed on to whoever does a part of it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def set(self, **attributes: Attribute) -> None:
        """Say something about it. Raises ValueError for what is not in ATTRIBUTES."""
        if unknown := attributes.keys() - ATTRIBUTES:
            raise ValueError(f"no such attribute: {', '.join(sorted(unknown))}")


class Tracer:
    """Hands out places and keeps nothing."""

    @contextlib.contextmanager
    def span(
        self,
        name: str,  # noqa: ARG002 - kept by those who keep spans
        parent: Trace | None = None,
        **attributes: Attribute,
    ) -> Iterator[Span]:
        """The block is one span, below the parent or at the beginning of a trace. name: one of few, as a route is.

        An exception leaves the span marked as failed, with a TryonError's code and nothing of its text.
        """
        span = Span(parent.child() if parent else Trace.new())
        span.set(**attributes)
        yield span

    def steps(self, parent: Trace, timings_ms: Mapping[str, float]) -> None:
        """One span for each step of Result.timings_ms, one after the other in that order, the last ending now."""

    def close(self) -> None:
        """Send what waits to be sent."""


def open_tracer(endpoint: str, service: str) -> Tracer:
    """Spans to an OTLP collector over HTTP, or none without an endpoint. Call it after any fork.

    endpoint: URL such as http://collector:4318/v1/traces; service: the name that the spans go under.
    Raises InputError("invalid_option") naming the setting if the otel extra is missing.
    """
    if not endpoint:
        return Tracer()
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise InputError("invalid_option", "Traces need the extra tryon-service[otel].", "TRYON_OTLP_ENDPOINT")
    from tryon_service.observability.otel import OtelTracer, otlp_exporter

    return OtelTracer(service, otlp_exporter(endpoint))


def _random_id(size: int) -> str:
    """size: bytes. All zeros means "no id", so they are drawn again."""
    return next(text for text in iter(lambda: secrets.token_hex(size), "0" * 2 * size))
