"""The shop's side of the widget: one address that gives a page its token.

The page sends the ids of its products and gets a token for these, for the shop's own origin and for some minutes. The
API key stays here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from flask import Blueprint, Response, jsonify, request

from tryon_service.client import Client
from tryon_service.errors import CODES, AccessError, InputError, TryonError, UnavailableError

MOST_PRODUCTS = 400
"""On one page."""
FLOW_USES = 20
"""Of a token, for a shopper who tries a few photos and backgrounds; every link of a listing costs one more."""
LINKS_EACH = 2
"""Of a product: one, and another where the shopper changes the pose."""
NO_STORE = {"Cache-Control": "no-store"}

logger = logging.getLogger(__name__)


def token_endpoint(client: Client, origin: str, products: Collection[str]) -> Blueprint:
    """POST /tryon-token. client: with the shop's API key; origin: of the shop's pages; products: ids that may be asked
    for."""
    backend = Blueprint("backend", __name__)

    @backend.post("/tryon-token")
    def token() -> tuple[Response, dict[str, str]]:
        if request.headers.get("Origin") != origin:
            raise AccessError("forbidden", "Tokens are given to the shop's own pages only.")
        ids = _asked_for(request.get_json(silent=True), products)
        return jsonify(token=_minted(client, origin, ids)), NO_STORE

    @backend.errorhandler(TryonError)
    def failed(error: TryonError) -> tuple[Response, int, dict[str, str]]:
        return jsonify(code=error.code, detail=error.public_text), CODES[error.code].http, NO_STORE

    return backend


def _asked_for(body: object, products: Collection[str]) -> list[str]:
    """Ids that the page may have a token for. Raises InputError("invalid_option" or "unknown_product")."""
    ids = body.get("products") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise InputError("invalid_option", 'Send JSON such as {"products": ["star-tee"]}.', "products")
    if not 1 <= len(ids) <= MOST_PRODUCTS:
        raise InputError("invalid_option", f"From 1 to {MOST_PRODUCTS} products, not {len(ids)}.", "products")
    for index, product_id in enumerate(ids):
        if product_id not in products:
            raise InputError("unknown_product", field=f"products[{index}]")
    return list(dict.fromkeys(ids))


def _minted(client: Client, origin: str, ids: list[str]) -> str:
    """Raises UnavailableError("engine_unavailable"): what is wrong between us and the service is none of the page's."""
    try:
        return client.widget_token(origin, ids, uses=FLOW_USES + LINKS_EACH * len(ids)).token
    except TryonError as error:
        logger.warning("no widget token: %s", error.public_text)
        raise UnavailableError("engine_unavailable", "The try-on can't be had right now.") from error
