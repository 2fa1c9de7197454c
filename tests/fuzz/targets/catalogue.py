"""A shop's catalogue, as both readers take it: `tryon products sync` and `check`, and `tryon batch`."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.fuzz.oracles import affordable, outcome
from tryon_service.batch.catalogue import Card as BatchCard
from tryon_service.batch.catalogue import Catalogue as BatchCatalogue
from tryon_service.batch.catalogue import folder_name
from tryon_service.batch.sources import check_name
from tryon_service.cli.catalogue_files import hosts_of
from tryon_service.onboarding.catalogue import Card, parse_catalogue
from tryon_service.products.records import MAX_PHOTOS

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
SECONDS, MEGABYTES = 3.0, 64.0
WORDS = (
    b"product_id,view,file\n", b"id,photos,views,rights_reference\n", b"rights_reference", b"front|back",
    b"three_quarter", b"unknown", b"../", b"..\\", b"/etc/hostname", b"http://127.0.0.1/",
    b"https://shop.example/a.jpg", b"\xef\xbb\xbf", b'"', b'""', b"\r\n", b";", b"\t",
    b'{"product_id": "a", "file": "b.jpg"}', b"\\u0000", b"\\ud800", b"PAR1", b"1e999",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    yield b"\0product_id,view,file,price\nmh01,front,photos/a.jpg,49\nmh01,back,photos/b.jpg,49\n"
    yield b"\0id,photos,views,rights_reference\nshirt,a.jpg|b.jpg,front|back,contract 7\n..,https://shop.example/a,,r\n"
    yield b"\1id\tphotos\trights_reference\na\t../b.jpg\tr\n"
    yield b'\2{"product_id": "a", "file": "b.jpg", "rights_reference": "r"}\n[]\n{"product_id": 1, "file": {"a": []}}\n'
    yield b"\3" + _parquet()


def _parquet() -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return b"PAR1"
    out = io.BytesIO()
    columns = {"product_id": ["a", "b"], "file": ["a.jpg", "b.jpg"], "view": ["front", None]}
    parquet.write_table(pyarrow.table(columns), out, compression="none")
    return out.getvalue()


def check(data: bytes) -> None:
    """The first byte says what kind of file the rest is."""
    suffix, content = SUFFIXES[(data[0] if data else 0) % len(SUFFIXES)], data[1:]
    if suffix == ".csv":
        _check_sync(content)
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(content)
        file.flush()
        with affordable(SECONDS, MEGABYTES):
            catalogue = outcome(lambda: BatchCatalogue(Path(file.name)), "invalid_option", "missing_field")
            cards = [] if catalogue is None else list(catalogue)
    if catalogue is not None:
        lines = content.count(b"\n") + content.count(b"\r") + 1  # at most; both end a line
        assert suffix == ".parquet" or all(1 <= photo.line <= lines for card in cards for photo in card.photos)
        assert len({photo.line for card in cards for photo in card.photos}) == catalogue.lines, "no line is lost"
        assert [card.number for card in cards] == list(range(1, catalogue.products + 1))
    for card in cards:
        _check_batch(card)


def _check_batch(card: BatchCard) -> None:
    if card.error is None:
        name = folder_name(card.product_id)
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert len(name.encode()) <= 255
    for photo in card.photos:
        try:
            outcome(lambda: check_name(photo.file), *())  # noqa: B023 - called at once
        except AssertionError:
            continue  # it leads out, and is refused
        assert _stays_inside(photo.file)


def _stays_inside(name: str) -> bool:
    depth = 0
    for part in PurePosixPath(name).parts:
        depth += -1 if part == ".." else 0 if part == "." else 1
        if depth < 0 or part == "/":
            return False
    return True


def _check_sync(data: bytes) -> None:
    with affordable(SECONDS, MEGABYTES):
        catalogue = outcome(lambda: parse_catalogue(data, "c.csv"), "invalid_option", "missing_field")
    if catalogue is None:
        return
    assert len({card.id for card in catalogue.cards}) == len(catalogue.cards)
    assert all(1 <= len(card.photos) <= MAX_PHOTOS and len(card.views) == len(card.photos) for card in catalogue.cards)
    hosts_of(catalogue.cards)
    again = parse_catalogue(_written(catalogue.cards), "c.csv")
    assert not again.troubles
    assert [_said(card) for card in again.cards] == [_said(card) for card in catalogue.cards]


def _said(card: Card) -> tuple[object, ...]:
    return card.id, card.photos, card.views, card.rights_reference


def _written(cards: tuple[Card, ...]) -> bytes:
    """The same cards as a file of ours."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["id", "photos", "views", "rights_reference"])
    for card in cards:
        views = "|".join(view or "unknown" for view in card.views)
        writer.writerow([card.id, "|".join(card.photos), views, card.rights_reference])
    return out.getvalue().encode()
