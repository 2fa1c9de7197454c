"""Errors as HTTP answers: RFC 9457 problem documents, made here and nowhere else, from the table of errors.CODES."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from apiflask.exceptions import HTTPError
from flask import Flask, Response, g
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from tryon_service.errors import CODES, RefusedError, TryonError
from tryon_service.types import Reason

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"overloaded": 1, "engine_unavailable": 2, "storage_unavailable": 5, "rate_limited": 10}
"""Seconds after which trying again makes sense: a render takes less than one, a restart of the engine about two."""
LONGEST_WAIT = 30
"""Seconds, for all other calls that may be tried again."""
CODE_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_many_bytes",
    415: "unsupported_media_type",
    429: "rate_limited",
}
"""For what the web framework raises by itself; other client errors are invalid options."""
TELLING = frozenset({401, 403, 415, 429})
"""Status whose descriptions in the framework say more than our own texts."""

logger = logging.getLogger(__name__)


def answer_problems(app: Flask) -> None:
    """Every error that leaves a view or the framework becomes a problem document."""
    app.register_error_handler(TryonError, _of_ours)
    app.register_error_handler(HTTPException, _of_the_framework)
    app.register_error_handler(HTTPError, _of_apiflask)
    app.register_error_handler(ParseException, _of_the_server)
    app.register_error_handler(Exception, _of_nobody)


def document(
    code: str,
    *,
    detail: str = "",
    field: str = "",
    reasons: Iterable[Reason] = (),
    status: int | None = None,
    request_id: str = "",
) -> dict[str, Any]:
    """The problem as JSON values. type is an address of /docs, the same wherever the service runs."""
    entry = CODES[code]
    return {
        "type": f"/docs#{code}",
        "title": entry.text,
        "status": entry.http if status is None else status,
        "detail": detail or entry.text,
        "code": code,
        "field": field,
        "retryable": entry.retryable,
        "reasons": [reason_row(reason) for reason in reasons],
        "request_id": request_id,
    }


def reason_row(reason: Reason) -> dict[str, Any]:
    """As in a report."""
    return {
        "code": reason.code,
        "photo": reason.photo,
        "part": reason.part,
        "value": reason.value,
        "limit": reason.limit,
    }


def headers_of(code: str) -> dict[str, str]:
    """Retry-After where trying again may help."""
    entry = CODES[code]
    if not entry.retryable or entry.http not in (429, 503):
        return {}
    return {"Retry-After": str(RETRY_AFTER.get(code, LONGEST_WAIT))}


def answer(error: TryonError) -> Response:
    reasons = error.reasons if isinstance(error, RefusedError) else ()
    problem = document(error.code, detail=error.detail, field=error.field, reasons=reasons, request_id=_id())
    return _response(problem, {"Tryon-Verdict": "refused"} if reasons else None)


def _of_ours(error: TryonError) -> Response:
    if error.code == "internal":
        logger.error("internal error", exc_info=error)
    elif CODES[error.code].http >= 500:
        logger.warning("%s: %s", error.code, error.detail)
    return answer(error)


def _of_the_framework(error: HTTPException) -> Response | HTTPException:
    status = error.code
    if isinstance(error, RoutingException) or status is None or status < 400:
        return error
    code = CODE_OF_STATUS.get(status, "internal" if status >= 500 else "invalid_option")
    detail = (error.description or "") if status in TELLING or code == "invalid_option" else ""
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return _response(document(code, detail=detail, status=status, request_id=_id()), kept)


def _of_apiflask(error: HTTPError) -> Response:
    """What a schema of ours doesn't turn into an error of ours; there should be none."""
    code = CODE_OF_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "invalid_option")
    return _response(document(code, status=error.status_code, request_id=_id()))


def _of_the_server(_: ParseException) -> Response:
    """gunicorn finds a body's chunks broken only when the body is read."""
    return _response(document("invalid_option", detail="The body's chunks are broken.", request_id=_id()))


def _of_nobody(error: Exception) -> Response:
    """A bug. The caller learns that it is ours and the id to name, the log has the rest."""
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return _response(document("internal", request_id=_id()))


def _response(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    g.code = problem["code"]
    response = Response(json.dumps(problem), status=problem["status"], content_type=MEDIA_TYPE)
    response.headers.update({**headers_of(problem["code"]), **(headers or {}), "Cache-Control": "no-store"})
    return response


def _id() -> str:
    return str(g.get("request_id", ""))
