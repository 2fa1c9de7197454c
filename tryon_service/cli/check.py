"""Find out what a catalogue's photos are good for, before any shopper comes. Nothing is sent anywhere.

Says of each card which photo is best, how many house poses it serves, and what to fix. Exit code 3 if a card can't be
used as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tryon_service.cli.catalogue_files import PhotoReader
    from tryon_service.errors import TryonError
    from tryon_service.onboarding.catalogue import Card, Catalogue
    from tryon_service.onboarding.page import CardReport

HELP = "say what the photos of a catalogue are good for, and what to fix"
DONE, REFUSED = 0, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("catalogue", type=Path, help="the CSV file, as for 'tryon products sync'")
    parser.add_argument("--page", type=Path, help="write the account as one HTML page, with pictures")
    parser.add_argument(
        "--cache",
        type=Path,
        default=os.environ.get("TRYON_CACHE_DIR") or None,
        metavar="DIR",
        help="keep analysed product photos in this private folder; default: TRYON_CACHE_DIR if set, else none",
    )


def run(args: argparse.Namespace) -> int:
    from tryon_service.cli.catalogue_files import read_catalogue
    from tryon_service.cli.files import check_writable, write_atomically
    from tryon_service.onboarding.page import page

    check_writable(args.page, "--page")
    catalogue = read_catalogue(args.catalogue)
    reports = sorted([*_troubles(catalogue), *_examined(args, catalogue)], key=lambda report: report.line)
    print(account(reports))
    if args.page:
        write_atomically(args.page, page(args.catalogue.name, reports).encode())
    return REFUSED if any(report.grade == "unusable" for report in reports) else DONE


def account(reports: list[CardReport]) -> str:
    """A table of all cards, then what to fix card by card."""
    from tryon_service.onboarding.table import printable, text_table

    rows = [
        (
            str(report.line),
            report.id,
            report.grade,
            "-" if report.best is None else str(report.best + 1),
            report.view.replace("_", " ") or "-",
            f"{report.poses[0]} of {report.poses[2]}" if report.poses[2] else "-",
        )
        for report in reports
    ]
    table = text_table(("line", "id", "grade", "best photo", "view", "house poses"), rows)
    fixes = [f"{report.id or f'line {report.line}'}: {fix}" for report in reports for fix in report.fixes]
    return "\n".join((table, *(("",) if fixes else ()), *map(printable, fixes)))


def _examined(args: argparse.Namespace, catalogue: Catalogue) -> Iterator[CardReport]:
    """Card by card, so that only one is in memory."""
    from tryon_service.cli.catalogue_files import PhotoReader
    from tryon_service.onboarding.page import report_of
    from tryon_service.onboarding.suitability import examine_card
    from tryon_service.pipeline import Pipeline
    from tryon_service.poses.house import FOLDER, house_pose, names
    from tryon_service.settings import load

    folder = load().data / FOLDER
    poses = {name: house_pose(name, folder) for name in names(folder)}
    pipeline = Pipeline(cache_bytes=0, cache_folder=args.cache)
    reader = PhotoReader(args.catalogue.parent, catalogue.cards)
    for card in _progress(catalogue.cards):
        photos = [_read(reader, place, f"photos[{index}]") for index, place in enumerate(card.photos)]
        fitness = examine_card(pipeline, photos, card.views, poses)
        yield report_of(card.line, card.id, fitness, pictured=args.page is not None)


def _read(reader: PhotoReader, place: str, field: str) -> bytes | TryonError:
    from tryon_service.errors import TryonError

    try:
        return reader(place, field)
    except TryonError as error:
        return error


def _troubles(catalogue: Catalogue) -> Iterator[CardReport]:
    from tryon_service.onboarding.page import CardReport

    for one in catalogue.troubles:
        fix = f"Column {one.error.field}: {one.error.detail}" if one.error.field else one.error.detail
        yield CardReport(one.line, one.id, "unusable", None, "", (0, 0, 0), (), (fix,))


def _progress(cards: Iterable[Card]) -> Iterable[Card]:
    """With a bar where there is a terminal."""
    from tqdm import tqdm

    bar: Iterable[Card] = tqdm(cards, unit="card", disable=None, file=sys.stderr)
    return bar
