"""The demo shop and the service behind it, running, and pages of it in a browser that notes down everything it does.

with open_shop() as shop:
    httpx.get(shop.url)
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from tests.real_service import DEADLINE, ROOT, Service, running
from tryon_service.cli.catalogue_files import PhotoReader, read_catalogue
from tryon_service.cli.demo_service import listen
from tryon_service.client import Client
from tryon_service.onboarding.sync import sync
from tryon_service.shop.app import Shop, create_app
from tryon_service.shop.catalogue import parse_shop_catalogue
from tryon_service.shop.drawn import draw_catalogue
from tryon_service.shop.server import serving
from tryon_service.shop.shelf import fill_shelf

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

TEXTS = ROOT / "tryon_service" / "widget" / "src" / "texts"
WITHIN_THE_PAGE = ("blob:", "data:", "about:")
"""Requests that leave no browser."""
EVENTS = ("ready", "opened", "pose", "rendered", "refused", "error", "forgotten", "token-expired")
LISTEN = f"""for (const name of {list(EVENTS)})
  document.addEventListener(`tryon:${{name}}`, (event) => noteEvent(event.type, event.detail ?? {{}}));
document.addEventListener("securitypolicyviolation", (event) =>
  noteViolation(`${{event.violatedDirective}} ${{event.blockedURI}}`));"""


@dataclass(frozen=True)
class OpenShop:
    """url: of the shop; service_url: of the service; key: with all scopes; service: its processes; products: ids of
    those that can be tried on; other_url: another origin whose pages may call the service; pages: HTML of a test's own
    pages by name, at /own/<name> of both."""

    url: str
    service_url: str
    key: str
    service: Service
    products: Sequence[str]
    other_url: str
    pages: dict[str, str]


@contextmanager
def open_shop(catalogue: Path | None = None, **variables: str) -> Iterator[OpenShop]:
    """On free ports, in a folder that goes with it. catalogue: default the drawn one; variables: settings of the
    service."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tryon-shop-")))
        port = stack.enter_context(listen(0, "port"))
        other_port = stack.enter_context(listen(0, "port"))
        origin, other = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (port, other_port))
        service = stack.enter_context(running(TRYON_CORS_ORIGINS=f"{origin},{other}", **variables))
        key = service.key("render,products,admin")
        client = stack.enter_context(Client(service.url, key))
        file = catalogue or draw_catalogue(folder / "drawn")
        cards = read_catalogue(file, parse_shop_catalogue)
        reader = PhotoReader(file.parent, cards.cards)
        synced = list(sync(client, cards, {}, reader))
        items = fill_shelf(cards.cards, synced, reader, folder)
        app = create_app(Shop(items, folder, origin, service.url), client.with_options(timeout=10.0))
        pages: dict[str, str] = {}
        for one, at in ((app, port), (Flask("other"), other_port)):
            one.add_url_rule("/own/<name>", "own", lambda name: pages[name])
            stack.enter_context(serving(one, at))
        products = [one.id for one in items.values() if one.try_on]
        yield OpenShop(origin, service.url, key, service, products, other, pages)


@dataclass
class Visit:
    """A page and what has happened on it and on those it went to.

    requests: URLs, in order; complaints: errors and warnings of the console, and exceptions that nobody caught; events:
    the widget's, with their details.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda one: one.type in ("error", "warning") and self.complaints.append(one.text))
        self.page.expose_function("noteEvent", lambda name, detail: self.events.append((name, detail)))
        self.page.expose_function("noteViolation", lambda one: self.violations.append(one))  # noqa: PLW0108 - the driver marks its handlers
        self.page.add_init_script(LISTEN)

    def details(self, name: str) -> list[dict[str, object]]:
        """Of the events of one name so far."""
        return [detail for other, detail in self.events if other == name]

    def until(self, what: str, true: Callable[[], object], seconds: float = DEADLINE) -> None:
        """Look until something is true, while the page goes on. Raises AssertionError naming it."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; so far {self.events}"
            self.page.wait_for_timeout(50)

    def foreign(self, *origins: str) -> list[str]:
        """Requests to any other place than these origins."""
        known = tuple(f"{origin}/" for origin in origins) + WITHIN_THE_PAGE
        return [url for url in self.requests if not url.startswith(known)]


def words(language: str = "en") -> Mapping[str, str]:
    """What the widget says, by key."""
    texts: Mapping[str, str] = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    return texts


def visit(context: BrowserContext, url: str) -> Visit:
    """Open a page whose requests are noted from the first."""
    made = Visit(context.new_page())
    made.page.goto(url)
    return made
