"""What is kept for the visit, and that it goes when the shopper says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from open_shop import Visit
from steps import Shopper, expect

pytestmark = pytest.mark.browser

STORES = """async () => ({
  local: localStorage.length,
  databases: (await indexedDB.databases()).length,
  caches: (await caches.keys()).length,
  cookie: document.cookie,
  globals: Object.keys(window).filter((name) => /try|widget|flow|pose/i.test(name)),
})"""
SHOWN = "(images) => images.map((image) => image.currentSrc)"
NOTHING = {"local": 0, "databases": 0, "caches": 0, "cookie": "", "globals": []}


def test_only_the_pose_is_kept_and_forgetting_takes_everything_back(
    open_page: Callable[..., Visit], shopper: bytes
) -> None:
    made = open_page("/p/star-tee")
    one = Shopper(made)
    image = one.card.locator("img").first
    own = image.evaluate("image => image.currentSrc")
    assert one.kept == {}
    one.see_picture(shopper)
    assert set(one.kept) == {"tryon:pose", "tryon:consent"}
    assert set(json.loads(one.kept["tryon:pose"])) == {"token", "expires", "view"}
    assert one.page.evaluate(STORES) == NOTHING
    assert one.page.context.cookies() == []

    one.press("result.forget")
    one.at("consent.title")
    one.sees("result.forgotten")
    assert one.kept == {}
    assert made.details("tryon:forgotten") == [{}]
    one.close()
    expect(image).not_to_have_attribute("src", re.compile("^blob:"))
    assert image.evaluate("image => image.currentSrc") == own
    expect(one.card.locator("[part=label]")).to_be_hidden()
    one.click_card()
    one.at("consent.title")


def test_the_store_can_make_it_forget(open_page: Callable[..., Visit], kept_pose: str) -> None:
    made = open_page("/p/star-tee", kept_pose)
    card = made.page.locator("try-on-card")
    expect(card.locator("img").first).to_have_attribute("src", re.compile("^blob:"))
    card.evaluate("card => card.forget()")
    assert made.page.evaluate("sessionStorage.length") == 0
    pictures = made.page.locator("try-on-card img, img[data-tryon-product]")
    made.until("all photos are the shop's", lambda: not any("blob:" in one for one in pictures.evaluate_all(SHOWN)))
    assert made.details("tryon:forgotten") == [{}]
