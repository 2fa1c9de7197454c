"""The way of a shopper: a product's page, a photo, the pose, the picture, and then the whole shop in that pose."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from open_shop import OpenShop, Visit, words

pytestmark = pytest.mark.browser

PRODUCT = "star-tee"


def walk(made: Visit, photo: bytes) -> None:
    """From the product's page to the picture in the dialog."""
    from playwright.sync_api import expect

    page, say = made.page, words()
    page.get_by_role("button", name=say["card.try"]).click()
    expect(page.get_by_role("heading", name=say["consent.title"])).to_be_focused()
    page.get_by_role("button", name=say["consent.agree"]).click()
    expect(page.get_by_role("heading", name=say["choose.title"])).to_be_focused()
    page.locator("input[type=file]").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(page.get_by_role("img", name=say["pose.photo"])).to_be_visible()
    page.get_by_role("button", name=say["pose.use"]).click()
    expect(page.get_by_role("heading", name=say["result.title"])).to_be_focused()
    expect(page.get_by_role("dialog").get_by_text(say["result.label"])).to_be_visible()


def follows(made: Visit, product: str) -> bool:
    """Scroll to the product's picture: whether it is replaced by another, or refused and left as it was."""
    image = made.page.locator(f"img[data-tryon-product='{product}']")
    image.scroll_into_view_if_needed()
    rendered = {"product": product, "verdict": "accepted", "source": "listing"}
    refused = {"product": product}
    made.until(
        f"an answer for {product}",
        lambda: (
            rendered in made.details("tryon:rendered")
            or any(detail | refused == detail for detail in made.details("tryon:refused"))
        ),
    )
    shown = image.evaluate("image => image.decode().then(() => image.currentSrc)")
    assert shown.startswith("blob:") == (rendered in made.details("tryon:rendered"))
    return bool(shown.startswith("blob:"))


@pytest.mark.parametrize("kind", ["shopper", "real_shopper"])
def test_a_photo_becomes_a_picture_and_the_shop_follows(
    kind: str, open_page: Callable[..., Visit], shop: OpenShop, request: pytest.FixtureRequest
) -> None:
    from playwright.sync_api import expect

    made = open_page(f"/p/{PRODUCT}")
    page = made.page
    walk(made, request.getfixturevalue(kind))
    from_flow = [detail for detail in made.details("tryon:rendered") if detail["source"] == "flow"]
    assert from_flow == [{"product": PRODUCT, "verdict": "accepted", "source": "flow"}]
    assert [set(detail) for detail in made.details("tryon:pose")] == [{"expires"}], "nothing else of the shopper"
    page.keyboard.press("Escape")
    expect(page.locator("try-on-card img").first).to_have_attribute("src", re.compile("^blob:"))

    made.events.clear()
    page.get_by_role("link", name="Fig & Field").first.click()
    page.wait_for_url(f"{shop.url}/")
    shown = [product for product in shop.products if follows(made, product)]
    assert len(shown) >= len(shop.products) / 2
    assert made.details("tryon:error") == []

    assert made.foreign(shop.url, shop.service_url) == []
    assert made.complaints == []
