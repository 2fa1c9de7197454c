"""The widget keeps to itself: a strict policy, two cards on a page, events that tell nothing of the shopper."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from open_shop import OpenShop, Visit
from steps import Shopper, expect

pytestmark = pytest.mark.browser

STRICTER = "require-trusted-types-for 'script'; trusted-types 'none'"
NAMES = "Object.getOwnPropertyNames(window)"
OWN = {"noteEvent", "noteViolation", "__playwright__binding__"}
DETAILS = {
    "tryon:ready": {"product"},
    "tryon:opened": set(),
    "tryon:pose": {"expires"},
    "tryon:rendered": {"product", "verdict", "source"},
    "tryon:forgotten": set(),
}


def page_with(shop: OpenShop, *products: str) -> str:
    """The path of a page with a card for each product, under a policy stricter than the shop's."""
    cards = "\n".join(
        f"""<try-on-card product="{product}"><img src="/pictures/{product}-0-480.jpg" alt="{product}" width="300"
  height="400"></try-on-card>"""
        for product in products
    )
    shop.pages["cards"] = f"""<!doctype html><html lang="en"><title>Cards</title>
<link rel="icon" href="/static/icon.svg"><meta http-equiv="Content-Security-Policy" content="{STRICTER}">
<script src="{shop.service_url}/widget/v1/tryon.js" async data-token-url="/tryon-token"></script>
{cards}"""
    return "/own/cards"


def test_two_cards_on_a_page_under_the_strictest_policy(
    shop: OpenShop, open_page: Callable[..., Visit], shopper: bytes
) -> None:
    made = open_page(page_with(shop, "star-tee", "picnic-dress"))
    first, second = Shopper(made, "star-tee"), Shopper(made, "picnic-dress")
    first.see_picture(shopper)
    second.card.evaluate("card => card.open()")
    made.until("two dialogs", lambda: made.page.locator("dialog[open]").count() == 2)
    second.page.keyboard.press("Escape")
    expect(made.page.locator("dialog[open]")).to_have_count(1)
    assert first.card.locator("dialog[open]").count() == 1
    first.close()

    made.until(
        "the second card follows",
        lambda: any(one["product"] == "picnic-dress" for one in made.details("tryon:rendered")),
    )
    for one in (first, second):
        expect(one.card.locator("img").first).to_have_attribute("src", re.compile("^blob:"))
    second.click_card()
    second.at("result.title")
    expect(second.card.locator("dialog")).to_have_count(1)
    flow = [one["product"] for one in made.details("tryon:rendered") if one["source"] == "flow"]
    assert flow[-1] == "picnic-dress"
    assert made.details("tryon:error") == []
    assert made.complaints == []


def test_a_broken_policy_would_be_noticed(shop: OpenShop, open_page: Callable[..., Visit]) -> None:
    made = open_page(page_with(shop))
    made.page.evaluate("document.body.setAttribute('style', 'color: red')")
    made.until("a report", lambda: made.violations)
    assert made.violations == ["style-src-attr inline"]
    made.violations.clear()
    made.requests.append("https://elsewhere.example/pixel.gif")
    assert made.foreign(shop.url, shop.service_url) == [made.requests.pop()]


def test_the_page_s_own_world_stays_as_it_is(shop: OpenShop, open_page: Callable[..., Visit], shopper: bytes) -> None:
    shop.pages["bare"] = "<!doctype html><title>Bare</title>"
    before = set(open_page("/own/bare").page.evaluate(NAMES))
    made = open_page(page_with(shop, "star-tee"))
    one = Shopper(made)
    one.see_picture(shopper)
    pose = json.loads(one.kept["tryon:pose"])["token"]
    one.press("result.forget")
    one.at("consent.title")
    assert set(made.page.evaluate(NAMES)) - before - OWN == set()
    assert made.page.context.cookies() == []

    told = {name for name, _ in made.events}
    assert told == set(DETAILS)
    for name, detail in made.events:
        assert set(detail) == DETAILS[name], name
    spoken = json.dumps(made.events)
    assert pose not in spoken
    assert "tryonw." not in spoken
    headers = [request for request in made.requests if pose in request or "tryonw." in request]
    assert headers == [], "neither pose nor token in the address of a call"
