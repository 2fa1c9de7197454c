"""Render a whole catalogue in a set of poses. A run that was interrupted goes on when the command is given again.

The catalogue is CSV, Parquet or lines of JSON with the columns product_id, file and, if known, view; or with id, photos
and views, as for `tryon products sync`. Pictures go to OUT/<product>/<pose>, and a table with a row for each to OUT.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tryon_service.cli.render import parse_size
from tryon_service.errors import InputError, TryonError
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from tryon_service.batch.catalogue import Catalogue
    from tryon_service.batch.keys import Recipe
    from tryon_service.batch.outputs import Outputs
    from tryon_service.batch.poses import NamedPose
    from tryon_service.batch.results import TableFormat
    from tryon_service.batch.run import Run

HELP = "render a whole catalogue in a set of poses"
DONE, INTERRUPTED = 0, 130
FORMATS = ("jpeg", "png", "webp", "avif")
STATUSES = ("rendered", "doubtful", "refused", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalogue", type=Path, required=True, help="the file: .csv, .tsv, .parquet or .jsonl")
    parser.add_argument("--photos", metavar="DIR|URL", help="where its photos are; default: the catalogue's folder")
    parser.add_argument(
        "--poses",
        required=True,
        nargs="+",
        metavar="POSE",
        help="names of house poses, pose files (.json) and photos of somebody in the pose",
    )
    parser.add_argument("--out", required=True, metavar="DIR|URL", help="where pictures and results go")
    parser.add_argument("--rights-reference", default="", metavar="TEXT", help=RIGHTS_HELP)
    _add_picture_arguments(parser)
    _add_run_arguments(parser)


RIGHTS_HELP = "where it is written that the models agreed to be re-posed, unless a column rights_reference says so"


def _add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="jpeg", help="default: jpeg")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="fit inside, keep the aspect, never enlarge")
    parser.add_argument(
        "--background", default="product", metavar="product|transparent|#rrggbb", help="default: product"
    )
    parser.add_argument("--renderer", default="", help=f"default: {Settings.renderer}")
    parser.add_argument(
        "--min-verdict",
        choices=("accepted", "doubtful"),
        default="doubtful",
        help="the weakest verdict that still gets a picture; default: doubtful",
    )


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=_count, help="processes; default: one for each CPU")
    parser.add_argument("--limit", type=_count, help="only so many products, the catalogue's first")
    parser.add_argument(
        "--only-missing", action="store_true", help="leave every row alone that an earlier run has made"
    )
    parser.add_argument("--again", type=_statuses, default=frozenset(), metavar="STATUS,...", help="make these anew")
    parser.add_argument("--table", choices=("parquet", "jsonl"), help="default: parquet if the batch extra is there")
    parser.add_argument("--state", type=Path, metavar="DIR", help="the run's own files; needed if OUT is a URL")
    parser.add_argument(
        "--item-timeout", type=float, default=120.0, metavar="SECONDS", help="for one picture; default: 120"
    )
    parser.add_argument("--json-progress", action="store_true", help="lines of JSON on standard output, for machines")


def run(args: argparse.Namespace) -> int:
    from tryon_service.batch.catalogue import Catalogue
    from tryon_service.batch.ledger import open_ledger
    from tryon_service.batch.outputs import open_outputs
    from tryon_service.batch.results import table_format
    from tryon_service.batch.run import Run
    from tryon_service.batch.sources import open_photos

    form, state = table_format(args.table), _state(args)
    args.photos = args.photos or str(args.catalogue.parent)
    catalogue = Catalogue(args.catalogue, args.rights_reference, args.limit)
    confirm_rights(catalogue)
    open_photos(args.photos)
    recipe, poses = _prepare(args)
    outputs = open_outputs(args.out)
    with open_ledger(state) as ledger:
        outputs.clear()
        _write_preview(poses, outputs)
        return _render(Run(catalogue, poses, ledger, args.only_missing), args, recipe, outputs, form)


def _render(work: Run, args: argparse.Namespace, recipe: Recipe, outputs: Outputs, form: TableFormat) -> int:
    from tryon_service.batch.local import LocalPool
    from tryon_service.batch.progress import open_progress
    from tryon_service.batch.worker import Plan

    cores = os.cpu_count() or 1
    workers = args.workers or cores
    plan = Plan(args.photos, args.out, recipe, args.again, threads=max(cores // workers, 1))
    pool = LocalPool(plan, work.ledger, workers=workers, item_timeout=args.item_timeout)
    say = sys.stderr if args.json_progress else sys.stdout
    try:
        with draining() as stop, open_progress(work.items, as_json=args.json_progress) as progress:
            complete = work.render(pool.render, progress, stop)
    except (TryonError, KeyboardInterrupt):
        print(resuming(), file=sys.stderr)
        raise
    if not complete:
        print(f"{progress.done} of {progress.total} pictures are done. {resuming()}", file=sys.stderr)
        return INTERRUPTED
    table = work.finish(form, outputs)
    print(f"{progress.summary()}. Every row is in {args.out.rstrip('/')}/{table}.", file=say)
    return DONE


def confirm_rights(catalogue: Catalogue) -> None:
    """Ask, where there is somebody to ask. Raises InputError("missing_field") where there isn't."""
    from tryon_service.batch.catalogue import check_rights

    if catalogue.referenced or catalogue.rights_reference:
        return
    if sys.stdin.isatty():
        question = "Where is it written that the models in these photos agreed to be re-posed? "
        catalogue.rights_reference = input(question).strip()
    try:
        check_rights(catalogue.rights_reference)
    except InputError as error:
        raise InputError(error.code, error.detail, "--rights-reference") from error


