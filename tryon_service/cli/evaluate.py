"""Measure on a folder of photos: figures as JSON and one page with pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from tryon_service.cli.files import make_folder
from tryon_service.errors import InputError

HELP = "measure on a folder of photos: figures and a page with pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", help="identity, matrix, parsers, parsing or pose")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with models/ and ccp/unlabelled/; for parsing with photos/ and labels/",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for figures.json and index.html")
    parser.add_argument("--limit", type=int, help="use only the first photos of each kind")


def run(args: argparse.Namespace) -> int:
    from tryon_service.evaluation.run import evaluate

    if not args.data.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(args.data)!r}.", "--data")
    if args.limit is not None and args.limit < 1:
        raise InputError("invalid_option", f"{args.limit} is not at least 1.", "--limit")
    make_folder(args.out, "--out")
    page = evaluate(args.suite, args.data, args.out, args.limit)
    print(page)
    return 0
