"""How long a shopper waits: from the click on a chosen photo to the picture in the dialog, in a browser, step by step.

    python -m tests.benchmarks.widget_speed [--repeat 20] [--longest 4032] [--json FILE]

Runs the demo shop on this machine, with photos of ../shared/data where it is present, else with drawn figures. Every
time a new page chooses a photo in the widget's dialog, and "use this pose" is pressed as soon as it is there, so that
nobody's thinking counts. --longest enlarges the photos to the size that phones take, which the browser then reduces.
Needs nothing else to run on the machine; the load average beside the figures says whether that was so.

The parts, in milliseconds, are the parts of the total:

    prepare   the photo checked, decoded, reduced, encoded, and the page's token had, until the upload starts
    pose      the upload, and the service finding the pose
    use       the pose shown, the press, until the call for the picture starts
    render    the call for the picture
    show      the picture decoded and on the screen
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.widget.chromium import DEADLINE, chromium
from tests.widget.open_shop import OpenShop, open_shop
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHOTOS = Path(__file__).parents[2] / "../shared/data"
PRODUCTS = ("mh01", "mh04", "mh05", "mh08")
"""Of the catalogue there: tops, from the front."""
SHOPPERS = 24
WANTED_MS = 1500
"""Milliseconds that the median may take."""
WARM_UP = 3
"""Rounds that don't count: the service has just started."""
PARTS = ("prepare", "pose", "use", "render", "show")
WATCH = """() => {
  const root = document.querySelector("try-on-card").shadowRoot;
  const moments = {};
  const call = (path) => performance.getEntriesByType("resource").findLast(({ name }) => name.endsWith(path));
  const round = new Promise((done) => {
    const look = async () => {
      const dialog = root.querySelector("dialog");
      const { step } = dialog.dataset;
      if (step === "pose" && !moments.use) {
        moments.use = performance.now();
        dialog.querySelector(".primary").click();
      }
      if (step === "refusal" || step === "failure") done({ [step]: dialog.querySelector(".lead").textContent });
      if (step !== "result" || moments.result) return;
      moments.result = performance.now();
      await dialog.querySelector(".after img").decode();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const [pose, render] = [call("/v1/poses"), call("/v1/renders")];
        const at = [moments.chosen, pose.startTime, pose.responseEnd, render.startTime, render.responseEnd];
        done({ at: [...at, performance.now()] });
      }));
    };
    new MutationObserver(look).observe(root, { subtree: true, attributeFilter: ["data-step"] });
    root.addEventListener("change", () => { moments.chosen ??= performance.now(); }, { capture: true });
  });
  window.round = () => round;
}"""
"""Notes the moments of a round in the page itself: the driver's own calls would take time. Two frames after the picture
is decoded it is on the screen."""


def rounds(browser: Browser, shop: OpenShop, photos: Sequence[bytes]) -> Iterator[dict[str, float] | str]:
    """Without end: milliseconds of each part, or the words of a refusal."""
    for product, photo in itertools.cycle(itertools.product(shop.products, photos)):
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.set_default_timeout(DEADLINE)
        page = context.new_page()
        page.goto(f"{shop.url}/p/{product}")
        yield one(page, photo)
        context.close()


def one(page: Page, photo: bytes) -> dict[str, float] | str:
    """Raises RuntimeError with the dialog's words where something else than the photo is to blame."""
    page.locator("try-on-card .button").click()
    page.locator("dialog[data-step=consent] .primary").click()
    page.locator("dialog[data-step=choose]").wait_for()
    page.wait_for_load_state("networkidle")  # a shopper takes longer than this to choose
    page.evaluate(WATCH)
    page.locator("input[type=file]").set_input_files([{"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo}])
    told = page.evaluate("round()")
    if "failure" in told:
        raise RuntimeError(told["failure"])
    if "refusal" in told:
        return str(told["refusal"])
    at: list[float] = told["at"]
    return dict(zip(PARTS, (end - start for start, end in itertools.pairwise(at)), strict=True))


def measure(browser: Browser, shop: OpenShop, photos: Sequence[bytes], repeat: int) -> dict[str, Any]:
    """The figures of so many pictures; refusals are counted beside them, of at most as many."""
    row: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "cores": os.cpu_count()}
    turns = rounds(browser, shop, photos)
    for _ in itertools.islice(turns, WARM_UP):
        pass
    made: list[dict[str, float]] = []
    refused = 0
    while len(made) < repeat and refused <= repeat:
        parts = next(turns)
        if isinstance(parts, str):
            refused += 1
        else:
            made.append(parts)
            sys.stderr.write(f"{len(made)}: {sum(parts.values()):.0f} ms\n")
    totals = sorted(sum(parts.values()) for parts in made)
    median = statistics.median(totals)
    row |= {
        "pictures": len(made),
        "refused": refused,
        "total_ms": {"median": round(median), "best": round(totals[0]), "worst": round(totals[-1])},
        "parts_ms": {part: round(statistics.median(one[part] for one in made)) for part in PARTS},
        "wanted_ms": WANTED_MS,
        "met": median <= WANTED_MS,
        "load_average_after": os.getloadavg()[0],
    }
    return row


def catalogue(folder: Path) -> Path | None:
    """A list of real products, None where there are none."""
    photos = PHOTOS.resolve() / "store" / "photos"
    rows = [f"{product},front,{photos / f'{product}_front.jpg'}" for product in PRODUCTS]
    if not all(Path(row.rpartition(",")[2]).is_file() for row in rows):
        return None
    file = folder / "catalogue.csv"
    file.write_text("\n".join(["product_id,view,file", *rows]) + "\n")
    return file


def shoppers() -> list[bytes]:
    """Real photos, else drawn ones."""
    found = sorted((PHOTOS / "ccp" / "photos").glob("*.jpg"))
    if found:
        return [file.read_bytes() for file in found[:: len(found) // SHOPPERS]]
    poses = ("hand_on_hip", "contrapposto", "standing")
    return [encode(draw_figure(pose, OUTFITS["striped_long"], seed=1).photo, "jpeg") for pose in poses]


def enlarged(photo: bytes, longest: int) -> bytes:
    """With its longer side so many pixels long, as a JPEG."""
    picture = Image.open(io.BytesIO(photo)).convert("RGB")
    scale = longest / max(picture.size)
    file = io.BytesIO()
    picture.resize((round(picture.width * scale), round(picture.height * scale))).save(file, "jpeg", quality=90)
    return file.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=20, help="pictures that count")
    parser.add_argument("--longest", type=int, help="pixels to enlarge the photos to; 4032 is a phone's")
    parser.add_argument("--json", type=Path, help="file for the figures; default: print")
    args = parser.parse_args()
    photos = shoppers()
    if args.longest:
        photos = [enlarged(photo, args.longest) for photo in photos]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, open_shop(catalogue(Path(folder))) as shop:
        row = measure(browser, shop, photos, args.repeat)
    text = json.dumps(row, indent=2)
    if args.json:
        args.json.write_text(text + "\n")
    else:
        sys.stdout.write(text + "\n")
    return 0 if row["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
