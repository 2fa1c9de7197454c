"""tryon products backup, verify and restore: with the engine's own settings, as its user, and without an API key."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tryon_service.products.manifest import Manifest
    from tryon_service.products.restore import What
    from tryon_service.products.secrets_backup import Secrets

ACTIONS = ("backup", "verify", "restore")
RESTART = "Start engine and gateway again: secrets are read at the start."


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    backup = actions.add_parser(
        "backup", help="all stores' products into one file; no need to stop", allow_abbrev=False
    )
    verify = actions.add_parser("verify", help="read a backup through: is it whole?", allow_abbrev=False)
    restore = actions.add_parser("restore", help="bring a backup's products back as they were", allow_abbrev=False)
    for parser in (backup, verify, restore):
        parser.add_argument("file", metavar="FILE", help="a path, or an fsspec URL such as s3://bucket/name.zip")
    keys = "API keys and signing secrets, a file apart: keep it as you keep passwords"
    backup.add_argument("--secrets", type=Path, metavar="FILE", help=f"also write {keys}")
    restore.add_argument("--secrets", type=Path, metavar="FILE", help=f"also bring back {keys}")
    merge = "where there are products already: keep those, or replace them by the backup's of the same id"
    restore.add_argument("--merge", choices=("keep", "replace"), help=merge)


def run(args: argparse.Namespace) -> int:
    action = {"backup": _backup, "verify": _verify, "restore": _restore}[args.action]
    action(args)
    return 0


def _backup(args: argparse.Namespace) -> None:
    from tryon_service.products.backup import back_up
    from tryon_service.products.backup_files import backup_file
    from tryon_service.products.open import open_kept
    from tryon_service.products.secrets_backup import Secrets, check_new
    from tryon_service.settings import load

    settings = load()
    if args.secrets:
        check_new(args.secrets)
    secrets = Secrets.of(settings) if args.secrets else None
    with closing(open_kept(settings)) as store:
        manifest = back_up(store, backup_file(args.file), _bar)
    print(f"Wrote {args.file!r} and read it back: {_about(manifest)}.")
    if secrets is not None:
        secrets.write(args.secrets)
        print(f"Wrote {str(args.secrets)!r}: {_contents(secrets)}.")
        if settings.secrets:
            print(
                "TRYON_SECRETS is set: what it holds is not in that file; keep it where it comes from.", file=sys.stderr
            )


def _verify(args: argparse.Namespace) -> None:
    from tryon_service.products.backup import opened
    from tryon_service.products.backup_files import backup_file

    with opened(backup_file(args.file)) as backup:
        backup.check(_bar)
    print(f"{args.file!r} is whole: {_about(backup.manifest)}.")


def _restore(args: argparse.Namespace) -> None:
    from tryon_service.products.backup import opened
    from tryon_service.products.backup_files import backup_file
    from tryon_service.products.open import open_store
    from tryon_service.products.restore import restore
    from tryon_service.products.secrets_backup import Secrets
    from tryon_service.settings import load

    settings = load()
    secrets = Secrets.read(args.secrets) if args.secrets else None
    done: Counter[What] = Counter()
    with opened(backup_file(args.file)) as backup, closing(open_store(settings)) as store:
        try:
            restore(backup, store, args.merge, done, _bar)
        finally:  # also when it breaks off: what has been done is done
            if done:
                print(account(done, backup.manifest))
    if secrets is not None:
        secrets.restore(settings)
        print(f"Back: {_contents(secrets)}. {RESTART}")


def account(done: Counter[What], manifest: Manifest) -> str:
    """What became of the backup's products, and what to do where not all were reached."""
    from tryon_service.products.restore import WHATS

    text = ", ".join(f"{done[what]} {what}" for what in WHATS if done[what])
    missing = len(manifest.products) - done.total()
    return f"{text}." if not missing else f"{text}; {missing} still missing: the same command goes on."


def _about(manifest: Manifest) -> str:
    when = datetime.fromtimestamp(manifest.taken_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    counts = (
        f"{_number(len(manifest.products), 'product')} of {_number(len(manifest.stores), 'store')}",
        _number(len(manifest.photos), "photo"),
        f"{manifest.size / 1e6:.1f} MB",
    )
    return f"{', '.join(counts)}, as of {when}"


def _contents(secrets: Secrets) -> str:
    return f"{_number(len(secrets.keys), 'API key')}, {_number(len(secrets.secrets), 'secret')}"


def _number(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Where there is a terminal."""
    from tqdm import tqdm

    with tqdm(desc=what, total=total, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar:
        yield bar.update
