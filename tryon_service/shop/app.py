"""The shop's pages: a listing, a page for each product, and the address where the widget gets its tokens.

    app = create_app(Shop(items, folder, "http://127.0.0.1:8000", "http://127.0.0.1:8080"), client)

Pages carry the widget's tag and hold to a strict Content-Security-Policy. `?lang=ru` and `?theme=dark` choose the
language and the look, and stay with the links; `?widget=off` leaves the tag out, to see what a page is without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request, send_from_directory, url_for
from werkzeug.wrappers import Response as BaseResponse

from tryon_service.client import Client
from tryon_service.shop.backend import token_endpoint
from tryon_service.shop.catalogue import Item

LANGUAGES = ("en", "ru")
THEMES = ("light", "dark")
TEXTS: Mapping[str, Mapping[str, str]] = json.loads(Path(__file__).with_name("texts.json").read_text("utf-8"))
"""The words of the pages, by language and key."""
MAX_BODY = 64 << 10
"""Bytes of a call: ids of products."""
PICTURE_AGE = 300
"""Seconds that browsers may keep pictures and styles."""
RELATED = 4
"""Other products below a product."""


@dataclass(frozen=True)
class Shop:
    """items: by id; folder: with their pictures; origin: of the pages, service: of the try-on service, as
    "http://127.0.0.1:8080"."""

    items: Mapping[str, Item]
    folder: Path
    origin: str
    service: str

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of every page."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src {self.service}",
                f"connect-src 'self' {self.service}",
                f"img-src 'self' {self.service} blob:",
                "style-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )

    def related(self, item: Item) -> list[Item]:
        """Those that follow on the shelf, from its beginning again after its end."""
        items = list(self.items.values())
        place = items.index(item)
        return [*items[place + 1 :], *items[:place]][:RELATED]


def create_app(shop: Shop, client: Client) -> Flask:
    """client: of the service, with the shop's API key."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, SEND_FILE_MAX_AGE_DEFAULT=PICTURE_AGE)
    app.before_request(lambda: _at_home(shop))
    app.after_request(lambda response: _guarded(response, shop))
    app.context_processor(lambda: _in_templates(shop))
    app.register_blueprint(token_endpoint(client, shop.origin, {one.id for one in shop.items.values() if one.try_on}))

    @app.get("/")
    def listing() -> str:
        return render_template("listing.html", items=shop.items.values())

    @app.get("/p/<product_id>")
    def product(product_id: str) -> str:
        item = shop.items.get(product_id) or abort(404)
        return render_template("product.html", item=item, related=shop.related(item))

    @app.get("/pictures/<name>")
    def picture(name: str) -> Response:
        return send_from_directory(shop.folder, name)

    @app.errorhandler(404)
    def missing(_: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404

    return app


def _at_home(shop: Shop) -> BaseResponse | None:
    """A page opened under another name, as localhost, goes to the origin that tokens are made for."""
    if request.host == urlsplit(shop.origin).netloc:
        return None
    return redirect(shop.origin + request.full_path.rstrip("?"), 308)


def _guarded(response: Response, shop: Shop) -> Response:
    response.headers["Content-Security-Policy"] = shop.policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _in_templates(shop: Shop) -> dict[str, Any]:
    """What every page knows. to: the address of a view in the same language and look; here: this page in another."""
    chosen: dict[str, Any] = {"lang": _one_of("lang", LANGUAGES), "theme": _one_of("theme", THEMES)}
    kept = {name: value for name, value in chosen.items() if value}
    lang = chosen["lang"] or LANGUAGES[0]
    page, its = request.endpoint or "listing", request.view_args or {}
    return {
        "service": shop.service,
        "lang": lang,
        "theme": chosen["theme"],
        "widget": request.args.get("widget") != "off",
        "text": TEXTS[lang],
        "to": lambda view, **values: url_for(view, **kept, **values),
        "here": lambda **other: url_for(page, **its, **{**kept, **other}),
    }


def _one_of(name: str, known: tuple[str, ...]) -> str:
    """The query's value, "" for an unknown one."""
    value = request.args.get(name, "")
    return value if value in known else ""
