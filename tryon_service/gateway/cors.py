"""Which pages of other origins may call the API from a browser: exactly those that the settings list.

What a view opens to everybody, as the widget's files are, stays as the view has it.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, request

ALLOWED_HEADERS = "Authorization, Content-Type, Traceparent, X-Request-Id"
EXPOSED_HEADERS = (
    "ETag, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Tryon-Networks, Tryon-Product-Used, Tryon-Reasons, "
    "Tryon-Renderer, Tryon-Verdict, X-Request-Id"
)
PREFLIGHT_AGE = 600
"""Seconds that a browser may remember the permission."""


def allow_origins(app: Flask, origins: Collection[str]) -> None:
    """origins: as browsers send them, "https://shop.example"; compared whole, never as a pattern, and never with
    cookies."""
    allowed = frozenset(origins)

    @app.after_request
    def answer(response: Response) -> Response:
        if not allowed or "Access-Control-Allow-Origin" in response.headers:
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin not in allowed:
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(response.allow))
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE)
        return response
