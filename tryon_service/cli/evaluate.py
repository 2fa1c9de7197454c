"""Measure on a folder of photos: figures as JSON and one page with pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from tryon_service.cli.files import make_folder
from tryon_service.errors import InputError
from tryon_service.settings import Settings

HELP = "measure on a folder of photos: figures and a page with pictures"
SUITES = (
    "cards, cycle, fidelity, identity, integrity, judged, matrix, pairs, parsers, parsing, pose, renderers, speed or "
    "two_poses"
)
SHOPPERS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", help=SUITES)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with models/ and ccp/unlabelled/; for parsing with photos/ and labels/; for pairs with "
        "deepfashion_pairs/; for cards with store/ and two_poses/ as well",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for figures.json and index.html; a run that was interrupted goes on from its records.jsonl",
    )
    parser.add_argument("--limit", type=int, help="use only so many photos of each kind")
    parser.add_argument("--shoppers", type=int, default=SHOPPERS, help="shoppers per model (default %(default)s)")
    parser.add_argument("--renderer", default=Settings.renderer, help="default: %(default)s")
    parser.add_argument("--baseline", type=Path, help="records.jsonl of another version's run, to compare with")


def run(args: argparse.Namespace) -> int:
    from tryon_service.evaluation.run import evaluate
    from tryon_service.pipeline import Pipeline

    if not args.data.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(args.data)!r}.", "--data")
    for name in ("limit", "shoppers"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError("invalid_option", f"{value} is not at least 1.", f"--{name}")
    make_folder(args.out, "--out")
    pipeline = Pipeline(renderer=args.renderer)
    pipeline.renderer(args.renderer)  # no other one is measured in its place where its weights are missing
    page = evaluate(args.suite, args.data, args.out, args.limit, args.shoppers, args.baseline, pipeline)
    print(page)
    return 0
