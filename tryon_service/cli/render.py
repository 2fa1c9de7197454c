"""Put a product card's model into the shopper's pose."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tryon_service.cli.files import PHOTO_CODES, check_writable, make_folder, read_photo, write_atomically, write_json
from tryon_service.errors import InputError, RefusedError
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from tryon_service.request import Lender, RenderRequest
    from tryon_service.types import Size

HELP = "render a product photo in the shopper's pose"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shopper", type=Path, required=True, help="the shopper's photo")
    parser.add_argument(
        "--product",
        type=Path,
        required=True,
        action="append",
        help="the product photo; give several of one card and the best fitting one is used",
    )
    parser.add_argument("--out", type=Path, required=True, help="the picture: .jpg, .png, .webp or .avif")
    parser.add_argument(
        "--background", default="product", metavar="product|shopper|transparent|#rrggbb", help="default: product"
    )
    parser.add_argument("--frame", choices=("product", "shopper"), default="product", help="default: product")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="fit inside, keep the aspect, never enlarge")
    parser.add_argument("--renderer", default="", help=f"default: {Settings.renderer}")
    parser.add_argument(
        "--look",
        type=parse_lender,
        nargs="+",
        default=(),
        metavar="ATTRIBUTE=N",
        help="take an attribute from another product photo, counted from 0, or from the shopper, as in upper=1 "
        "face=shopper; only with renderers that decompose, such as adgan",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=os.environ.get("TRYON_CACHE_DIR") or None,
        metavar="DIR",
        help="keep analysed product photos in this private folder; default: TRYON_CACHE_DIR if set, else none",
    )
    parser.add_argument("--report", type=Path, help="write verdict, reasons, scores and timings as JSON")
    parser.add_argument(
        "--debug", type=Path, metavar="DIR", help="write skeleton, matte, parsing and layers as pictures"
    )


def run(args: argparse.Namespace) -> int:
    from tryon_service.cli.debug import write_debug
    from tryon_service.imaging.encode import encode
    from tryon_service.pipeline import Job, Pipeline
    from tryon_service.report import describe, failed, report

    picture_format = check_outputs(args)
    pipeline = Pipeline(cache_folder=args.cache)
    try:
        job = Job(read_request(args))
        result = pipeline.run(job)
    except InputError as error:
        if args.report and error.code in PHOTO_CODES:
            write_json(args.report, report(failed(error, args.renderer or pipeline.default_renderer)))
        raise
    if args.debug:
        write_debug(args.debug, job)
    if args.report:
        write_json(args.report, report(result))
    if result.picture is None:
        raise RefusedError(result.verdict.reasons, describe(result.verdict.reasons[0]))
    mark = pipeline.renderer(result.renderer).info.mark
    write_atomically(args.out, encode(result.picture, picture_format, credit=result.credit, mark=mark))
    return 0


def check_outputs(args: argparse.Namespace) -> str:
    """The picture's format. Raises InputError for what can't be written, before any work is done."""
    from tryon_service.imaging.encode import format_for

    picture_format = format_for(args.out.suffix)
    if args.background == "transparent" and picture_format == "jpeg":
        raise InputError("invalid_option", "JPEG has no transparency; use .png, .webp or .avif.", "--background")
    check_writable(args.out, "--out")
    check_writable(args.report, "--report")
    if args.debug:
        make_folder(args.debug, "--debug")
    return picture_format


def read_request(args: argparse.Namespace) -> RenderRequest:
    """Raises InputError for files that can't be read and options that make no sense."""
    from tryon_service.request import RenderRequest

    return RenderRequest(
        shopper=read_photo(args.shopper, "--shopper"),
        products=tuple(read_photo(path, "--product") for path in args.product),
        background=args.background,
        frame=args.frame,
        size=args.size,
        renderer=args.renderer,
        look=dict(args.look),
    )


def parse_lender(text: str) -> tuple[str, Lender]:
    """("upper", 1) of "upper=1", ("face", "shopper") of "face=shopper"; for argparse, so it raises
    ArgumentTypeError."""
    match = re.fullmatch(r"([a-z]+)=(?:(\d{1,3})|shopper)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not ATTRIBUTE=N with a product photo's number, or =shopper")
    return match[1], int(match[2]) if match[2] else "shopper"


def parse_size(text: str) -> Size:
    """(width, height) of "768x1024"; for argparse, so it raises ArgumentTypeError."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 768x1024")
    return int(match[1]), int(match[2])
