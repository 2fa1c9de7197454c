"""What is done on the admin page, and what its shop then has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Keys = Callable[..., str]


def enter(page: Page, key: str) -> None:
    page.locator("input[type=password]").fill(key)
    page.keyboard.press("Enter")


def choose(page: Page, pictures: dict[str, bytes], *names: str) -> None:
    files: list[Any] = [{"name": name, "mimeType": "image/jpeg", "buffer": pictures[name]} for name in names]
    page.locator("input[type=file]").set_input_files(files)


def fill(page: Page, say: dict[str, str], product: str) -> None:
    page.get_by_label(say["form.id"]).fill(product)
    page.get_by_label(say["form.rights"]).check()
    page.get_by_label(say["form.reference"]).fill("contract 7")


def send(page: Page, say: dict[str, str]) -> None:
    page.get_by_role("button", name=say["form.send"]).click()


def expect_shown(image: Locator) -> None:
    """Fully loaded, whatever it shows."""
    from playwright.sync_api import expect

    expect(image).to_have_attribute("src", re.compile("^(blob|data):"))
    expect(image).not_to_have_class("waiting")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def digests(http: httpx.Client, product: str) -> list[str]:
    return [photo["sha256"] for photo in http.get(f"/v1/products/{product}").json()["photos"]]


def sha256(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()
