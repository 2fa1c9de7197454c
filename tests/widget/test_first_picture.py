"""The way of a shopper: a product's page, a photo, the pose, the picture, and then the whole shop in that pose."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from open_shop import OpenShop, Visit
from steps import Shopper, expect

pytestmark = pytest.mark.browser

PRODUCT = "star-tee"


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
    made = open_page(f"/p/{PRODUCT}")
    page = made.page
    one = Shopper(made)
    one.see_picture(request.getfixturevalue(kind))
    one.sees("result.label")
    from_flow = [detail for detail in made.details("tryon:rendered") if detail["source"] == "flow"]
    assert from_flow == [{"product": PRODUCT, "verdict": "accepted", "source": "flow"}]
    assert [set(detail) for detail in made.details("tryon:pose")] == [{"expires"}], "nothing else of the shopper"
    one.close()
    expect(page.locator("try-on-card img").first).to_have_attribute("src", re.compile("^blob:"))

    made.events.clear()
    page.get_by_role("link", name="Fig & Field").first.click()
    page.wait_for_url(f"{shop.url}/")
    shown = [product for product in shop.products if follows(made, product)]
    assert len(shown) >= len(shop.products) / 2
    assert made.details("tryon:error") == []

    assert made.complaints == []
