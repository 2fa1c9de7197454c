"""A page's token: expired, spent, renewed by the store, and shown by a page that it wasn't made for."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from open_shop import OpenShop, Visit
from real_service import eventually
from steps import Shopper, expect, token

pytestmark = pytest.mark.browser

PRODUCT = "star-tee"
RENEW = """(token) => document.addEventListener("tryon:token-expired", (event) => {
  event.preventDefault();
  setTimeout(() => { event.target.token = token; }, 100);
});"""


def page_with(shop: OpenShop, token_text: str, more: str = "") -> str:
    """The path of a page whose card has this token; more: attributes of the card."""
    photo = f"{shop.url}/pictures/{PRODUCT}-0-480.jpg"
    shop.pages["token"] = f"""<!doctype html><html lang="en"><title>A token</title>
<script src="{shop.service_url}/widget/v1/tryon.js" async></script>
<try-on-card product="{PRODUCT}" token="{token_text}" {more}><img src="{photo}" alt="Star tee" width="480"
  height="640"></try-on-card>"""
    return "/own/token"


@pytest.fixture(scope="module")
def expired(shop: OpenShop) -> str:
    made = token(shop, ttl=1)

    def refused() -> bool:
        with shop.service.http(made) as http:
            headers = {"Origin": shop.url}
            return http.post("/v1/render-urls", json={"product_ids": [PRODUCT]}, headers=headers).status_code == 401

    eventually("the end of a token of one second", refused)
    return made


def asked(made: Visit) -> int:
    """How often the page asked the store's backend for a token."""
    return sum(url.endswith("/tryon-token") for url in made.requests)


def test_an_expired_token_is_renewed_without_a_word(
    shop: OpenShop, open_page: Callable[..., Visit], expired: str, shopper: bytes
) -> None:
    made = open_page(page_with(shop, expired, 'token-url="/tryon-token"'))
    Shopper(made).see_picture(shopper)
    assert asked(made) == 1
    assert made.details("tryon:error") == []


def test_a_spent_token_is_renewed_without_a_word(
    shop: OpenShop, open_page: Callable[..., Visit], shopper: bytes
) -> None:
    made = open_page(page_with(shop, token(shop, uses=1), 'token-url="/tryon-token"'))
    one = Shopper(made)
    one.open()
    one.find_pose(shopper)
    assert asked(made) == 0
    one.press("pose.use")
    one.at("result.title")
    assert asked(made) == 1


def test_the_store_s_script_may_set_another_token(
    shop: OpenShop, open_page: Callable[..., Visit], expired: str, shopper: bytes
) -> None:
    made = open_page(page_with(shop, expired))
    made.page.evaluate(RENEW, token(shop))
    Shopper(made).see_picture(shopper)
    assert made.details("tryon:token-expired") == [{}]


def test_without_a_way_to_another_the_page_asks_to_be_reloaded(
    shop: OpenShop, open_page: Callable[..., Visit], expired: str, shopper: bytes
) -> None:
    made = open_page(page_with(shop, expired))
    one = Shopper(made)
    one.open()
    one.choose(shopper)
    one.at("failure.expired")
    one.sees("error.token_expired")
    one.sees("failure.kept")
    assert made.details("tryon:token-expired") == [{}]
    assert made.details("tryon:error") == [{"code": "token_expired"}]
    page_with(shop, token(shop))
    with made.page.expect_navigation():
        one.press("failure.reload")
    one.click_card()
    one.at("choose.title")
    one.find_pose(shopper)


def test_a_token_shown_by_another_shop_s_page_opens_nothing(
    shop: OpenShop, open_page: Callable[..., Visit], shopper: bytes
) -> None:
    made = open_page(shop.other_url + page_with(shop, token(shop)))
    one = Shopper(made)
    one.open()
    with made.page.expect_response("**/v1/poses") as waiting:
        one.choose(shopper)
        one.at("failure.title")
    assert waiting.value.status == 403
    one.sees("error.forbidden")
    expect(one.button("failure.retry")).to_have_count(0)
    one.button("dialog.close").last.click()
    expect(one.dialog).to_have_count(0)


def test_a_page_of_an_origin_that_nobody_listed_cannot_call_at_all(
    shop: OpenShop, open_page: Callable[..., Visit], shopper: bytes
) -> None:
    unlisted = f"http://localhost:{urlsplit(shop.other_url).port}"
    made = open_page(unlisted + page_with(shop, token(shop)))
    shop_s, other_s = (sum(url.startswith(f"{one}/") for url in made.requests) for one in (shop.url, unlisted))
    assert (shop_s, other_s) == (1, 1), "the picture and the page"
    made.requests.clear()
    one = Shopper(made)
    one.open()
    one.choose(shopper)
    one.at("failure.offline")
    one.sees("error.offline")
    expect(one.button("failure.retry")).to_be_visible()
    assert "pose" not in "".join(one.kept.keys())
