"""Pictures of everything a shopper and a shop's staff can see, to be looked at.

    python -m tests.widget.screenshots OUT [--catalogue CSV] [--shopper PHOTO] [--only phone-light-en ...]

Runs the demo shop and goes through every state of its pages, of the widget and of the admin page, on a phone and on a
desktop, light and dark, in English and Russian: OUT/phone-light-en/07-pose.png and so on, and a sheet of each of them
all, OUT/phone-light-en.png. With drawn figures, or with photos: a catalogue, and a shopper whom its first product fits.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from tests.widget.admin_states import admin_states
from tests.widget.chromium import DEADLINE, chromium
from tests.widget.flow_states import flow_states
from tests.widget.open_shop import OpenShop, Visit, open_shop, visit
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DEVICES: Mapping[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 900}},
}
SCHEMES, LANGUAGES = ("light", "dark"), ("en", "ru")
SHEET = {"phone": (9, 240, 520), "desktop": (5, 420, 420)}
"""Pictures in a row of a sheet, the width of each in pixels, and its height at most: what is longer is cut off."""
CAPTION, GAP = 18, 10
"""Pixels of a sheet."""


@dataclass(frozen=True)
class Look:
    """How the pages are seen."""

    device: str
    scheme: str
    language: str

    def __str__(self) -> str:
        return f"{self.device}-{self.scheme}-{self.language}"

    @property
    def options(self) -> dict[str, Any]:
        """Of a browser's context: nothing moves, so that no picture is taken in between."""
        return {**DEVICES[self.device], "color_scheme": self.scheme, "reduced_motion": "reduce"}


LOOKS = tuple(itertools.starmap(Look, itertools.product(DEVICES, SCHEMES, LANGUAGES)))


def states(look: Look, browser: Browser, shop: OpenShop, photo: bytes) -> Iterator[tuple[str, Visit]]:
    """(name, page) of each, the page as it is now."""
    context = browser.new_context(**look.options)
    context.set_default_timeout(DEADLINE)
    try:
        made = visit(context, f"{shop.url}/?lang={look.language}")
        yield "listing", made
        made.page.goto(f"{shop.url}/p/{shop.products[0]}?lang={look.language}")
        yield "product", made
        yield from ((name, made) for name in flow_states(made, look.language, photo))
        admin = visit(context, f"{shop.service_url}/admin?lang={look.language}")
        yield from ((f"admin-{name}", admin) for name in admin_states(admin, look.language, shop, photo))
    finally:
        context.close()


def take(look: Look, browser: Browser, shop: OpenShop, photo: bytes, out: Path) -> None:
    """The pictures of one look and their sheet."""
    folder = out / str(look)
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for number, (name, one) in enumerate(states(look, browser, shop, photo)):
        taken.append(folder / f"{number:02}-{name}.png")
        picture(one.page, taken[-1])
    sheet(taken, *SHEET[look.device]).save(out / f"{look}.png")


def picture(page: Page, file: Path) -> None:
    """Of what is seen at once under an open dialog, else of the whole page with all of its pictures."""
    whole = page.locator("dialog[open]").count() == 0
    if whole:
        for image in page.locator("img").all():
            image.evaluate("img => { img.loading = 'eager'; return img.decode().catch(() => 0); }")
    page.screenshot(path=file, full_page=whole)


def sheet(files: list[Path], columns: int, width: int, most: int) -> Image.Image:
    """All on one page with their names."""
    pictures = [Image.open(file).convert("RGB") for file in files]
    small = [one.resize((width, round(width * one.height / one.width)), Image.Resampling.LANCZOS) for one in pictures]
    cell = (width + GAP, most + CAPTION + GAP)
    page = Image.new("RGB", (columns * cell[0], math.ceil(len(small) / columns) * cell[1]), "#888")
    draw = ImageDraw.Draw(page)
    for place, (file, one) in enumerate(zip(files, small, strict=True)):
        x, y = (place % columns) * cell[0], (place // columns) * cell[1]
        draw.text((x + 2, y + 3), file.stem, fill="#fff")
        page.paste(one.crop((0, 0, width, min(one.height, most))), (x, y + CAPTION))
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--catalogue", type=Path, help="default: the demo shop's drawn figures")
    parser.add_argument("--shopper", type=Path, help="a photo; default: a drawn figure")
    parser.add_argument("--only", nargs="+", metavar="LOOK", help="such as phone-dark-ru; default: all eight")
    args = parser.parse_args()
    figure = draw_figure("hand_on_hip", OUTFITS["striped_long"], (720, 960), seed=1)
    photo = args.shopper.read_bytes() if args.shopper else encode(figure.photo, "jpeg")
    with chromium() as browser, open_shop(args.catalogue) as shop:
        for look in LOOKS:
            if args.only is None or str(look) in args.only:
                take(look, browser, shop, photo, args.out)
                sys.stderr.write(f"{args.out / str(look)}.png\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
