"""The admin page in a real browser, of a service that has no product yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from admin_page import Keys
from open_shop import Visit, visit
from real_service import ROOT, Service, running

from tryon_service.access.access import KEYS_FILE
from tryon_service.access.keys import KeyStore, Scope
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

TEXTS = ROOT / "tryon_service" / "widget" / "src" / "admin" / "texts" / "en.json"
STORE = "first-hour"
ALL: tuple[Scope, ...] = ("render", "products", "admin")
DEADLINE = 30_000
"""Milliseconds that anything on the page may take."""


@pytest.fixture(scope="module")
def say() -> dict[str, str]:
    texts: dict[str, str] = json.loads(TEXTS.read_text("utf-8"))
    return texts


@pytest.fixture(scope="module")
def service(networks: None, browser: Browser) -> Iterator[Service]:
    """A service without products; no shop is needed for its admin page."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def keys(service: Service) -> Keys:
    """keys("products"): the text of a new key of the store with these scopes, default all."""
    store = KeyStore(service.data / KEYS_FILE)
    return lambda *scopes: store.create(STORE, scopes or ALL)[1]


@pytest.fixture
def http(service: Service, keys: Keys) -> Iterator[httpx.Client]:
    """The service as the shop's own programs see it; the store is empty before and after."""
    with service.http(keys()) as client:
        yield client
        for product in client.get("/v1/products").json()["products"]:
            client.delete(f"/v1/products/{product['id']}")


@pytest.fixture
def admin(new_context: Callable[..., BrowserContext], service: Service) -> Callable[..., Visit]:
    """admin(path="#/new", **options of the context): the page, before any key is given."""
    from playwright.sync_api import expect

    expect.set_options(timeout=DEADLINE)
    return lambda path="", **options: visit(new_context(**options), f"{service.url}/admin{path}")


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """Two photos of a product on a model, one of a garment laid flat, and what is none."""
    flat = np.full((640, 480, 3), 235, np.uint8)
    flat[160:480, 120:360] = (90, 120, 160)
    front, hip = (draw_figure(pose, OUTFITS["print_tee"], (480, 640)).photo for pose in ("standing", "hand_on_hip"))
    photos = {"front.jpg": front, "hip.jpg": hip, "flat.jpg": flat}
    return {"paper.jpg": b"%PDF-1.4 ...", **{name: encode(one, "jpeg") for name, one in photos.items()}}
