"""For those who run the service: is it alive, is it ready, what does it do."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from tryon_service.access.redis_client import answers
from tryon_service.errors import UnavailableError
from tryon_service.gateway import problems
from tryon_service.gateway.answers import Health
from tryon_service.gateway.calls import Calls
from tryon_service.gateway.readiness import Readiness
from tryon_service.gateway.services import services


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
        if (redis := services().access.redis) is not None:
            calls.metrics.redis(up=answers(redis))
        body, content_type = calls.metrics.exposition(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)

    return ops
