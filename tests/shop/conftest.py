"""A shop without a service: three products, of which one can't be tried on, and a client whose calls are recorded."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from asked_service import ORIGIN, SERVICE, AskedService
from flask.testing import FlaskClient

from tryon_service.client import Client, Retries
from tryon_service.figures import draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.onboarding.sync import Synced
from tryon_service.shop.app import Shop, create_app
from tryon_service.shop.catalogue import parse_shop_catalogue
from tryon_service.shop.shelf import fill_shelf

CATALOGUE = """id,photos,rights_reference,title,title_ru,price,sizes,description
tee,tee.jpg|back.jpg,r,Star <tee>,Звезда,29 €,S|M,Soft.
dress,dress.jpg,r,Dress,,,,
lost,lost.jpg,r,Lost,,,,
"""


@pytest.fixture
def service() -> AskedService:
    return AskedService()


@pytest.fixture
def browser_of_shop(tmp_path: Path, service: AskedService) -> FlaskClient:
    """Calls the shop's pages at its own origin."""
    photo = encode(draw_figure(size=(192, 256)).photo, "jpeg")
    catalogue = parse_shop_catalogue(CATALOGUE.encode(), "catalogue.csv")
    files = {"tee.jpg": photo, "back.jpg": photo, "dress.jpg": photo, "lost.jpg": b"no photo"}
    synced = [Synced(2, "tee", "created"), Synced(3, "dress", "created"), Synced(4, "lost", "failed", ValueError())]
    items = fill_shelf(catalogue.cards, synced, lambda place, _: files[place], tmp_path)
    client = Client(SERVICE, "secret-key", retries=Retries(tries=1), transport=httpx.MockTransport(service))
    app = create_app(Shop(items, tmp_path, ORIGIN, SERVICE), client)
    app.testing = True
    return app.test_client()
