"""An app with callers, limits, CORS and the routes of links; errors are answered as bare JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from fake_engine import FakeEngine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tryon_service.access.access import Access
from tryon_service.errors import CODES, TryonError
from tryon_service.gateway.auth import protect
from tryon_service.gateway.cors import allow_origins
from tryon_service.gateway.routes.links import links
from tryon_service.gateway.services import Services
from tryon_service.settings import Settings

SHOP = "https://shop.example"


@dataclass
class Bench:
    app: APIFlask
    access: Access
    engine: FakeEngine
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def key(self, store: str = "shop", scopes: tuple[str, ...] = ("render",)) -> str:
        """The text of a key of the store; the same one every time."""
        name = f"{store} {scopes}"
        if name not in self.texts:
            self.texts[name] = self.access.keys.create(store, scopes)[1]
        return self.texts[name]

    def headers(self, text: str = "", origin: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {text or self.key()}"} | ({} if origin is None else {"Origin": origin})

    def post(self, path: str, body: Any, text: str = "", origin: str | None = None) -> TestResponse:
        return self.client.post(path, json=body, headers=self.headers(text, origin))

    def token(self, **terms: Any) -> str:
        """A widget token for the origin SHOP."""
        asked = {"origin": SHOP, "all": True, **terms}
        answer = self.post("/v1/widget-tokens", asked if "product_ids" not in terms else {**asked, "all": False})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["token"])


def answer(error: TryonError) -> tuple[dict[str, str], int]:
    return {"code": error.code, "field": error.field, "detail": error.detail}, CODES[error.code].http


@contextmanager
def bench(folder: Path, **settings: Any) -> Iterator[Bench]:
    given = Settings(data=folder, **{"rate_key": "1000/minute", "rate_address": "1000/minute", **settings})
    app = APIFlask(__name__)
    app.register_error_handler(TryonError, answer)
    access, engine = Access.open(given), FakeEngine()
    Services(given, engine, access).install(app)
    protect(app, access)
    allow_origins(app, given.cors_origins)
    app.register_blueprint(links)
    try:
        yield Bench(app, access, engine)
    finally:
        access.close()
