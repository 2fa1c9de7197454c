"""A shop owner's first hour on /admin: the key, a product's photos, what is found in them, a try, the tag, the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest
from admin_page import Keys, choose, enter, expect_shown, fill, send
from open_shop import Visit
from real_service import ROOT, Service, put_product

from tryon_service.access.access import KEYS_FILE
from tryon_service.access.keys import KeyStore

pytestmark = pytest.mark.browser

AXE = ROOT / "tryon_service" / "widget" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 320, "height": 640}
FAILED_CALL = "Failed to load resource"
"""What the console says of every answer of 400 and above, expected or not."""


def test_only_a_key_with_all_scopes_opens_the_page_and_only_the_box_keeps_it(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    page = admin().page
    answer = page.get_by_role("alert")
    for text, words in (
        ("", say["key.empty"]),
        ("tryon_0123_nobody", say["key.wrong"]),
        ("ключ", say["key.wrong"]),
        ("tryonw_abc", say["key.widget"]),
    ):
        enter(page, text)
        expect(answer).to_have_text(words)
        expect(page.get_by_label(say["key.label"])).to_be_focused()

    enter(page, keys("products"))
    scopes = page.get_by_role("list", name=say["key.scopes"]).get_by_role("listitem")
    expect(scopes.filter(has_text=say["key.lacks"])).to_have_text([re.compile("render"), re.compile("admin")])
    expect(scopes.filter(has_text=say["key.has"])).to_have_text([re.compile("products")])

    enter(page, keys())
    expect(page.get_by_role("heading", name=say["list.empty.title"])).to_be_visible()
    page.reload()
    page.get_by_label(say["key.keep"]).check()
    enter(page, keys())
    expect(page.get_by_role("heading", name=say["list.empty.title"])).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=say["list.empty.title"])).to_be_visible()
    page.get_by_role("button", name=say["app.forget"]).click()
    page.reload()
    expect(page.get_by_role("heading", name=say["key.title"])).to_be_visible()
    assert "tryon_" not in json.dumps(page.evaluate("[{...sessionStorage}, {...localStorage}, document.cookie]"))


def test_the_first_hour(
    admin: Callable[..., Visit],
    keys: Keys,
    http: httpx.Client,
    service: Service,
    pictures: dict[str, bytes],
    say: dict[str, str],
) -> None:
    from playwright.sync_api import expect

    made = admin(permissions=["clipboard-read", "clipboard-write"])
    page = made.page
    enter(page, keys())
    page.get_by_role("link", name=say["list.new"]).click()
    choose(page, pictures, "front.jpg", "flat.jpg")
    page.get_by_label(say["form.view.of"].replace("{n}", "1")).select_option("back")
    fill(page, say, "tee-1")
    send(page, say)

    expect(page.get_by_role("heading", level=1, name="tee-1")).to_be_focused()
    expect(page.locator(".photos > li")).to_have_count(2)
    first, second = page.locator(".photos > li").all()
    expect(first).to_contain_text(say["photos.usable"])
    expect(first).to_contain_text("front; you said back")
    expect(first).to_contain_text("480 × 640 px")
    expect(second).to_contain_text(say["photos.unusable"])
    expect(second).to_contain_text(say["reason.no_model_in_product"] + say["advice.no_model_in_product"])
    seen = set()
    for kind in ("photo", "pose", "parsing", "layers"):
        page.get_by_role("radio", name=say[f"photos.{kind}"]).check()
        expect(page.get_by_text(say[f"photos.{kind}.note"])).to_be_visible()
        alt = say[f"photos.alt.{kind}"].replace("{n}", "1").replace("{id}", "tee-1")
        expect(first.locator("img")).to_have_attribute("alt", alt)
        expect_shown(first.locator("img"))
        seen.add(first.locator("img").get_attribute("src"))
    assert len(seen) == 4
    expect(second).to_contain_text(say["photos.nodrawing"])

    page.get_by_role("button", name=say["pose.contrapposto"]).click()
    account = page.locator(".account")
    parts = {"pose": (None, "name:contrapposto"), "product_id": (None, "tee-1")}
    report = http.post("/v1/renders", files=parts, headers={"Accept": "application/json"}).json()["report"]
    expect(account).to_contain_text(say[f"trial.{report['verdict']}.note"])
    expect(account.locator(".bars b").first).to_have_text(str(int(100 * report["scores"]["quality"])))
    for picture in page.locator(".pair img").all():
        expect_shown(picture)
    choose_own = page.locator(".choices input[type=file]")
    choose_own.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": pictures["flat.jpg"]})
    expect(account).to_contain_text(say["trial.refused.note"])
    expect(account).to_contain_text(say["reason.no_person"] + say["own.no_person"])
    choose_own.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": pictures["hip.jpg"]})
    expect(page.get_by_text(say["trial.after.own"])).to_be_visible()
    expect_shown(page.locator(".pair img").last)

    page.get_by_label(say["tag.origin"]).fill("https://my.shop")
    page.keyboard.press("Tab")
    page.get_by_role("button", name=say["copy.label"].replace("{what}", say["tag.page"])).click()
    tag = page.evaluate("navigator.clipboard.readText()")
    assert f'<script src="{service.url}/widget/v1/tryon.js"' in tag
    assert '<try-on-card product="tee-1">' in tag
    expect(page.locator(".lines")).to_contain_text("TRYON_CORS_ORIGINS=https://my.shop")

    page.get_by_role("button", name=say["product.delete"]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=say["app.cancel"])).to_be_focused()
    page.keyboard.press("Escape")
    assert http.get("/v1/products/tee-1").status_code == 200
    page.get_by_role("button", name=say["product.delete"]).click()
    dialog.get_by_role("button", name=say["remove.do"]).click()
    expect(page.get_by_role("heading", name=say["list.empty.title"])).to_be_visible()
    assert http.get("/v1/products/tee-1").status_code == 404
    assert made.foreign(service.url) == []
    assert [one for one in made.complaints if FAILED_CALL not in one] == []


def test_by_keyboard_alone(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes], say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    put_product(http, "tee-1", pictures["front.jpg"])
    page = admin().page
    focused = page.locator(":focus")

    def tab_to(words: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if words in (focused.get_attribute("aria-label") or "") + (focused.text_content() or ""):
                return
        raise AssertionError(f"no way to {words!r} by Tab")

    page.keyboard.insert_text(keys())
    page.keyboard.press("Enter")
    expect(page.locator(".grid")).to_be_visible()
    tab_to("tee-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="tee-1")).to_be_focused()
    expect(page.locator(".photos")).to_be_visible()
    tab_to(say["product.delete"])
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name=say["photos.pose"])).to_be_checked()
    tab_to(say["photos.enlarge"].replace("{n}", "1"))
    expect_shown(page.locator(".photos img"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name=say["app.close"])).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=say["photos.enlarge"].replace("{n}", "1"))).to_be_focused()
    expect(page.get_by_role("button", name=say["pose.standing"])).to_be_visible()
    tab_to(say["pose.standing"])
    page.keyboard.press("Enter")
    expect_shown(page.locator(".pair img").last)
    page.keyboard.press("Home")
    page.go_back()
    expect(page.get_by_role("heading", level=1, name=say["app.products"])).to_be_focused()


def test_a_long_list_comes_in_pages_and_can_be_searched(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes], say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    for product in ("cap", "dress", "tee-1", "tee-2"):
        put_product(http, product, pictures["front.jpg"], *([pictures["flat.jpg"]] if product == "dress" else []))
    page = admin().page
    page.route("**/v1/products?page_size=60*", lambda route: route.continue_(url=route.request.url.replace("60", "2")))
    enter(page, keys())
    cards = page.locator(".grid > li:visible")
    expect(cards).to_have_text([re.compile("cap"), re.compile("dress")])
    expect_shown(cards.first.locator("img"))
    page.get_by_label(say["list.search"]).fill("tee-2")
    expect(page.get_by_text("Press Enter to open “tee-2”")).to_be_visible()
    page.get_by_label(say["list.search"]).fill("")
    page.get_by_role("button", name=say["list.more"]).click()
    expect(cards).to_have_count(4)
    expect(page.get_by_role("button", name=say["list.more"])).to_be_hidden()
    page.get_by_label(say["list.attention"]).check()
    expect(cards).to_have_text([re.compile("dress.*1 of 2")])
    page.get_by_label(say["list.attention"]).uncheck()
    page.get_by_label(say["list.search"]).fill("TEE-2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="tee-2")).to_be_visible()


def test_trouble_is_told_and_can_be_tried_again(
    admin: Callable[..., Visit], keys: Keys, http: httpx.Client, service: Service, say: dict[str, str]
) -> None:
    from playwright.sync_api import expect

    page = admin().page
    page.route("**/v1/**", lambda route: route.abort())
    key = keys()
    enter(page, key)
    expect(page.get_by_role("alert")).to_have_text(say["error.offline"])
    page.unroute("**/v1/**")
    enter(page, key)
    expect(page.get_by_role("heading", name=say["list.empty.title"])).to_be_visible()

    page.route("**/v1/products/tee-1", lambda route: route.fulfill(status=502, body="<html>Bad gateway"))
    page.goto(page.url.split("#")[0] + "#/p/tee-1")
    expect(page.get_by_role("alert")).to_contain_text(say["error.internal"])
    page.unroute("**/v1/products/tee-1")
    page.get_by_role("button", name=say["app.again"]).click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("There is no product “tee-1”"))

    KeyStore(service.data / KEYS_FILE).revoke(key.split("_")[1])
    page.get_by_role("link", name=say["app.back"]).click()
    expect(page.get_by_role("alert")).to_have_text(say["key.gone"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_panel_is_accessible_and_fits_a_small_phone_in_russian(
    scheme: str, admin: Callable[..., Visit], keys: Keys, http: httpx.Client, pictures: dict[str, bytes]
) -> None:
    from playwright.sync_api import expect

    if not AXE.is_file():
        pytest.skip("no axe-core: run npm ci in tryon_service/widget")
    put_product(http, "tee-1", pictures["front.jpg"], pictures["flat.jpg"])
    page = admin("?lang=ru", color_scheme=scheme, viewport=PHONE).page
    page.evaluate(AXE.read_text("utf-8") + "; 0")

    def check(panel: str) -> None:
        page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished)).then(() => 0)")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == [], panel
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{panel}: wider than the phone"

    expect(page.locator("html")).to_have_attribute("lang", "ru")
    check("key")
    enter(page, keys("products"))
    expect(page.locator(".scopes")).to_be_visible()
    check("scopes")
    enter(page, keys())
    expect_shown(page.locator(".grid img"))
    check("list")
    page.get_by_role("link", name="Новый товар").click()
    choose(page, pictures, "front.jpg", "paper.jpg")
    page.get_by_role("button", name="Загрузить товар").click()
    check("new product")
    page.go_back()
    page.locator(".grid a").click()
    page.get_by_role("button", name="стоя").click()
    expect(page.locator(".account")).to_be_visible()
    page.locator(".account summary").click()
    check("product")
    page.get_by_role("button", name="Удалить").click()
    check("delete")
