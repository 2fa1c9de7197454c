"""Who calls, and may they: read once before each call, demanded by the routes.

    protect(app, access)

    @renders.post("/renders")
    @needs("render")
    def render() -> ...:
        g.caller.store ...

A call shows an API key or a widget token (`Authorization: Bearer ...`), or is a signed link.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from tryon_service.access.access import Access, Caller, Kind
from tryon_service.access.keys import Scope
from tryon_service.access.limits import limit_rates
from tryon_service.access.signing import SIGNATURE
from tryon_service.errors import AccessError, TryonError

EXTENSION = "tryon_access"
SECURITY_SCHEMES = {"Bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a widget token."}}
"""For the OpenAPI document."""
TRY_AGAIN = {429, *range(500, 600)}
"""Status of calls that failed through no fault of the caller: they don't count as a use of a token."""

P = ParamSpec("P")
R = TypeVar("R")


def protect(app: Flask, access: Access) -> None:
    """Identify the caller of every call, limit rates, count usage."""
    app.extensions[EXTENSION] = access
    app.before_request(_identify)
    limit_rates(app, access.limiter)
    app.after_request(_account)


def needs(
    scope: Scope, *, kinds: tuple[Kind, ...] = ("key", "widget"), uses: int = 1
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a view, directly below the route: the call needs the scope, by one of these kinds of caller.

    uses: of a widget token that the call costs; 0 where the view spends them itself. Raises AccessError("unauthorized",
    "invalid_signature", "forbidden" or "token_spent").
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            _known(kinds).require(scope, kinds)
            spend(uses)
            return view(*args, **kwargs)

        return guarded

    return decorate


def spend(uses: int) -> None:
    """Count uses of the caller's widget token; nothing where the caller has none. Raises AccessError("token_spent")."""
    token = caller().token
    if token is None or uses == 0:
        return
    _access().uses.spend(token.id, uses, limit=token.uses, expires=token.expires)
    g.spent = g.get("spent", 0) + uses


def caller() -> Caller:
    """Who makes this call; only in a view that `needs` something."""
    return cast(Caller, g.caller)


def _known(kinds: tuple[Kind, ...]) -> Caller:
    if g.refused_caller is not None:
        raise g.refused_caller
    if g.caller is None:
        unsigned = kinds == ("signed",)
        raise AccessError("invalid_signature" if unsigned else "unauthorized")
    return caller()


def _identify() -> None:
    """Never refuses by itself: rates are counted first, and some routes are open to everybody."""
    g.caller = g.refused_caller = None
    try:
        g.caller = _found()
    except TryonError as error:
        g.refused_caller = error


def _found() -> Caller | None:
    if SIGNATURE in request.args:
        return _access().by_link(request.path, list(request.args.items(multi=True)))
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer":
        raise AccessError("unauthorized", "Send it as 'Authorization: Bearer ...'.")
    return _access().by_text(text.strip(), request.headers.get("Origin"))


def _account(response: Response) -> Response:
    """Count the call for its key, give uses back where nothing came of them, say how to identify."""
    if g.get("caller") is not None and request.endpoint:
        outcome = response.headers.get("Tryon-Verdict") or ("ok" if response.status_code < 400 else "error")
        _access().usage.count(caller().key_id, request.endpoint, outcome)
        token = caller().token
        if token is not None and g.get("spent") and response.status_code in TRY_AGAIN:
            _give_back(token.id, g.spent, token.uses, token.expires)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _give_back(token_id: str, uses: int, limit: int, expires: int) -> None:
    try:
        _access().uses.spend(token_id, -uses, limit=limit, expires=expires)
    except TryonError:
        current_app.logger.warning("uses of a widget token could not be given back")


def _access() -> Access:
    return cast(Access, current_app.extensions[EXTENSION])
