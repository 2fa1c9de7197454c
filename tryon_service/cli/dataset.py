"""Build a dataset to train on from photos; an interrupted build goes on when the same command is given again."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tryon_service.cli.files import make_folder
from tryon_service.cli.render import parse_size
from tryon_service.errors import InputError

if TYPE_CHECKING:
    from tryon_service.imaging.frames import Region
    from tryon_service.training.pair_sources import CataloguePhoto
    from tryon_service.training.pairs import PairSource

HELP = "build a dataset to train on from photos"
PER_PHOTO, WORKERS = 2, 2
SIZE = (176, 256)
"""(width, height) that ADGAN and PATN draw at."""
UNSTATED = "not stated"
"""Stands in a manifest for where the models' consent is written, if nobody says."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="make the samples that are missing", allow_abbrev=False)
    what = build.add_subparsers(dest="what", required=True, metavar="WHAT")
    _there_and_back_arguments(
        what.add_parser(
            "there-and-back",
            help="people posed like others and back again, with the photo as the truth",
            allow_abbrev=False,
        )
    )
    _pairs_arguments(what.add_parser("pairs", help="the same person in two poses, or one", allow_abbrev=False))


def run(args: argparse.Namespace) -> int:
    for option in ("limit", "per_photo", "per_owner", "workers"):
        value = getattr(args, option, None)
        if value is not None and value < 1:
            raise InputError("invalid_option", f"{value} is not at least 1.", f"--{option.replace('_', '-')}")
    return _there_and_back(args) if args.what == "there-and-back" else _pairs(args)


def _there_and_back_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with ccp/, store/ and two_poses/, or some")
    _common_arguments(parser, "use only so many photos, some of each kind")
    parser.add_argument("--per-photo", type=int, default=PER_PHOTO, help="samples of each photo (default %(default)s)")


def _pairs_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--catalogue", type=Path, metavar="CSV", help="photos by product, columns as for tryon batch")
    source.add_argument("--video", type=Path, metavar="FILE", help="of one person, or a folder of its frames")
    source.add_argument("--deepfashion", type=Path, metavar="DIR", help="In-shop photos as PATN and ADGAN keep them")
    _common_arguments(parser, "use only so many products or people")
    parser.add_argument("--size", type=parse_size, default=SIZE, metavar="WxH", help="of the portraits (%(default)s)")
    parser.add_argument("--per-owner", type=int, metavar="N", help="photos of one product, frames of a video, at most")
    parser.add_argument("--there-and-back", action="store_true", help="catalogue: pose each person by warp too")
    parser.add_argument("--rights-reference", default=UNSTATED, help="catalogue: where the models' consent is written")
    parser.add_argument("--window", type=_window, metavar="X,Y,W,H", help="video: the part to use, default: found")


def _common_arguments(parser: argparse.ArgumentParser, limit: str) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards and their manifest.json")
    parser.add_argument("--limit", type=int, help=limit)
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes (default %(default)s)")


def _there_and_back(args: argparse.Namespace) -> int:
    from tryon_service.training.build import Plan, build_there_and_back
    from tryon_service.training.shards import Split

    if not args.data.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(args.data)!r}.", "--data")
    make_folder(args.out, "--out")
    manifest = build_there_and_back(args.data, args.out, Plan(args.limit, args.per_photo), args.workers)
    for split in get_args(Split):
        counts = manifest.counts(split)
        print(f"{split}: {sum(counts.values())} samples; {_listed(counts)}")
    print(f"without a sample: {_listed(manifest.failures)}")
    return 0


def _pairs(args: argparse.Namespace) -> int:
    from tryon_service.training.pairs import build_pairs
    from tryon_service.training.portraits import PortraitSet
    from tryon_service.training.shards import Split

    make_folder(args.out, "--out")
    with _source(args) as source:
        manifest = build_pairs(source, args.out, args.size, args.workers)
    people = PortraitSet(args.out, manifest)
    for split in get_args(Split):
        pairs = Counter[str](pair.kind for pair in people.pairs(split))
        print(f"{split}: {len(people.portraits(split))} portraits; pairs: {_listed(pairs)}")
    print(f"without a portrait: {_listed(Counter(manifest.dropped.values()))}")
    print(f"not taken for pairs: {_listed(Counter(manifest.dropped_pairs.values()))}")
    return 0


@contextmanager
def _source(args: argparse.Namespace) -> Iterator[PairSource]:
    """Raises InputError for what isn't there."""
    from tryon_service.training.deepfashion import DeepFashionSource
    from tryon_service.training.pair_sources import CatalogueSource
    from tryon_service.training.video_pairs import open_video

    path: Path = args.catalogue or args.video or args.deepfashion
    option = "--catalogue" if args.catalogue else "--video" if args.video else "--deepfashion"
    if not path.exists():
        raise InputError("invalid_option", f"There is no {str(path)!r}.", option)
    if args.catalogue:
        about = {"catalogue": path.name, "rights_reference": args.rights_reference}
        photos = tuple(_photos(path, args.rights_reference))
        yield CatalogueSource(photos, about, args.per_owner, args.limit, args.there_and_back)
    elif args.video:
        with open_video(path, args.size, args.per_owner, args.window) as video:
            yield video
    else:
        yield DeepFashionSource(path, args.per_owner, args.limit)


def _photos(catalogue: Path, rights_reference: str) -> Iterator[CataloguePhoto]:
    """Of all lines, also of those that nothing can be made of."""
    from tryon_service.batch.catalogue import Catalogue
    from tryon_service.batch.sources import check_name
    from tryon_service.training.pair_sources import CataloguePhoto

    for card in Catalogue(catalogue, rights_reference):
        for photo in card.photos:
            error = card.error or photo.error
            try:
                check_name(photo.file)
            except InputError as outside:
                error = error or outside
            owner = card.product_id or f"line {photo.line}"
            yield CataloguePhoto(
                f"{owner}/{photo.file}" if photo.error is None and photo.file else f"{owner}/line {photo.line}",
                owner,
                catalogue.parent / photo.file,
                photo.view,
                photo.columns.get("model", ""),
                error.code if error else "",
            )


def _window(text: str) -> Region:
    """(x, y, width, height) of "10,0,300,400"; for argparse, so it raises ArgumentTypeError."""
    if not re.fullmatch(r"-?\d{1,5},-?\d{1,5},[1-9]\d{0,4},[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y,WIDTH,HEIGHT in pixels, such as 10,0,300,400")
    x, y, width, height = (int(part) for part in text.split(","))
    return x, y, width, height


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
