"""A gateway with an engine that draws, keys for a store, and forms to send."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drawn_engine import DrawnEngine, picture
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tryon_service.access.access import Access
from tryon_service.gateway.app import create_app
from tryon_service.gateway.calls import Gateway
from tryon_service.settings import Settings

JPEG, PNG = picture("jpeg"), picture("png")
SCOPES = ("admin", "products", "render")


@dataclass
class Opened:
    app: Gateway
    access: Access
    engine: DrawnEngine
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def key(self, store: str = "shop") -> str:
        if store not in self.keys:
            self.keys[store] = self.access.keys.create(store, SCOPES)[1]
        return self.keys[store]

    def call(self, method: str, path: str, store: str = "shop", **options: Any) -> TestResponse:
        """With the store's key."""
        headers = {"Authorization": f"Bearer {self.key(store)}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def form(self, method: str, path: str, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        """A multipart form: bytes become files, lists repeat the field."""
        return self.call(method, path, data=parts(fields), content_type="multipart/form-data", headers=headers or {})

    def render(self, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        given = {"pose": "name:standing", "product": JPEG, **fields}
        return self.form("POST", "/v1/renders", headers, **{name: value for name, value in given.items() if value})

    def put(self, product_id: str, **fields: Any) -> TestResponse:
        given = {"photos": JPEG, "rights_confirmed": "true", "rights_reference": "contract 7", **fields}
        return self.form("PUT", f"/v1/products/{product_id}", **{k: v for k, v in given.items() if v is not None})


def parts(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: [one(value) for value in (given if isinstance(given, list) else [given])]
            for name, given in fields.items()}  # fmt: skip


def one(value: object) -> object:
    return (io.BytesIO(value), "photo") if isinstance(value, bytes) else value


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[Opened]:
    given = Settings(data=folder, **{"rate_key": "9999/minute", "rate_address": "9999/minute", **settings})
    access, engine = Access.open(given), DrawnEngine()
    try:
        yield Opened(create_app(given, engine, access), access, engine)
    finally:
        access.close()


def problem(answer: TestResponse) -> tuple[int, str, str]:
    """(status, code, field) of an answer that must be a whole problem document."""
    assert answer.content_type == "application/problem+json", (answer.status, answer.data[:200])
    body = answer.get_json()
    names = {"type", "title", "status", "detail", "code", "field", "retryable", "reasons", "request_id"}
    assert set(body) == names
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body["detail"]
    assert body["title"]
    return answer.status_code, body["code"], body["field"]
