"""A shopper in the widget's dialog, who goes by the words there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.widget.open_shop import OpenShop, Visit, words

if TYPE_CHECKING:
    from playwright.sync_api import Locator

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at.ariaLabel ?? at.labels?.[0]?.textContent ?? (at.matches("a, button") ? at.textContent.trim() : "");
}"""
"""The name of what has the focus, also in a shadow root; empty for what isn't a control, as a box that scrolls."""
MOST_TABS = 40


class Shopper:
    """In a page with a card. product: of the card, where there are several; language: of its words."""

    def __init__(self, made: Visit, product: str = "", language: str = "en") -> None:
        self.visit, self.page = made, made.page
        self.words = words(language)
        self.card = self.page.locator(f"try-on-card[product='{product}']" if product else "try-on-card")
        self.dialog = self.page.get_by_role("dialog")

    def say(self, key: str, **values: object) -> str:
        """The widget's words."""
        return self.words[key].format(**values)

    def at(self, key: str) -> None:
        """Wait for the step with this title, which has the focus."""
        heading = self.dialog.get_by_role("heading", level=2)
        expect(heading).to_have_text(self.say(key))
        expect(heading).to_be_focused()

    def sees(self, key: str, **values: object) -> None:
        """Wait until these words can be read in the dialog."""
        expect(self.dialog.get_by_text(self.say(key, **values), exact=True).first).to_be_visible()

    def button(self, key: str) -> Locator:
        return self.dialog.get_by_role("button", name=self.say(key), exact=True)

    def press(self, key: str) -> None:
        self.button(key).click()

    def click_card(self) -> None:
        """The card's own button, whatever it says."""
        self.card.locator("[part=button]").click()

    def open(self) -> None:
        """From the page to the choice of a photo."""
        self.click_card()
        self.at("consent.title")
        self.press("consent.agree")
        self.at("choose.title")

    def choose(self, photo: bytes | Path, name: str = "me.jpg") -> None:
        """A file, under a name and a type that may be wrong."""
        file: Any = {"name": name, "mimeType": "image/jpeg", "buffer": photo} if isinstance(photo, bytes) else photo
        self.dialog.locator("input[type=file]").set_input_files(file)

    def find_pose(self, photo: bytes | Path) -> None:
        """From a photo to the pose in it."""
        self.choose(photo)
        self.at("pose.title")

    def see_picture(self, photo: bytes) -> None:
        """From the page to the picture in the dialog."""
        self.open()
        self.find_pose(photo)
        self.press("pose.use")
        self.at("result.title")

    def close(self) -> None:
        """And wait until it has gone from the page: a dialog that is merely closed has no role any more."""
        self.page.keyboard.press("Escape")
        expect(self.page.locator("dialog")).to_have_count(0)

    @property
    def focused(self) -> str:
        """The name of what has the focus."""
        return str(self.page.evaluate(FOCUSED))

    def tab_to(self, name: str) -> None:
        """By the keyboard to what has this name. Raises AssertionError with what there was."""
        passed = []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            passed.append(self.focused)
            if passed[-1] == name:
                return
        raise AssertionError(f"Tab never comes to {name!r}: {passed}")

    @property
    def kept(self) -> dict[str, str]:
        """What the page keeps for the visit."""
        return dict(json.loads(self.page.evaluate("JSON.stringify(sessionStorage)")))


def expect(thing: Any) -> Any:
    """Playwright's, loaded when it is needed."""
    from playwright.sync_api import expect as expect_of

    return expect_of(thing)


def token(shop: OpenShop, **options: object) -> str:
    """A widget token as the shop's backend gets it. options: of the call, over the shop's origin and all products."""
    body = {"origin": shop.url, "product_ids": list(shop.products), **options}
    with shop.service.http(shop.key) as http:
        answer = http.post("/v1/widget-tokens", json=body)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["token"])


def left_on_server(shop: OpenShop) -> dict[str, int]:
    """Bytes of every file that the service has on its disk, by name, and its products with 0. Its databases are left
    out: how often tokens are used is counted in one."""
    data = shop.service.data
    files = (path for path in data.rglob("*") if path.is_file() and ".db" not in path.name)
    with shop.service.http(shop.key) as http:
        products = [one["id"] for one in http.get("/v1/products").json()["products"]]
    return {str(path.relative_to(data)): path.stat().st_size for path in files} | dict.fromkeys(products, 0)
