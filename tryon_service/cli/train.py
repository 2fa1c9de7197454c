"""Train a network of our own; an interrupted run goes on when the same command is given again."""

from __future__ import annotations

import argparse
import importlib.util
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from tryon_service.cli.files import make_folder
from tryon_service.errors import InputError

HELP = "train the human parser, the repairing network, or a network that draws people"
PAIRS, FRAMES = "a dataset of pairs", "a dataset of one person's frames, 64x64"
DATA: Mapping[str, str] = MappingProxyType(
    {
        "parser": "folder with photos/, labels/ and labels.txt",
        "refine": "a there-and-back dataset",
        "adgan": PAIRS,
        "patn": PAIRS,
        "nearest": FRAMES,
        "pose2image": FRAMES,
        "pose2image-gan": FRAMES,
    }
)
"""What each network learns from."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", choices=list(DATA), help="what to train")
    data = "; ".join(f"{name}: {what}" for name, what in DATA.items())
    parser.add_argument("--data", type=Path, required=True, help=data)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, curves and the network's file")
    parser.add_argument("--recipe", type=Path, help="TOML file; default: the one in training/recipes")
    parser.add_argument(
        "--unlabelled",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="parser: further photos to learn from without labels; may be given several times",
    )
    parser.add_argument(
        "--vgg",
        type=Path,
        metavar="FILE",
        help="adgan, patn: weights of a VGG19 as torchvision has them; default: likeness is judged by the parser",
    )
    parser.add_argument(
        "--from", type=Path, dest="start", metavar="FILE", help="adgan, patn: weights of ours to go on from"
    )


def run(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("torch") is None:
        raise InputError("invalid_option", "Training needs the extra neural: pip install 'tryon-service[neural]'.")
    _check_paths(args)
    make_folder(args.out, "--out")
    logging.getLogger("tryon_service.training").setLevel(logging.INFO)
    print(_TRAIN[args.network](args))
    return 0


def _parser(args: argparse.Namespace) -> Path:
    from tryon_service.training.parser import train_parser
    from tryon_service.training.recipe import read_recipe

    return train_parser(args.data, args.out, read_recipe(args.recipe), unlabelled=args.unlabelled)


def _refine(args: argparse.Namespace) -> Path:
    from tryon_service.training.recipe import read_refine_recipe
    from tryon_service.training.refine import train_refine

    return train_refine(args.data, args.out, read_refine_recipe(args.recipe))


def _generator(args: argparse.Namespace) -> Path:
    from tryon_service.training.generator_recipe import read_generator_recipe
    from tryon_service.training.generator_run import train_generator

    recipe = read_generator_recipe(args.network, args.recipe)
    return train_generator(args.network, args.data, args.out, recipe, vgg=args.vgg, start=args.start)


def _nearest(args: argparse.Namespace) -> Path:
    from tryon_service.training.teaching import train_nearest

    return train_nearest(args.data, args.out)


def _teaching(args: argparse.Namespace) -> Path:
    from tryon_service.training.generator_recipe import read_teaching_recipe
    from tryon_service.training.teaching import train_teaching

    return train_teaching(args.network, args.data, args.out, read_teaching_recipe(args.network, args.recipe))


_TRAIN: Mapping[str, Callable[[argparse.Namespace], Path]] = MappingProxyType(
    {
        "parser": _parser,
        "refine": _refine,
        "adgan": _generator,
        "patn": _generator,
        "nearest": _nearest,
        "pose2image": _teaching,
        "pose2image-gan": _teaching,
    }
)


def _check_paths(args: argparse.Namespace) -> None:
    for folder, field in ((args.data, "--data"), *((extra, "--unlabelled") for extra in args.unlabelled)):
        if not folder.is_dir():
            raise InputError("invalid_option", f"There is no folder {str(folder)!r}.", field)
    of_pairs = [name for name, what in DATA.items() if what == PAIRS]
    for value, field, takes_it, why in (
        (args.unlabelled, "--unlabelled", ["parser"], "Only the parser learns from photos without labels."),
        (args.vgg, "--vgg", of_pairs, f"Only {' and '.join(of_pairs)} take it."),
        (args.start, "--from", of_pairs, f"Only {' and '.join(of_pairs)} take it."),
        (args.recipe, "--recipe", [name for name in DATA if name != "nearest"], "nearest has nothing to set."),
    ):
        if value and args.network not in takes_it:
            raise InputError("invalid_option", why, field)
    for file, field in ((args.recipe, "--recipe"), (args.vgg, "--vgg"), (args.start, "--from")):
        if file is not None and not file.is_file():
            raise InputError("invalid_option", f"There is no file {str(file)!r}.", field)
