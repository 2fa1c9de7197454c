"""The form for a new product or new photos: what is told before anything is sent, and what is then kept."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from admin_page import Keys, choose, digests, enter, fill, send, sha256
from open_shop import Visit
from real_service import put_product

pytestmark = pytest.mark.browser


def test_what_is_wrong_stands_where_it_is(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes], say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    page = admin("#/new").page
    enter(page, keys())
    send(page, say)
    expect(page.get_by_label(say["form.id"])).to_be_focused()
    for place in ("id", "photos", "rights", "reference"):
        expect(page.get_by_text(say[f"form.needs.{place}"])).to_be_visible()

    fill(page, say, "two words")
    send(page, say)
    expect(page.get_by_text(say["form.needs.idform"])).to_be_visible()
    fill(page, say, "tee-1")
    choose(page, pictures, "front.jpg", "paper.jpg")
    send(page, say)
    rows = page.locator(".chosen > li")
    expect(rows.nth(1)).to_contain_text(say["reason.unsupported_format"])
    expect(rows.nth(0).locator(".problem")).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text(say["form.wrong"])

    rows.nth(0).get_by_role("button", name=re.compile("Take photo")).click()
    rows.nth(0).get_by_role("button", name=re.compile("Take photo")).click()
    choose(page, pictures, "flat.jpg", "flat.jpg")
    send(page, say)
    for index in (0, 1):
        expect(rows.nth(index)).to_contain_text(say["advice.no_model_in_product"])
    assert http.get("/v1/products").json()["products"] == [], "nothing was kept"

    choose(page, pictures, *["front.jpg"] * 7)
    expect(rows).to_have_count(8)
    expect(page.get_by_text("A product has at most 8 photos; 1 left out.")).to_be_visible()


def test_photos_are_dropped_put_in_order_and_sent_so(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes], say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    page = admin("#/new").page
    enter(page, keys())
    for name in ("front.jpg", "hip.jpg", "flat.jpg"):
        data = page.evaluate_handle(
            """([name, bytes]) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
              return transfer;
            }""",
            [name, list(pictures[name])],
        )
        page.locator(".drop").dispatch_event("drop", {"dataTransfer": data})
    names = page.locator(".filename")
    expect(names).to_have_text([re.compile(one) for one in ("front", "hip", "flat")])
    page.locator(".chosen > li").nth(2).drag_to(page.locator(".chosen > li").nth(0))
    expect(names).to_have_text([re.compile(one) for one in ("flat", "front", "hip")])
    page.get_by_role("button", name="Move photo 3 forward").press("Enter")
    expect(names).to_have_text([re.compile(one) for one in ("flat", "hip", "front")])
    expect(page.get_by_role("button", name="Move photo 2 forward")).to_be_focused()

    page.goto(page.url.replace("#/new", "#/"))  # nothing is lost by looking elsewhere
    page.get_by_role("link", name=say["list.new"]).click()
    fill(page, say, "tee-1")
    send(page, say)
    expect(page.get_by_role("heading", level=1, name="tee-1")).to_be_visible()
    assert digests(http, "tee-1") == [sha256(pictures[name]) for name in ("flat.jpg", "hip.jpg", "front.jpg")]


def test_a_product_is_not_replaced_unasked(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes], say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    put_product(http, "tee-1", pictures["front.jpg"])
    page = admin("#/new").page
    enter(page, keys())
    fill(page, say, "tee-1")
    choose(page, pictures, "hip.jpg")
    send(page, say)
    expect(page.get_by_role("alert")).to_contain_text(say["form.exists"])
    assert digests(http, "tee-1") == [sha256(pictures["front.jpg"])]
    page.get_by_role("button", name=say["form.exists.do"]).click()
    expect(page.get_by_role("heading", level=1, name="tee-1")).to_be_visible()
    assert digests(http, "tee-1") == [sha256(pictures["hip.jpg"])]

    page.get_by_role("link", name=say["product.replace"]).click()
    choose(page, pictures, "front.jpg")
    page.get_by_label(say["form.rights"]).check()
    page.get_by_label(say["form.reference"]).fill("contract 8")
    page.get_by_role("button", name=say["form.send.replace"]).click()
    expect(page.get_by_text("contract 8")).to_be_visible()
    assert digests(http, "tee-1") == [sha256(pictures["front.jpg"])]
