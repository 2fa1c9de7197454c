"""A first picture without any photo of your own: two drawn figures, one wearing the garment, one in another pose.

With --shop a small shop opens instead, whose pages have the widget on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tryon_service.cli import demo_shop
from tryon_service.cli.files import check_writable, write_atomically
from tryon_service.errors import InputError, RefusedError

HELP = "draw two figures, render, and say where the picture is; or open a demo shop"
PRODUCT_POSE, SHOPPER_POSE = "standing", "hand_on_hip"
TILE = (576, 768)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("tryon-demo.png"), help="default: tryon-demo.png")
    demo_shop.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.shop:
        return demo_shop.run(args)
    for option in demo_shop.OPTIONS:
        if getattr(args, option) is not None:
            raise InputError("invalid_option", "It goes with --shop.", f"--{option.replace('_', '-')}")
    return _first_picture(args)


def _first_picture(args: argparse.Namespace) -> int:
    from tryon_service.evaluation.drawing import fitted, rgb_of, sheet
    from tryon_service.figures import OUTFITS, draw_figure
    from tryon_service.imaging.encode import encode, format_for
    from tryon_service.pipeline import Pipeline, RenderRequest
    from tryon_service.report import describe

    picture_format = format_for(args.out.suffix)
    strip_path = args.out.with_name(f"{args.out.stem}-strip{args.out.suffix}")
    for path in (args.out, strip_path):
        check_writable(path, "--out")
    product = draw_figure(PRODUCT_POSE, OUTFITS["print_tee"]).photo
    shopper = draw_figure(SHOPPER_POSE, OUTFITS["striped_long"]).photo
    pipeline = Pipeline()
    result = pipeline.render(RenderRequest(encode(shopper, "png"), (encode(product, "png"),)))
    if result.picture is None:
        raise RefusedError(result.verdict.reasons, describe(result.verdict.reasons[0]))
    picture = rgb_of(result.picture)
    mark = pipeline.renderer(result.renderer).info.mark
    write_atomically(args.out, encode(picture, picture_format, mark=mark))
    strip = sheet([[fitted(one, TILE) for one in (shopper, product, picture)]])
    write_atomically(strip_path, encode(strip, picture_format, mark=mark))
    print(f"{result.verdict.status}: {args.out} shows the model in the shopper's pose;")
    print(f"{strip_path} shows shopper, product and result side by side.")
    return 0
