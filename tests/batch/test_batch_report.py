"""The report counts right, shows and links what is there, and takes no text from a catalogue for anything but text."""

from __future__ import annotations

import hashlib
import io
import re
import tracemalloc
from base64 import b64decode, b64encode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image
from small_catalogue import RECIPE, Shop
from test_batch_run import poisoned

from tests.widget.chromium import chromium, executable
from tryon_service.batch.outputs import Outputs, open_outputs
from tryon_service.batch.report import REPORT, write_report
from tryon_service.batch.rows import Row
from tryon_service.batch.tally import FAILED, SAMPLE, SLOWEST, Tally
from tryon_service.batch.worker import Plan
from tryon_service.errors import CODES, UnavailableError

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a browser would make of it. text: all that is shown; elements: (name, attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.style, self.text = "", ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def write(shop: Shop, out: Path, outputs: Outputs | None = None) -> Page:
    """The report of a run that is finished."""
    with shop.opened(out) as (run, _):
        made = write_report(run, shop.plan(out), "catalogue.csv", "results.jsonl", outputs or open_outputs(str(out)))
    assert made == REPORT
    return Page((out / REPORT).read_text("utf-8"))


def paint(folder: Path, pattern: str) -> None:
    """Put real pictures in the place of those of the fake pipeline."""
    for number, file in enumerate(sorted(folder.rglob(pattern))):
        Image.new("RGB", (300, 400), (40 * number % 256, 90, 160)).save(file)


def thumbnail(image: dict[str, str]) -> Image.Image:
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    made = Image.open(io.BytesIO(b64decode(data)))
    assert made.format == "JPEG"
    assert made.size == (int(image["width"]), int(image["height"]))
    return made


def test_it_says_how_many_and_why(shop: Shop, tmp_path: Path) -> None:
    poisoned(shop)
    shop.run(tmp_path / "out")
    page = write(shop, tmp_path / "out")
    assert "catalogue.csv: 13 products in 2 poses" in page.text
    assert "8 of 24 pictures are ready." in page.text
    for count, share, status in ((8, "33.3", "rendered"), (2, "8.3", "doubtful"), (4, "16.7", "refused")):
        assert re.search(rf"\b{count} {share} % [^%]*{status}", page.text), status
    assert re.search(r"\b10 41.7 % [^%]*failed", page.text)
    for status, count in {"rendered": 8, "doubtful": 2, "refused": 4, "failed": 10}.items():
        assert re.search(rf"\.bar \.{status} {{ flex-grow: {count}; }}", page.style)
    assert f"{CODES['no_model_in_product'].text} Use a photo in which a person wears it" in page.text
    assert "Needs a look · 1 product · blurred" in page.text
    assert "A photo that the catalogue names isn't there." in page.text
    assert CODES["not_found"].text not in page.text, "which is about addresses"
    assert "warp (22)" in page.text
    assert "painter " + "ab" * 32 in page.text
    assert "standing, walking" in page.text


def test_rows_that_failed_are_named_with_their_lines(shop: Shop, tmp_path: Path) -> None:
    shop.add("good")
    shop.add("lost", file="none.jpg")
    shop.add("lost", file="nor.jpg", view="back")
    shop.run(tmp_path / "out")
    page = write(shop, tmp_path / "out")
    assert "lost · standing, walking not_found" in page.text
    words = "'none.jpg' can't be read: No such file or directory. lines 3, 4 of catalogue.csv, rows from 3 of"
    assert words in page.text


def test_thumbnails_are_of_the_picture_or_else_of_the_photo(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, word in (("größe", "good"), ("no", "refused"), ("broken", "refused"), ("lost", "good")):
        shop.add(name, word)
    shop.add("gone", file="none.jpg")
    shop.run(out)
    paint(out, "*.png")
    Image.new("RGB", (400, 400), "red").save(shop.photos / "2.jpg")
    (out / "lost" / "walking.png").unlink()
    page = write(shop, out)
    links = {link["href"] for link in page.all("a") if not link["href"].startswith("#")}
    assert {"gr%25C3%25B6%25C3%259Fe/standing.png", "../shop/photos/2.jpg", "lost/standing.png"} <= links
    for link in links - {"../shop/photos/3.jpg"}:
        assert (out / unquote(link)).is_file(), link
    assert "lost/walking.png" not in links
    images = [thumbnail(image) for image in page.all("img")]
    assert sorted(image.size for image in images) == [(160, 160)] + [(160, 213)] * 3
    assert page.text.count("no picture to show") == 3  # broken, lost in one pose, gone


def test_texts_from_the_catalogue_stay_texts(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shop.lines = ["product_id,view,file," + HOSTILE]
    odd = (
        HOSTILE,
        "'\"><img src=x onerror=alert(1)>",
        "\u202edrow",
        "{{ 7 * 7 }}",
        "ü" * 500,
        "größe",
        "javascript:alert(1)",
    )
    for number, name in enumerate(odd):
        quoted = '"' + name.replace('"', '""') + '"'
        file = quoted if number % 2 else "none.jpg"
        shop.lines.append(f"{quoted},front,{file},{HOSTILE}")
    shop.run(out)
    page = write(shop, out)
    assert HOSTILE in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "ü" * 160 + "…" in page.text
    assert "ü" * 161 not in page.text
    assert not page.all("script")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert len(page.all("bdi")) > 2 * len(odd)
    for link in page.all("a"):
        assert re.fullmatch(r"#[a-z_-]+|[\w./%-]+", link["href"]), link


def test_nothing_is_loaded_and_the_policy_holds(shop: Shop, tmp_path: Path) -> None:
    poisoned(shop)
    shop.run(tmp_path / "out")
    page = write(shop, tmp_path / "out")
    digest = b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert not {tag for tag, _ in page.elements} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "svg",
    }
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    anchors = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    inside = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    assert inside
    assert inside <= anchors


def test_all_good_and_nothing_at_all(shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    shop.run(tmp_path / "out")
    page = write(shop, tmp_path / "out")
    assert "All 2 pictures are ready." in page.text
    assert "What to fix" not in page.text
    shop.lines[1:] = [",front,1.jpg,blue"]
    shop.run(tmp_path / "none")
    page = write(shop, tmp_path / "none")
    assert "0 of 1 pictures are ready." in page.text
    assert "(no product)" in page.text


def test_a_report_behind_a_url_has_its_pictures(shop: Shop, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    files.store.clear()
    shop.add("a")
    shop.add("b", "refused")
    shop.run(tmp_path / "out")
    paint(tmp_path / "out", "*.png")
    for file in (tmp_path / "out").rglob("*.png"):
        files.pipe_file(f"/batch-report/{file.relative_to(tmp_path / 'out')}", file.read_bytes())
    url = "memory://batch-report"
    with shop.opened(tmp_path / "out") as (run, _):
        write_report(run, Plan(str(shop.photos), url, RECIPE), "c.csv", "results.jsonl", open_outputs(url))
    page = Page(files.cat_file(f"/batch-report/{REPORT}").decode())
    assert [thumbnail(image).size for image in page.all("img")] == [(160, 213)] * 2
    assert {link["href"] for link in page.all("a")} >= {"a/standing.png", "a/walking.png"}
    assert not [link for link in page.all("a") if "photos" in link["href"]], "no relative way leads there"


def test_an_older_report_stays_until_the_new_one_is_whole(shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    shop.run(tmp_path / "out")
    write(shop, tmp_path / "out")
    before = (tmp_path / "out" / REPORT).read_bytes()

    def full(_name: str, _data: bytes) -> None:
        raise UnavailableError("storage_full", "'out' is full.", "--out")

    with pytest.raises(UnavailableError, match="is full"):
        write(shop, tmp_path / "out", SimpleNamespace(write=full))  # type: ignore[arg-type]
    assert (tmp_path / "out" / REPORT).read_bytes() == before


def many(count: int) -> Iterator[Row]:
    """Rows of products in ten poses, of every status, with reasons."""
    kinds: list[tuple[Any, tuple[str, ...]]] = [
        ("rendered", ()),
        ("doubtful", ("blurred", "low_light")),
        ("refused", ("back_view",)),
        ("failed", ("not_found",)),
    ]
    for number in range(count):
        status, codes = kinds[number // 10 % len(kinds)]
        output = f"{number}.png" if status in ("rendered", "doubtful") else ""
        seconds = number * 7919 % 10007 / 100
        yield Row(f"p{number // 10}", f"pose{number % 10}", status, codes, output=output, seconds=seconds)


def test_a_tally_keeps_samples_only() -> None:
    tally = Tally()
    rows = list(many(4000))
    for row in rows:
        tally.add(row)
    assert tally.statuses == dict.fromkeys(("rendered", "doubtful", "refused", "failed"), 1000)
    groups = {(group.status, group.code): group for group in tally.groups}
    assert [group.status for group in tally.groups] == ["refused", "failed", "doubtful", "doubtful", "rendered"]
    assert groups["doubtful", "low_light"].count == 0
    assert groups["doubtful", "low_light"].beside == 1000
    assert (groups["refused", "back_view"].count, groups["refused", "back_view"].products) == (1000, 100)
    for group in groups.values():
        sample = group.sample
        assert len(sample) == (SAMPLE if group.count else 0)
        assert all(entry.row is rows[entry.number - 1] and entry.row.status == group.status for entry in sample)
        assert [entry.number for entry in sample] == sorted(entry.number for entry in sample)
    refused = [entry.row.product_id for entry in groups["refused", "back_view"].sample]
    assert len(set(refused)) == SAMPLE, "a photo is shown once"
    assert max(entry.number for entry in groups["rendered", ""].sample) > 2000, "from all over"
    assert [entry.row.seconds for entry in tally.slowest] == sorted((row.seconds for row in rows), reverse=True)[
        :SLOWEST
    ]
    assert [failure.number for failure in tally.failures] == list(range(31, 40 * FAILED, 40))
    assert {len(failure.poses) for failure in tally.failures} == {10}


def test_memory_doesnt_grow_with_the_rows() -> None:
    peaks = []
    for count in (2_000, 20_000):
        tracemalloc.start()
        tally = Tally()
        for row in many(count):
            tally.add(row)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 20_000


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_phone_and_its_own_policy(shop: Shop, tmp_path: Path, scheme: Any) -> None:
    if executable() is None:
        pytest.skip("no browser: Chromium is not on the PATH")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    poisoned(shop)
    shop.add("n" * 128, file="w" * 190 + ".jpg")
    shop.run(tmp_path / "out")
    paint(tmp_path / "out", "*.png")
    write(shop, tmp_path / "out")
    said: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
        page.on("console", lambda message: said.append(message.text))
        page.goto((tmp_path / "out" / REPORT).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(18, 21, 24)")
        seen = "Promise.all([...document.images].map((image) => { image.loading = 'eager'; return image.decode(); }))"
        assert len(page.evaluate(seen)) == page.locator("img").count() > 0
    assert said == []
