"""API keys of the stores: make, list and revoke them, and see what was done with them."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tryon_service.access.keys import ApiKey

HELP = "make, list and revoke API keys, export their usage"
DAY = 86400.0
"""Seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, this once", allow_abbrev=False)
    create.add_argument("--store", required=True, help="the store that the key belongs to")
    create.add_argument("--scopes", default="render", help="some of render, products and admin, with commas")
    create.add_argument("--name", default="", help="what the key is for, for people")
    create.add_argument("--days", type=float, help="how long it is valid; default: until it is revoked")
    show = actions.add_parser("list", help="keys, without their secrets", allow_abbrev=False)
    show.add_argument("--store", help="of this store only")
    revoke = actions.add_parser("revoke", help="end a key, and its tokens and links, at once", allow_abbrev=False)
    revoke.add_argument("id", help="the key's id, as listed; the whole key will do as well")
    usage = actions.add_parser("usage", help="calls by day, key, route and outcome, as CSV", allow_abbrev=False)
    usage.add_argument("--store", help="of this store only")
    usage.add_argument("--since", type=parse_day, metavar="YYYY-MM-DD", help="first day, in UTC")
    usage.add_argument("--until", type=parse_day, metavar="YYYY-MM-DD", help="last day, in UTC")
    usage.add_argument("--out", type=Path, help="file to write; default: print")


def run(args: argparse.Namespace) -> int:
    from tryon_service.access.access import KEYS_FILE
    from tryon_service.settings import load

    action = {"create": _create, "list": _list, "revoke": _revoke, "usage": _usage}[args.action]
    return action(load().data / KEYS_FILE, args)


def parse_day(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-05-01") from None


def _create(file: Path, args: argparse.Namespace) -> int:
    from tryon_service.access.keys import KeyStore

    scopes = [scope.strip() for scope in args.scopes.split(",")]
    ttl = None if args.days is None else args.days * DAY
    key, text = KeyStore(file).create(args.store, scopes, name=args.name, ttl=ttl)
    print(text)
    print(f"Key {key.id} of {key.store}. It can't be shown again; keep it as a password.", file=sys.stderr)
    return 0


def _list(file: Path, args: argparse.Namespace) -> int:
    from tryon_service.access.keys import KeyStore

    for key in KeyStore(file).list(args.store):
        print("  ".join((key.id, key.store, ",".join(sorted(key.scopes)), _state(key), key.name)).rstrip())
    return 0


def _revoke(file: Path, args: argparse.Namespace) -> int:
    from tryon_service.access.keys import PREFIX, KeyStore

    key = KeyStore(file).revoke(args.id.removeprefix(PREFIX).partition("_")[0])
    print("  ".join((key.id, key.store, _state(key))))
    return 0


def _usage(file: Path, args: argparse.Namespace) -> int:
    from tryon_service.access.usage import Usage, UsageRow
    from tryon_service.cli.files import check_writable, write_atomically

    check_writable(args.out, "--out")
    rows = Usage(file).rows(store=args.store, since=args.since, until=args.until)
    text = _csv([one.name for one in fields(UsageRow)], (astuple(row) for row in rows))
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_atomically(args.out, text.encode())
    return 0


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _state(key: ApiKey) -> str:
    if key.revoked is not None:
        return f"revoked {_when(key.revoked)}"
    if key.expires is None:
        return f"active since {_when(key.created)}"
    return f"{'active until' if key.active(time.time()) else 'expired'} {_when(key.expires)}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
