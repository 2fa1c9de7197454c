"""A real browser without a window, for tests and scripts.

with chromium() as browser:
    browser.new_page().goto(url)
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Names under which a browser may be on the PATH."""
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream"]
"""A root user has no sandbox; a camera that shows a test picture stands in for one."""

DEADLINE = 30_000
"""Milliseconds that a page gets for anything."""


def executable() -> str | None:
    """Path of the first browser found, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """flags: of the command line, beyond FLAGS. Raises FileNotFoundError where there is none, ModuleNotFoundError
    without playwright."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=DEADLINE)
    found = executable()
    if found is None:
        raise FileNotFoundError(f"none of {', '.join(NAMES)} is on the PATH")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()
