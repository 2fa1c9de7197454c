"""For those who run the service: is it alive, is it ready, what does it do, and the documents about the API."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, request

from tryon_service.errors import InputError, UnavailableError
from tryon_service.gateway import problems
from tryon_service.gateway.answers import Health
from tryon_service.gateway.calls import Calls
from tryon_service.gateway.readiness import Readiness

DOCS = Path(__file__).parents[1] / "static" / "docs"
DOCS_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
}
DOCS_AGE = 300
"""Seconds that browsers may keep them."""
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # fmt: skip
"""Content-Security-Policy of our own page."""


def ops_routes(calls: Calls, readiness: Readiness) -> APIBlueprint:
    ops = APIBlueprint("ops", __name__, tag="Operation")

    @ops.get("/healthz")
    @ops.output(Health)
    @ops.doc(summary="Is the gateway alive", description="Says nothing of the engine.")
    def healthz() -> tuple[dict[str, str], int, dict[str, str]]:
        return {"status": "alive"}, 200, {"Cache-Control": "no-store"}

    @ops.get("/readyz")
    @ops.output(Health)
    @ops.doc(
        summary="Can pictures be had", description="Not until a picture has been made, nor while the engine hangs."
    )
    def readyz() -> tuple[dict[str, str], int, dict[str, str]] | Response:
        if not readiness.ready():
            return problems.answer(UnavailableError("engine_unavailable"))  # asked often: nothing to be logged
        return {"status": "ready"}, 200, {"Cache-Control": "no-store"}

    @ops.get("/metrics")
    @ops.doc(
        summary="Metrics for Prometheus",
        responses={200: "In the format asked for"},
    )
    def metrics() -> Response:
        body, content_type = calls.metrics.exposition(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)

    @ops.get("/docs")
    @ops.doc(hide=True)
    def docs() -> Response:
        return _docs_file("index.html")

    @ops.get("/docs/<name>")
    @ops.doc(hide=True)
    def docs_file(name: str) -> Response:
        return _docs_file(name)

    return ops


def _docs_file(name: str) -> Response:
    if name not in DOCS_TYPES:
        raise InputError("not_found")
    response = Response((DOCS / name).read_bytes(), content_type=DOCS_TYPES[name])
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = f"max-age={DOCS_AGE}"
    return response
