"""Find the person in a photo: landmarks, matte, parsing and surface."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tryon_service.cli.files import check_writable, read_photo, write_atomically, write_json

if TYPE_CHECKING:
    from PIL.Image import Image

    from tryon_service.perception.base import SurfaceMap
    from tryon_service.types import Keypoints, Person, Size, UInt8Array

HELP = "find the person in a photo: landmarks, matte, parsing, surface"
BACKENDS = {"pose": "blazepose", "matter": "guided", "parser": "network"}
"""The defaults of analysis.Analyst, which takes long to import; perception/backends.py has the others' names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, help="any photo of one person")
    parser.add_argument("--json", type=Path, required=True, help="33 landmarks, COCO's 18 joints, bounding box")
    parser.add_argument("--overlay", type=Path, help="the photo with the skeleton drawn over it")
    parser.add_argument("--parsing", type=Path, help="palette PNG of the fifteen parts' ids, of the photo's size")
    parser.add_argument("--matte", type=Path, help="grey PNG: the share of each pixel that is the person")
    parser.add_argument(
        "--surface",
        type=Path,
        help="RGB PNG: DensePose's chart from 1 to 24, and u and v on it times 255; needs detectron2",
    )
    for option, default in BACKENDS.items():
        parser.add_argument(f"--{option}", default=default, metavar="BACKEND", help=f"default: {default}")
    parser.add_argument("--device", default="cpu", help="of backends that use torch: cpu, cuda, cuda:1 (default: cpu)")


def run(args: argparse.Namespace) -> int:
    import cv2

    from tryon_service.devices import use_device
    from tryon_service.evaluation.drawing import skeleton
    from tryon_service.imaging.decode import decode
    from tryon_service.imaging.encode import encode, format_for
    from tryon_service.perception.backends import SURFACE
    from tryon_service.perception.base import PoseEstimate
    from tryon_service.pipeline import Pipeline

    for option in ("json", "overlay", "parsing", "matte", "surface"):
        check_writable(getattr(args, option), f"--{option}")
    overlay_format = format_for(args.overlay.suffix) if args.overlay else None
    use_device(args.device)
    data = read_photo(args.photo, "photo")
    pipeline = Pipeline(pose=args.pose, matter=args.matter, parser=args.parser)
    mapper = SURFACE.create("densepose") if args.surface else None
    person = pipeline.analyse_pose(data, "photo")
    size = person.photo.size
    keypoints = person.keypoints.moved(person.photo.reduction)
    if args.overlay and overlay_format:
        whole = decode(data, "photo", max_side=max(size))
        write_atomically(args.overlay, encode(skeleton(whole.rgb, keypoints), overlay_format))
    if args.parsing:
        parsing = cv2.resize(person.parsing, size, interpolation=cv2.INTER_NEAREST)
        write_atomically(args.parsing, palette_png(parsing.astype("uint8")))
    if args.matte:
        matte = cv2.resize(person.matte, size, interpolation=cv2.INTER_LINEAR)
        write_atomically(args.matte, grey_png((matte * 255).round().astype("uint8")))
    if mapper:
        found = mapper.map_surface(person.photo, PoseEstimate(person.keypoints, person.matte, 1.0))
        write_atomically(args.surface, surface_png(found, size))
    write_json(args.json, person_rows(person, keypoints))
    return 0


def person_rows(person: Person, keypoints: Keypoints) -> dict[str, Any]:
    """person.json: everything in pixels of the upright photo as it is in the file.

    landmarks: 33 rows of x, y, z, visibility; coco18: 18 rows of x, y, seen (0 or 1); box: left, top, right, bottom.
    """
    from tryon_service.perception.skeletons import coco18
    from tryon_service.report import coco18_rows

    width, height = person.photo.size
    rows = zip(keypoints.xyz, keypoints.visibility, strict=True)
    return {
        "width": width,
        "height": height,
        "landmarks": [[*(round(float(v), 2) for v in xyz), round(float(visible), 4)] for xyz, visible in rows],
        "coco18": coco18_rows(coco18(keypoints)),
        "box": [round(edge * person.photo.reduction) for edge in person.box],
    }


def palette_png(parsing: UInt8Array) -> bytes:
    """H x W uint8 of Part ids as a single-channel PNG with PALETTE's colours."""
    import PIL.Image

    from tryon_service.evaluation.drawing import PALETTE

    height, width = parsing.shape
    image = PIL.Image.frombytes("P", (width, height), parsing.tobytes())
    image.putpalette(PALETTE.ravel().tolist())
    return _png(image, bits=8)


def surface_png(surface: SurfaceMap, size: Size) -> bytes:
    """Chart, u and v as red, green and blue, of this (width, height); u and v from 0 to 255."""
    import cv2
    import numpy as np
    import PIL.Image

    values = np.dstack([surface.parts, np.rint(surface.uv * 255).astype(np.uint8)])
    return _png(PIL.Image.fromarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)))


def grey_png(values: UInt8Array) -> bytes:
    """H x W uint8 as a grey PNG."""
    import PIL.Image

    return _png(PIL.Image.fromarray(values))


def _png(image: Image, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()
