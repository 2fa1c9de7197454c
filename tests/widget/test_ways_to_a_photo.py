"""A photo gets into the dialog: pasted, dropped, five dropped at once."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from open_shop import Visit
from steps import Shopper, expect

from tryon_service.figures import Figure
from tryon_service.imaging.encode import encode

pytestmark = pytest.mark.browser

COPY = """async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
}"""
DROP = """([files, times]) => {
  const transfer = new DataTransfer();
  for (const [name, type, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  for (let time = 0; time < times; time++) {
    const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, composed: true, cancelable: true });
    document.querySelector("try-on-card").shadowRoot.querySelector("dialog").dispatchEvent(event);
  }
}"""
"""Files fall onto the dialog, one or more times."""
NOTES = ("notes.txt", "text/plain", b"milk, bread")


def drop(shopper: Shopper, *files: tuple[str, str, bytes], times: int = 1) -> None:
    encoded = [(name, kind, base64.b64encode(data).decode()) for name, kind, data in files]
    shopper.page.evaluate(DROP, [encoded, times])


def poses(shopper: Shopper) -> int:
    """Photos sent so far; a preflight isn't listed."""
    return sum(url.endswith("/v1/poses") for url in shopper.visit.requests)


def test_a_pasted_photo(open_page: Callable[..., Visit], figure: Figure) -> None:
    shopper = Shopper(open_page("/p/star-tee", permissions=["clipboard-read", "clipboard-write"]))
    shopper.open()
    shopper.page.evaluate(COPY, base64.b64encode(encode(figure.photo, "png")).decode())
    shopper.page.keyboard.press("Control+V")
    shopper.at("pose.title")
    shopper.press("dialog.back")
    shopper.at("choose.title")
    shopper.page.evaluate("navigator.clipboard.writeText('not a photo')")
    shopper.page.keyboard.press("Control+V")
    shopper.sees("choose.nothing")


def test_dropped_photos(open_page: Callable[..., Visit], shopper: bytes) -> None:
    me = ("me.jpg", "image/jpeg", shopper)
    others = [(f"{number}.jpg", "image/jpeg", b"no photo at all") for number in range(3)]
    dropping = Shopper(open_page("/p/star-tee"))
    dropping.open()
    drop(dropping)
    dropping.sees("choose.nothing")

    drop(dropping, NOTES, me, *others)
    dropping.at("pose.title")
    dropping.sees("choose.several", count=5)
    assert poses(dropping) == 1
    dropping.press("pose.other")
    dropping.at("choose.title")

    drop(dropping, me, times=5)
    dropping.at("pose.title")
    assert poses(dropping) == 2, "of five drops in a row the first one counts"
    expect(dropping.dialog.get_by_role("img", name=dropping.say("pose.photo"))).to_be_visible()
