"""The widget in a real browser, on the demo shop's pages, against a running service."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from open_shop import OpenShop, Visit, open_shop, visit

from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.zoo.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""Names under which a browser may be on the PATH."""
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream"]
"""A root user has no sandbox; a camera that shows a test picture stands in for one."""
DEADLINE = 30_000
"""Milliseconds that a page gets for anything."""
DESKTOP = {"width": 1280, "height": 900}

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def networks() -> None:
    """Skips where there are none: nothing could be served."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window; skips where there is none."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUM)} is on the PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=DEADLINE)
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def shop(networks: None, browser: Browser) -> Iterator[OpenShop]:
    """The drawn catalogue's shop, one for all tests: leave its products and its service as they are."""
    with open_shop() as opened:
        yield opened


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
def open_page(new_context: Callable[..., BrowserContext], shop: OpenShop) -> Open:
    """open_page("/p/star-tee?lang=ru", **options of the context): a visit of the shop."""
    return lambda path, **options: visit(new_context(**options), shop.url + path)


@pytest.fixture(scope="session")
def shopper() -> bytes:
    """A shopper's photo: a figure with a hand on the hip, as a JPEG."""
    return encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], (720, 960), seed=1).photo, "jpeg")


@pytest.fixture(scope="session")
def real_shopper(photos: Path) -> bytes:
    """A real photo of a shopper; skips where there is none."""
    return (photos / "ccp" / "photos" / "0613.jpg").read_bytes()
