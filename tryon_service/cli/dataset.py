"""Build a dataset to train on from photos; an interrupted build goes on when the same command is given again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from tryon_service.cli.files import make_folder
from tryon_service.errors import InputError

HELP = "build a dataset to train on from photos"
PER_PHOTO, WORKERS = 2, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="make the samples that are missing", allow_abbrev=False)
    build.add_argument(
        "what", choices=["there-and-back"], help="people posed like others and back again, with the photo as the truth"
    )
    build.add_argument("--data", type=Path, required=True, help="folder with ccp/, store/ and two_poses/, or some")
    build.add_argument("--out", type=Path, required=True, help="folder for the shards and their manifest.json")
    build.add_argument("--limit", type=int, help="use only so many photos, some of each kind")
    build.add_argument("--per-photo", type=int, default=PER_PHOTO, help="samples of each photo (default %(default)s)")
    build.add_argument("--workers", type=int, default=WORKERS, help="processes (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    from tryon_service.training.build import Plan, build_there_and_back
    from tryon_service.training.shards import Split

    if not args.data.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(args.data)!r}.", "--data")
    for option in ("limit", "per_photo", "workers"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise InputError("invalid_option", f"{value} is not at least 1.", f"--{option.replace('_', '-')}")
    make_folder(args.out, "--out")
    manifest = build_there_and_back(args.data, args.out, Plan(args.limit, args.per_photo), args.workers)
    for split in get_args(Split):
        counts = manifest.counts(split)
        print(f"{split}: {sum(counts.values())} samples; {_listed(counts)}")
    print(f"without a sample: {_listed(manifest.failures)}")
    return 0


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
