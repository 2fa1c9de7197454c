"""The widget in a real browser, on the demo shop's pages, against a running service."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chromium import chromium, executable
from open_shop import OpenShop, Visit, open_shop, visit

from tryon_service.analysis import WORKING_SIDES
from tryon_service.client import Client
from tryon_service.errors import TryonError, ZooError
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.shop.drawn import draw_catalogue
from tryon_service.zoo.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

DEADLINE = 30_000
"""Milliseconds that a page gets for anything."""
DESKTOP = {"width": 1280, "height": 900}
PRODUCTS = ("star-tee", "harbour-stripe", "lagoon-tank", "picnic-dress")
"""Of the drawn catalogue: enough for a listing."""

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def networks() -> None:
    """Skips where there are none: nothing could be served."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


@pytest.fixture(scope="session")
def browser(shopper: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium without a window, with the shopper before its camera; skips where there is none."""
    if executable() is None:
        pytest.skip("no browser: Chromium is not on the PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=DEADLINE)
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    film.write_bytes(shopper)
    with chromium(f"--use-file-for-fake-video-capture={film}") as launched:
        yield launched


@pytest.fixture(scope="session")
def shop(networks: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShop]:
    """A shop with some of the drawn catalogue, one for all tests: leave its products and its service as they are."""
    catalogue = draw_catalogue(tmp_path_factory.mktemp("drawn"))
    lines = catalogue.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines[1:] if line.startswith(PRODUCTS)]
    catalogue.write_text("".join([lines[0], *kept]), "utf-8")
    with open_shop(catalogue) as opened:
        analyse_all(opened)
        yield opened


def analyse_all(shop: OpenShop) -> None:
    """In every size that products are worked at, so that the service keeps nothing more of them later."""
    with Client(shop.service_url, shop.key) as client:
        for product, side in itertools.product(shop.products, WORKING_SIDES):
            with contextlib.suppress(TryonError):  # refused: known by now all the same
                client.render(pose="name:standing", product_id=product, width=side, height=side)


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """new_context(**options): a browser without a past, with options as Playwright has them."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
        context.set_default_timeout(DEADLINE)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def open_page(new_context: Callable[..., BrowserContext], shop: OpenShop) -> Iterator[Open]:
    """open_page("/p/star-tee?lang=ru", pose=kept_pose, **options of the context): a visit of the shop, with a pose
    already kept where one is given. In the end no page may have called another origin or broken its policy."""
    made: list[Visit] = []

    def open_(path: str, pose: str = "", **options: object) -> Visit:
        context = new_context(**options)
        if pose:
            context.add_init_script(f"sessionStorage.setItem('tryon:pose', {json.dumps(pose)})")
        made.append(visit(context, path if "://" in path else shop.url + path))
        return made[-1]

    yield open_
    for one in made:
        assert one.foreign(shop.url, shop.service_url, shop.other_url) == []
        assert one.violations == []


@pytest.fixture(scope="session")
def figure() -> Figure:
    """The shopper, with a hand on the hip."""
    return draw_figure("hand_on_hip", OUTFITS["striped_long"], (720, 960), seed=1)


@pytest.fixture(scope="session")
def shopper(figure: Figure) -> bytes:
    """A photo of the shopper, as a JPEG."""
    return encode(figure.photo, "jpeg")


@pytest.fixture(scope="session")
def kept_pose(shop: OpenShop, shopper: bytes) -> str:
    """The shopper's pose as the widget keeps it for the visit."""
    with shop.service.http(shop.key) as http:
        found = http.post("/v1/poses", files={"shopper": shopper}).json()
    return json.dumps({"token": found["pose"], "expires": found["expires_at"], "view": found["view"]})


@pytest.fixture(scope="session")
def real_shopper(photos: Path) -> bytes:
    """A real photo of a shopper; skips where there is none."""
    return (photos / "ccp" / "photos" / "0613.jpg").read_bytes()
