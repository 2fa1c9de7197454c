"""axe-core finds nothing serious in any state of the pages, in either language, light or dark; lesser issues are
printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from admin_states import admin_states
from flow_states import flow_states
from open_shop import OpenShop, Visit, visit
from real_service import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

AXE = ROOT / "tryon_service" / "widget" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
GRAVE = ("serious", "critical")
LOOKS = [(language, scheme) for language in ("en", "ru") for scheme in ("light", "dark")]

Check = Callable[[Page, str], None] if TYPE_CHECKING else Any


@pytest.fixture(scope="module")
def check() -> Check:
    """check(page, state): raises AssertionError naming what is grave."""
    if not AXE.is_file():
        pytest.skip(f"no axe-core: run npm ci in {AXE.parents[2].relative_to(ROOT)}")
    return lambda page, state: _check(page, state, AXE.read_text("utf-8"))


def _check(page: Page, state: str, axe: str) -> None:
    """The driver's own evaluate works under a strict policy."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe + "; 0")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], f"{state}: nothing was checked"
    told = [_told(state, one) for one in found["violations"]]
    grave = [line for line, one in zip(told, found["violations"], strict=True) if one["impact"] in GRAVE]
    sys.stdout.writelines(f"{line}\n" for line in told)
    assert grave == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{state}: wider than the screen"


def _told(state: str, issue: Mapping[str, Any]) -> str:
    nodes = "; ".join(f"{node['target']} {re.sub(chr(10), ' ', node['failureSummary'])}" for node in issue["nodes"])
    return f"{state}: {issue['impact']} {issue['id']}: {nodes}"


@pytest.fixture
def looking(new_context: Callable[..., BrowserContext]) -> Callable[[str, str], Visit]:
    """looking(url, scheme, **options): a page on which nothing moves, so that no colour is caught half way."""

    def look(url: str, scheme: str, **options: object) -> Visit:
        return visit(new_context(color_scheme=scheme, reduced_motion="reduce", **options), url)

    return look


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_shop_and_flow(
    language: str, scheme: str, looking: Callable[..., Visit], shop: OpenShop, shopper: bytes, check: Check
) -> None:
    made = looking(f"{shop.url}/?lang={language}", scheme, viewport=PHONE)
    check(made.page, "listing")
    made.page.goto(f"{shop.url}/p/{shop.products[0]}?lang={language}")
    check(made.page, "product")
    states = []
    for state in flow_states(made, language, shopper):
        check(made.page, state)
        states.append(state)
    assert states[-1] == "forgotten"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_admin_page(scheme: str, looking: Callable[..., Visit], shop: OpenShop, shopper: bytes, check: Check) -> None:
    """On a desktop in English; test_admin_page has it on a phone in Russian."""
    made = looking(f"{shop.service_url}/admin?lang=en", scheme)
    for state in admin_states(made, "en", shop, shopper):
        check(made.page, state)


def test_something_grave_would_be_found(looking: Callable[..., Visit], shop: OpenShop, check: Check) -> None:
    page = looking(f"{shop.url}/", "light").page
    page.locator("img").first.evaluate("image => image.removeAttribute('alt')")
    with pytest.raises(AssertionError, match="critical image-alt"):
        check(page, "listing")
