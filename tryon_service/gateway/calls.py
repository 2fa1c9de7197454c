"""What is noted of every call: an id, its place in a trace, one log line, the metrics.

Neither paths nor query strings nor bodies are, only the route's template.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from apiflask import APIFlask
from flask import Response, g, request

from tryon_service.access.access import Caller
from tryon_service.gateway.auth import caller
from tryon_service.gateway.intake import IntakeRequest
from tryon_service.gateway.services import services
from tryon_service.observability.labels import METHODS, OTHER, known
from tryon_service.observability.logs import bind, log_call, note
from tryon_service.observability.metrics import GatewayMetrics
from tryon_service.observability.scrub import scrub_known
from tryon_service.observability.tracing import KEY, Span, Tracer, parse

EXTENSION = "tryon_calls"
REQUEST_ID = "X-Request-Id"
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A caller's own id is taken over if it looks like one; anything longer or stranger is replaced."""
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes asked every few seconds by machines: counted, not logged."""
SHORTEST_TIMEOUT = 0.05
"""Seconds that the engine is given where a slow upload has eaten up the call's time: enough to be told it is late."""


class Gateway(APIFlask):
    """The application; every call goes through Calls."""

    request_class = IntakeRequest

    def full_dispatch_request(self) -> Response:
        calls = cast(Calls, self.extensions[EXTENSION])
        return calls.observe(super().full_dispatch_request)


@dataclass(frozen=True)
class Calls:
    metrics: GatewayMetrics
    tracer: Tracer

    def observe(self, answer: Callable[[], Response]) -> Response:
        """Answer the current call, and note it."""
        g.started = time.perf_counter()
        g.request_id = request_id()
        route = template()
        method = known(request.method, METHODS)
        self.metrics.started()
        response: Response | None = None
        with (
            self.tracer.span(f"{method} {route}", parse(request.headers.get(KEY)), method=method, route=route) as span,
            bind(request_id=g.request_id, trace_id=span.trace.trace_id, method=method, route=route),
        ):
            g.trace = span.trace
            try:
                response = answer()
                response.headers[REQUEST_ID] = g.request_id
                _add_timing(response)
                return response
            finally:
                self._note(span, method, route, response)

    def _note(self, span: Span, method: str, route: str, response: Response | None) -> None:
        status = 500 if response is None else response.status_code
        verdict = "" if response is None else response.headers.get("Tryon-Verdict", "")
        code = str(g.get("code", ""))
        seconds = time.perf_counter() - g.started
        self.metrics.call(method, route, status, seconds, code)
        found = {name: value for name, value in (("code", code), ("verdict", verdict)) if value}
        span.set(status=status, **found)
        who = cast(Caller | None, g.get("caller"))
        if who is not None:
            note(store=who.store, key_id=who.key_id)
        if route not in QUIET:
            log_call(status=status, ms=1e3 * seconds, **found)


def request_id() -> str:
    """The caller's, if it is sane and no key of ours by mistake, else a new one."""
    given = request.headers.get(REQUEST_ID, "")
    is_id = SANE_ID.fullmatch(given) and scrub_known(given) == given
    return given if is_id else secrets.token_hex(16)


def template() -> str:
    """The route, as "/v1/products/<product_id>", or "other"."""
    return OTHER if request.url_rule is None else request.url_rule.rule


def for_engine() -> dict[str, Any]:
    """What every call of the engine takes: for whom, how long, and as a part of what."""
    left = services().settings.render_timeout - (time.perf_counter() - g.started)
    return {"store": caller().store, "timeout": max(SHORTEST_TIMEOUT, left), "trace": g.trace.header}


def _add_timing(response: Response) -> None:
    """What the whole call took in the gateway, engine included, after the engine's own steps."""
    total = f"total;dur={1e3 * (time.perf_counter() - g.started):.1f}"
    steps = response.headers.get("Server-Timing")
    response.headers["Server-Timing"] = f"{steps}, {total}" if steps else total
