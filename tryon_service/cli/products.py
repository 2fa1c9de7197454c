"""Keep the service's products in line with a shop's catalogue. TRYON_URL and TRYON_API_KEY say which service and whose.
backup, verify and restore are for who runs the service: they work on its store itself, of all shops.

The catalogue is a CSV file with the columns id, photos (paths or URLs, with | between them), views (may be left out)
and rights_reference. What the service has already isn't sent again, so that it can be run again at any time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tryon_service.cli import product_backups
from tryon_service.errors import InputError, RefusedError, TryonError

if TYPE_CHECKING:
    from tryon_service.client import Client, Product
    from tryon_service.onboarding.sync import Synced
    from tryon_service.settings import Settings

HELP = "bring a shop's catalogue into the service; list, show and delete products; backup and restore"
TIMEOUT = 180.0
"""Seconds for a call: nobody waits for a card, and its photos wait for every shopper."""
SHOWN = 20
"""Ids that are named before something is deleted."""
DONE, FAILED, REFUSED = 0, 1, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    sync = actions.add_parser("sync", help="send the cards that are new or have changed", allow_abbrev=False)
    sync.add_argument("catalogue", type=Path, help="the CSV file")
    sync.add_argument("--delete-missing", action="store_true", help="delete products that the catalogue lacks")
    sync.add_argument("--yes", action="store_true", help="delete without asking")
    actions.add_parser("list", help="all products, with how many of their photos can be used", allow_abbrev=False)
    show = actions.add_parser("show", help="all that is known of a product, as JSON", allow_abbrev=False)
    show.add_argument("id")
    delete = actions.add_parser("delete", help="remove products with all that was found in them", allow_abbrev=False)
    delete.add_argument("ids", metavar="id", nargs="+")
    product_backups.add_actions(actions)


def run(args: argparse.Namespace) -> int:
    from tryon_service.settings import load

    if args.action in product_backups.ACTIONS:
        return product_backups.run(args)
    action = {"sync": _sync, "list": _list, "show": _show, "delete": _delete}[args.action]
    with connect(load()) as client:
        return action(client, args)


def connect(settings: Settings) -> Client:
    """A client of the service that the settings name. Raises InputError naming the variable that is missing."""
    from tryon_service.client import Client

    if not settings.api_key:
        detail = "It holds a key with the scope products; 'tryon keys create' makes one."
        raise InputError("missing_field", detail, "TRYON_API_KEY")
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 - not bound
    near = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    return Client(settings.url or near, settings.api_key, timeout=TIMEOUT)


def _sync(client: Client, args: argparse.Namespace) -> int:
    from tryon_service.cli.catalogue_files import PhotoReader, read_catalogue
    from tryon_service.onboarding import sync

    catalogue = read_catalogue(args.catalogue)
    known = {product.id: product for product in client.list_products()}
    missing = sync.missing_from(catalogue, known) if args.delete_missing else []
    if args.delete_missing and catalogue.troubles:
        print("Nothing is deleted while lines of the catalogue can't be read.", file=sys.stderr)
    if missing and not args.yes:
        ask_first(missing)
    reader = PhotoReader(args.catalogue.parent, catalogue.cards)
    done: list[Synced] = []
    try:
        done.extend(_progress(sync.sync(client, catalogue, known, reader), len(catalogue)))
        done.extend(sync.delete(client, missing))
    finally:  # also when it breaks off: what has been done is done
        print(account(done))
    return exit_code(one.error for one in done if one.error is not None)


def ask_first(missing: Sequence[str]) -> None:
    """Raises InputError that names what would be deleted."""
    named = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
    detail = f"{len(missing)} products would be deleted: {named}. Add --yes to do it."
    raise InputError("invalid_option", detail, "--delete-missing")


def account(done: Sequence[Synced]) -> str:
    """What became of the catalogue: how many of what, then each line that failed and each photo that can't be used."""
    from tryon_service.onboarding.sync import What
    from tryon_service.onboarding.table import text_table

    counts = Counter(one.what for one in done)
    kinds = get_args(What)
    text = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind]) or "Nothing to do"
    rows = [row for one in sorted(done, key=lambda one: one.line) for row in _lines(one)]
    table = text_table(("line", "id", "field", "code", "what to do"), rows) if rows else ""
    return f"{table}\n{text}." if table else f"{text}."


def exit_code(errors: Iterable[TryonError]) -> int:
    """3 where only photos and lines are to blame, 1 where the service is."""
    codes = [REFUSED if isinstance(error, InputError | RefusedError) else FAILED for error in errors]
    return min(codes, default=DONE)


def _lines(one: Synced) -> list[tuple[str, str, str, str, str]]:
    """Rows of the table about a card: none where all is well."""
    from tryon_service.onboarding.advice import about, about_error

    line, error, rows = str(one.line), one.error, []
    if isinstance(error, RefusedError):
        rows = [(line, one.id, reason.photo, reason.code, about(reason)) for reason in error.reasons]
    elif error is not None:
        rows = [(line, one.id, error.field, error.code, about_error(error))]
    for index, reasons in (one.unusable or {}).items():
        text = f"{about(reasons[0])} The card's other photos are used."
        rows.append((line, one.id, f"photos[{index}]", reasons[0].code, text))
    return rows


def _progress(items: Iterable[Synced], total: int) -> Iterable[Synced]:
    """With a bar where there is a terminal."""
    from tqdm import tqdm

    bar: Iterable[Synced] = tqdm(items, total=total, unit="card", disable=None, file=sys.stderr)
    return bar


def _list(client: Client, _: argparse.Namespace) -> int:
    from tryon_service.onboarding.table import text_table

    header = ("id", "photos", "usable", "views", "rights reference")
    print(text_table(header, [_row(product) for product in client.list_products()]))
    return DONE


def _row(product: Product) -> tuple[str, ...]:
    usable = sum(photo.usable for photo in product.photos)
    views = ", ".join(dict.fromkeys(photo.seen_view or "-" for photo in product.photos))
    return product.id, str(len(product.photos)), str(usable), views, product.rights_reference


def _show(client: Client, args: argparse.Namespace) -> int:
    print(json.dumps(asdict(client.get_product(args.id)), indent=2))
    return DONE


def _delete(client: Client, args: argparse.Namespace) -> int:
    for product_id in args.ids:
        client.delete_product(product_id)
        print(f"Deleted {product_id}.")
    return DONE
