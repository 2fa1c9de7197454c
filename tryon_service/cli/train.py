"""Train a network of our own; an interrupted run goes on when the same command is given again."""

from __future__ import annotations

import argparse
import importlib.util
import logging
from pathlib import Path

from tryon_service.cli.files import make_folder
from tryon_service.errors import InputError

HELP = "train the human parser or the repairing network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", choices=["parser", "refine"], help="what to train")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="parser: folder with photos/, labels/ and labels.txt; refine: a there-and-back dataset",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, curves and the ONNX file")
    parser.add_argument("--recipe", type=Path, help="TOML file; default: the one the shipped network was made with")
    parser.add_argument(
        "--unlabelled",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="parser: further photos to learn from without labels; may be given several times",
    )


def run(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("torch") is None:
        raise InputError("invalid_option", "Training needs the extra neural: pip install 'tryon-service[neural]'.")
    _check_paths(args)
    make_folder(args.out, "--out")
    logging.getLogger("tryon_service.training").setLevel(logging.INFO)
    if args.network == "refine":
        from tryon_service.training.recipe import read_refine_recipe
        from tryon_service.training.refine import train_refine

        print(train_refine(args.data, args.out, read_refine_recipe(args.recipe)))
    else:
        from tryon_service.training.parser import train_parser
        from tryon_service.training.recipe import read_recipe

        print(train_parser(args.data, args.out, read_recipe(args.recipe), unlabelled=args.unlabelled))
    return 0


def _check_paths(args: argparse.Namespace) -> None:
    for folder, field in ((args.data, "--data"), *((extra, "--unlabelled") for extra in args.unlabelled)):
        if not folder.is_dir():
            raise InputError("invalid_option", f"There is no folder {str(folder)!r}.", field)
    if args.unlabelled and args.network != "parser":
        raise InputError("invalid_option", "Only the parser learns from photos without labels.", "--unlabelled")
    if args.recipe is not None and not args.recipe.is_file():
        raise InputError("invalid_option", f"There is no file {str(args.recipe)!r}.", "--recipe")
