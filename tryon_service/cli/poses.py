"""House poses, which a render takes by name: list and draw them, add more from photos, carry them elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tryon_service.errors import InputError, RefusedError

if TYPE_CHECKING:
    from tryon_service.poses.pose import Pose
    from tryon_service.types import UInt8Array

HELP = "list, draw, add and export house poses"
SIDE, GREY = 1200, 90
"""Longest side of a drawn pose, pixels, and the value of its ground."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a pose, of which only the keypoints are kept", allow_abbrev=False)
    add.add_argument("name", help="what renders will call it, as in name:standing")
    add.add_argument("source", type=Path, help="a photo, or a file that export has written (.json)")
    add.add_argument("--replace", action="store_true", help="even if a pose of this name was added before")
    actions.add_parser("list", help="names, and how each body stands", allow_abbrev=False)
    show = actions.add_parser("show", help="draw a pose as a stick figure", allow_abbrev=False)
    show.add_argument("name")
    show.add_argument("--out", type=Path, required=True, help="the picture: .png, .jpg, .webp or .avif")
    export = actions.add_parser("export", help="write a pose's keypoints as JSON", allow_abbrev=False)
    export.add_argument("name")
    export.add_argument("--out", type=Path, required=True, help="the file: .json")


def run(args: argparse.Namespace) -> int:
    from tryon_service.poses.house import FOLDER
    from tryon_service.settings import load

    action = {"add": _add, "list": _list, "show": _show, "export": _export}[args.action]
    action(load().data / FOLDER, args)
    return 0


def _add(folder: Path, args: argparse.Namespace) -> None:
    from tryon_service.cli.files import make_folder, write_json
    from tryon_service.poses.files import pose_to_json, read_pose
    from tryon_service.poses.house import pose_file

    file = pose_file(folder, args.name)
    if file.exists() and not args.replace:
        raise InputError("invalid_option", f"There is a pose {args.name!r} already; --replace replaces it.", "name")
    pose = read_pose(args.source) if args.source.suffix.lower() == ".json" else _of_photo(args.source)
    make_folder(folder, "TRYON_DATA")
    write_json(file, pose_to_json(pose))
    print(f"Added name:{args.name}.")


def _of_photo(path: Path) -> Pose:
    """Raises RefusedError also for what would only be a doubt: it would be one for ever."""
    from tryon_service.cli.files import read_photo
    from tryon_service.pipeline import Pipeline, shopper_pose

    pose = shopper_pose(Pipeline().analyse_pose(read_photo(path, "source"), "source"))
    if pose.doubts:
        raise RefusedError(pose.doubts)
    return pose


def _list(folder: Path, _: argparse.Namespace) -> None:
    from tryon_service.choice import view_name
    from tryon_service.poses.house import house_pose, names

    for name in names(folder):
        print(f"{name}  {view_name(house_pose(name, folder).keypoints())}")


def _show(folder: Path, args: argparse.Namespace) -> None:
    from tryon_service.cli.files import check_writable, write_atomically
    from tryon_service.imaging.encode import encode, format_for
    from tryon_service.poses.house import house_pose

    picture_format = format_for(args.out.suffix)
    check_writable(args.out, "--out")
    write_atomically(args.out, encode(drawn(house_pose(args.name, folder)), picture_format))


def _export(folder: Path, args: argparse.Namespace) -> None:
    from tryon_service.cli.files import check_writable, write_json
    from tryon_service.poses.files import pose_to_json
    from tryon_service.poses.house import house_pose

    check_writable(args.out, "--out")
    write_json(args.out, pose_to_json(house_pose(args.name, folder)))


def drawn(pose: Pose) -> UInt8Array:
    """The stick figure on grey, H x W x 3 uint8, within SIDE pixels."""
    import numpy as np

    from tryon_service.evaluation.drawing import skeleton
    from tryon_service.imaging.frames import fit_size

    width, height = fit_size(pose.size, (SIDE, SIDE))
    paper = np.full((height, width, 3), GREY, np.uint8)
    return skeleton(paper, pose.keypoints().moved(width / pose.size[0]))