@contextlib.contextmanager
def draining() -> Iterator[Event]:
    """An event that the first Ctrl-C, or SIGTERM, sets; the second one interrupts as always."""
    stop = Event()

    def ask(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        print("\nFinishing what is in flight; again, and it ends at once.", file=sys.stderr)

    before = {which: signal.signal(which, ask) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def resuming() -> str:
    """How to go on."""
    return f"Go on with: {shlex.join(['tryon', *sys.argv[1:]])}"


def _prepare(args: argparse.Namespace) -> tuple[Recipe, Sequence[NamedPose]]:
    """What is to be made of every card. Raises InputError and RefusedError for what can't be, before any work."""
    from tryon_service.batch.keys import Recipe
    from tryon_service.batch.poses import read_poses
    from tryon_service.pipeline import Pipeline, RenderRequest
    from tryon_service.poses.house import FOLDER
    from tryon_service.settings import load

    if args.background == "transparent" and args.format == "jpeg":
        raise InputError("invalid_option", "JPEG has no transparency; use png, webp or avif.", "--format")
    pipeline = Pipeline(cache_bytes=0)
    poses = read_poses(args.poses, load().data / FOLDER, pipeline.analyse_pose)
    RenderRequest(poses[0].pose, (b"",), background=args.background)
    renderer = pipeline.renderer(args.renderer).info.name
    return Recipe(renderer, args.format, args.size, args.background, args.min_verdict), poses


def _write_preview(poses: Sequence[NamedPose], outputs: Outputs) -> None:
    from tryon_service.batch.poses import PREVIEW, preview
    from tryon_service.imaging.encode import encode

    outputs.write(PREVIEW, encode(preview(poses), "png"))


def _state(args: argparse.Namespace) -> Path:
    """The folder of the run's own files. Raises InputError if there is none beside a URL."""
    from tryon_service.batch.outputs import STATE
    from tryon_service.batch.sources import local_folder

    folder = local_folder(args.out)
    if args.state is None and folder is None:
        raise InputError("missing_field", "With a URL as --out, the run's own files need a folder here.", "--state")
    return args.state or (folder or Path()) / STATE


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _statuses(text: str) -> frozenset[str]:
    statuses = frozenset(text.split(","))
    if not statuses <= set(STATUSES):
        raise argparse.ArgumentTypeError(f"{text!r} is not some of {','.join(STATUSES)}")
    return statuses
