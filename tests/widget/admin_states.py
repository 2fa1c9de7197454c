"""Every state that the admin page can be in, one after the other; see flow_states.

What it puts into the shop's store it takes out again at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tests.real_service import ROOT
from tests.widget.flow_states import nobody
from tests.widget.open_shop import OpenShop, Visit
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTS = ROOT / "tryon_service" / "widget" / "src" / "admin" / "texts"
PRODUCT = "of-the-walk"
LOADED = """(() => {
  const missing = [...document.images].find((img) => !img.complete || img.classList.contains("waiting"));
  missing ? missing.scrollIntoView({ block: "center" }) : scrollTo(0, 0);
  return !missing;
})()"""
"""Pictures are loaded as they come into view, so whoever wants them all has to look at each."""


def admin_states(visit: Visit, language: str, shop: OpenShop, photo: bytes) -> Iterator[str]:
    """From the key to a product's end. photo: of a shopper."""
    say: Mapping[str, str] = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    yield from _at_the_door(visit, say, shop)
    yield from _new_product(visit.page, say)
    yield from _product(visit, say, photo)


def _at_the_door(visit: Visit, say: Mapping[str, str], shop: OpenShop) -> Iterator[str]:
    from playwright.sync_api import expect

    page = visit.page
    yield "key"
    _enter(page, "tryon_0123_nobody")
    expect(page.get_by_role("alert")).to_have_text(say["key.wrong"])
    yield "key-wrong"
    _enter(page, shop.service.key("products"))
    expect(page.locator(".scopes")).to_be_visible()
    yield "key-scopes"
    _enter(page, shop.key)
    expect(page.get_by_role("link", name=say["list.new"])).to_be_visible()
    loaded(visit)
    yield "list"


def _new_product(page: Page, say: Mapping[str, str]) -> Iterator[str]:
    from playwright.sync_api import expect

    page.get_by_role("link", name=say["list.new"]).click()
    expect(page.get_by_role("heading", level=1, name=say["form.title.new"])).to_be_focused()
    yield "new"
    send = page.get_by_role("button", name=say["form.send"])
    send.click()
    expect(page.get_by_text(say["form.needs.photos"])).to_be_visible()
    figure = encode(draw_figure("standing", OUTFITS["print_tee"], (600, 800)).photo, "jpeg")
    photos = {"front.jpg": figure, "paper.jpg": b"%PDF-1.4 ...", "wall.jpg": nobody()}
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in photos.items()]
    page.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    page.get_by_label(say["form.id"]).fill(PRODUCT)
    page.get_by_label(say["form.reference"]).fill("contract 7")
    page.get_by_label(say["form.rights"]).check()
    send.click()
    expect(page.get_by_role("alert")).to_contain_text(say["form.wrong"])
    yield "new-wrong"
    page.get_by_role("button", name=say["form.remove"].replace("{n}", "2")).click()
    send.click()
    expect(page.get_by_role("heading", level=1, name=PRODUCT)).to_be_focused()


def _product(visit: Visit, say: Mapping[str, str], photo: bytes) -> Iterator[str]:
    from playwright.sync_api import expect

    page = visit.page
    expect(page.get_by_role("button", name=say["pose.standing"])).to_be_visible()
    loaded(visit)
    yield "product"
    page.get_by_role("radio", name=say["photos.layers"]).check(force=True)
    expect(page.get_by_text(say["photos.layers.note"])).to_be_visible()
    loaded(visit)
    yield "product-layers"
    page.get_by_role("button", name=say["photos.enlarge"].replace("{n}", "1")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "enlarged"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=say["pose.contrapposto"], exact=True).click()
    expect(page.locator(".pair img")).to_have_count(2)
    loaded(visit)
    page.locator(".account summary").click()
    yield "trial"
    own = page.locator(".choices input[type=file]")
    own.set_input_files([{"name": "wall.jpg", "mimeType": "image/jpeg", "buffer": nobody()}])
    expect(page.get_by_text(say["trial.nopicture"])).to_be_visible()
    loaded(visit)
    yield "trial-refused"
    own.set_input_files([{"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo}])
    expect(page.get_by_text(say["trial.after.own"])).to_be_visible()
    loaded(visit)
    yield "trial-own"
    page.get_by_role("button", name=say["product.delete"]).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "delete"
    page.get_by_role("dialog").get_by_role("button", name=say["remove.do"]).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def loaded(visit: Visit) -> None:
    """Wait until every picture is there. Not by the driver's own waiting, which the page's policy forbids."""
    visit.until("every picture", lambda: visit.page.evaluate(LOADED))


def _enter(page: Page, key: str) -> None:
    page.locator("input[type=password]").fill(key)
    page.keyboard.press("Enter")
