"""What went wrong, as one of our own errors: problem documents, answers of proxies in between, broken connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tryon_service.client.results import reasons_of
from tryon_service.errors import CODES, InputError, TryonError, UnavailableError
from tryon_service.pb.details import error_of

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "X-Request-Id"
CODE_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_many_bytes",
    415: "unsupported_media_type",
    429: "overloaded",
    502: "engine_unavailable",
    503: "engine_unavailable",
    504: "deadline_exceeded",
}
"""For answers without a code that we know; other client errors are invalid options, other failures internal."""


def error_from(outcome: httpx.Response | httpx.RequestError) -> TryonError | None:
    """None if the call succeeded. The error of an answer has a note with the id of the request."""
    if isinstance(outcome, httpx.RequestError):
        return _broken(outcome)
    if outcome.is_success:
        return None
    error = _redirected(outcome) if outcome.is_redirect else _problem(outcome)
    request_id = outcome.headers.get(REQUEST_ID)
    if request_id:
        error.add_note(f"Request id: {request_id}")
    return error


def unreadable(response: httpx.Response) -> TryonError:
    """For an answer that says it is good and is nothing we know."""
    kind = response.headers.get("Content-Type", "nothing")
    return TryonError("internal", f"The answer ({kind}) is none of this service.")


def _broken(error: httpx.RequestError) -> TryonError:
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return UnavailableError("deadline_exceeded")
    return UnavailableError("engine_unavailable", f"The service can't be reached ({type(error).__name__}).")


def _redirected(response: httpx.Response) -> TryonError:
    detail = "The service answers with a redirection, which isn't followed; give its final address."
    return InputError("invalid_option", detail, "base_url" if response.next_request else "")


def _problem(response: httpx.Response) -> TryonError:
    row = _document(response)
    status = response.status_code
    code, detail = str(row.get("code", "")), str(row.get("detail", ""))
    if code not in CODES:
        known = CODE_OF_STATUS.get(status, "internal" if status >= 500 else "invalid_option")
        code, detail = known, f"{detail} (HTTP {status}{f', code {code}' if code else ''})".strip()
    try:
        reasons = reasons_of(row.get("reasons", ()))
    except (LookupError, TypeError):
        reasons = ()
    # A title that says no more than the code does is no detail.
    detail = "" if detail == CODES[code].text else detail
    return error_of(code, detail, str(row.get("field", "")), tuple(one for one in reasons if one.code in CODES))


def _document(response: httpx.Response) -> Mapping[str, Any]:
    """Empty for anything else than a problem document."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != MEDIA_TYPE:
        return {}
    try:
        row = response.json()
    except ValueError:
        return {}
    return row if isinstance(row, Mapping) else {}
