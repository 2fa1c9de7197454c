"""A picture of the engine as an HTTP answer, with what is to be said of it in the headers."""

from __future__ import annotations

import re

from flask import Response

from tryon_service.pb import tryon_pb2 as pb

NOT_IN_TOKEN = re.compile(r"[^A-Za-z0-9_.-]+")
"""What a name in a header can't hold."""


def picture_response(rendered: pb.RenderResponse) -> Response:
    """200 with the image and the headers of its report."""
    response = Response(rendered.image, content_type=rendered.content_type)
    add_report_headers(response, rendered.report)
    return response


def add_report_headers(response: Response, report: pb.Report) -> None:
    """Tryon-Verdict, -Reasons (codes), -Product-Used, -Renderer, -Networks (name;sha256=...), Server-Timing (ms)."""
    response.headers["Tryon-Verdict"] = verdict_word(report.verdict)
    if report.reasons:
        response.headers["Tryon-Reasons"] = ", ".join(dict.fromkeys(reason.code for reason in report.reasons))
    if report.HasField("product_used"):
        response.headers["Tryon-Product-Used"] = str(report.product_used)
    response.headers["Tryon-Renderer"] = report.renderer
    if report.networks:
        networks = [f"{NOT_IN_TOKEN.sub('_', network.name)};sha256={network.sha256}" for network in report.networks]
        response.headers["Tryon-Networks"] = ", ".join(networks)
    timings = [f"{NOT_IN_TOKEN.sub('_', name)};dur={ms:.1f}" for name, ms in sorted(report.timings_ms.items())]
    if timings:
        response.headers["Server-Timing"] = ", ".join(timings)


def verdict_word(status: pb.VerdictStatus) -> str:
    """ "accepted", "doubtful" or "refused"."""
    return pb.VerdictStatus.Name(status).removeprefix("VERDICT_STATUS_").lower()
