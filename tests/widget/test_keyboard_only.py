"""The whole way without a pointer: the focus is where it is needed, and comes back to the page in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from open_shop import Visit
from steps import Shopper, expect

if TYPE_CHECKING:
    from playwright.sync_api import FileChooser

pytestmark = pytest.mark.browser


def test_from_the_page_to_the_picture_and_back_by_keys(open_page: Callable[..., Visit], shopper: bytes) -> None:
    one = Shopper(open_page("/p/star-tee", reduced_motion="reduce"))
    page = one.page
    dialogs: list[FileChooser] = []
    page.on("filechooser", lambda dialog: dialogs.append(dialog))  # noqa: PLW0108 - the driver marks its handlers
    one.tab_to(f"{one.say('card.try')}: Star tee")
    page.keyboard.press("Enter")
    one.at("consent.title")
    one.tab_to(one.say("consent.agree"))
    page.keyboard.press("Space")
    one.at("choose.title")
    one.tab_to(one.say("choose.file"))
    page.keyboard.press("Enter")
    one.visit.until("the browser's dialog for files", lambda: dialogs)
    dialogs[0].set_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": shopper})  # type: ignore[arg-type]
    one.at("pose.title")
    one.tab_to(one.say("pose.use"))
    page.keyboard.press("Enter")
    one.at("result.title")

    one.tab_to(one.say("result.slider"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(one.dialog.get_by_role("slider")).to_have_value("99")
    one.tab_to(one.say("result.zoomIn"))
    page.keyboard.press("Enter")
    expect(one.dialog.locator(".pair")).to_have_class("box pair zoomed")
    one.tab_to(one.say("result.background.product"))
    page.keyboard.press("ArrowRight")
    white = one.dialog.get_by_role("radio", name=one.say("result.background.#ffffff"), exact=True)
    expect(white).to_be_checked()
    expect(white).to_be_focused()
    one.tab_to(one.say("result.download"))
    one.tab_to(one.say("result.another"))
    one.tab_to(one.say("result.forget"))
    page.keyboard.press("Enter")
    one.at("consent.title")
    page.keyboard.press("Escape")
    expect(one.dialog).to_have_count(0)
    assert one.focused.startswith(one.say("card.try")), "back where it was"


def test_the_focus_stays_in_the_dialog(open_page: Callable[..., Visit]) -> None:
    one = Shopper(open_page("/p/star-tee"))
    one.open()
    inside = "(dialog) => dialog.contains(dialog.getRootNode().activeElement)"
    names = set()
    for _ in range(12):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("document.activeElement !== document.body"):  # else it is on the browser's own bar
            assert one.dialog.evaluate(inside), one.focused
            names.add(one.focused)
    assert names - {""} == {one.say(key) for key in ("dialog.close", "choose.file", "choose.camera")}
