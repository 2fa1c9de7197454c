"""Render a whole catalogue in a set of poses. A run that was interrupted goes on when the command is given again.

The catalogue is CSV, Parquet or lines of JSON with the columns product_id, file and, if known, view; or with id, photos
and views, as for `tryon products sync`. Pictures go to OUT/<product>/<pose>, and a table with a row for each to OUT.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tryon_service.cli.render import parse_size
from tryon_service.errors import InputError, TryonError
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from tryon_service.batch.catalogue import Catalogue
    from tryon_service.batch.engines import EngineOptions
    from tryon_service.batch.keys import Recipe
    from tryon_service.batch.metrics_file import RunMetrics
    from tryon_service.batch.outputs import Outputs
    from tryon_service.batch.poses import NamedPose
    from tryon_service.batch.results import TableFormat
    from tryon_service.batch.run import Engine, Run
    from tryon_service.batch.worker import Plan

HELP = "render a whole catalogue in a set of poses"
DONE, INTERRUPTED = 0, 130
DAY = 86400
"""Seconds."""
GB = 10**9
FORMATS = ("jpeg", "png", "webp", "avif")
STATUSES = ("rendered", "doubtful", "refused", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalogue", type=Path, required=True, help="the file: .csv, .tsv, .parquet or .jsonl")
    parser.add_argument("--photos", metavar="DIR|URL", help="where its photos are; default: the catalogue's folder")
    parser.add_argument("--poses", required=True, nargs="+", metavar="POSE", help=POSES_HELP)
    parser.add_argument("--out", required=True, metavar="DIR|URL", help="where pictures and results go")
    parser.add_argument("--rights-reference", default="", metavar="TEXT", help=RIGHTS_HELP)
    _add_picture_arguments(parser)
    _add_run_arguments(parser)
    _add_engine_arguments(parser)


POSES_HELP = "names of house poses, pose files (.json) and photos of somebody in the pose"
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
    parser.add_argument("--limit", type=_count, help="only so many products, the catalogue's first")
    parser.add_argument("--only-missing", action="store_true", help="leave alone every row that an earlier run made")
    parser.add_argument("--again", type=_statuses, default=frozenset(), metavar="STATUS,...", help="make these anew")
    parser.add_argument("--table", choices=("parquet", "jsonl"), help="default: parquet if the batch extra is there")
    parser.add_argument("--state", type=Path, metavar="DIR", help="the run's own files; needed if OUT is a URL")
    parser.add_argument(
        "--cache",
        type=Path,
        default=os.environ.get("TRYON_CACHE_DIR") or None,
        metavar="DIR",
        help="keep analysed photos in this private folder, for other poses; default: TRYON_CACHE_DIR if set, else none",
    )
    parser.add_argument("--cache-size", type=_count, default=20, metavar="GB", help="room in it; default: 20")
    parser.add_argument("--json-progress", action="store_true", help="lines of JSON on standard output, for machines")
    parser.add_argument("--metrics-file", type=Path, metavar="FILE.prom", help="for the node exporter's textfiles")


def _add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who does the work")
    group.add_argument(
        "--engine", choices=("local", "ray"), help="processes of this machine (default), or Ray, with the batch extra"
    )
    group.add_argument("--server", metavar="URL", help="a running service; its key is in TRYON_API_KEY")
    group.add_argument(
        "--priority",
        choices=("batch", "shopper"),
        default="batch",
        help="batch (default) lets others go first: processes here, a service's shoppers; shopper doesn't",
    )
    group.add_argument(
        "--workers", type=_count, help="processes; default: one for each CPU. Of --server: calls at a time"
    )
    group.add_argument("--threads", type=_count, help="CPUs of each worker; default: its share")
    group.add_argument(
        "--item-timeout", type=_seconds, default=120.0, metavar="SECONDS", help="for one picture; default: 120"
    )
    group.add_argument("--address", help="of a Ray cluster, host:port or auto; default: a Ray of this run's own")
    group.add_argument("--gpus", type=_gpus, help="of each of Ray's workers, a share of one or a whole number")
    group.add_argument("--api-key-file", type=Path, metavar="FILE", help="with the key for --server")


def run(args: argparse.Namespace) -> int:
    from tryon_service.batch.catalogue import Catalogue
    from tryon_service.batch.engines import open_engine
    from tryon_service.batch.ledger import open_ledger
    from tryon_service.batch.metrics_file import open_metrics
    from tryon_service.batch.outputs import open_outputs
    from tryon_service.batch.results import table_format
    from tryon_service.batch.run import Run
    from tryon_service.batch.sources import open_photos
    from tryon_service.batch.worker import Plan

    options = _engine_options(args)
    form, state = table_format(args.table), _state(args)
    args.photos = args.photos or str(args.catalogue.parent)
    catalogue = Catalogue(args.catalogue, args.rights_reference, args.limit)
    confirm_rights(catalogue)
    open_photos(args.photos)
    recipe, poses = _prepare(args)
    outputs = open_outputs(args.out)
    with open_ledger(state) as ledger, open_metrics(args.metrics_file) as metrics:
        outputs.clear()
        _write_preview(poses, outputs)
        work = Run(catalogue, poses, ledger, args.only_missing)
        sources = {pose.name: source for pose, source in zip(poses, args.poses, strict=True)}
        room = args.cache_size * GB
        plan = Plan(
            args.photos, args.out, recipe, args.again, cache=args.cache, cache_bytes=room, priority=args.priority
        )
        with open_engine(options, plan, ledger, sources) as engine:
            complete = _render(work, engine, args, metrics)
        if complete:
            _finish(work, plan, args, outputs, form)
            metrics.complete()
        return DONE if complete else INTERRUPTED


def _render(work: Run, engine: Engine, args: argparse.Namespace, metrics: RunMetrics) -> bool:
    """Whether all is done now."""
    from tryon_service.batch.progress import open_progress

    try:
        with draining() as stop, open_progress(work.items, as_json=args.json_progress) as progress:
            progress.metrics = metrics
            complete = work.render(engine, progress, stop)
    except InputError:  # the same command would end in the same way
        raise
    except (TryonError, KeyboardInterrupt):
        print(resuming(), file=sys.stderr)
        raise
    if not complete:
        print(f"{progress.done} of {progress.total} pictures are done. {resuming()}", file=sys.stderr)
    else:
        print(f"{progress.summary()}.", file=sys.stderr if args.json_progress else sys.stdout)
    return complete


def _finish(work: Run, plan: Plan, args: argparse.Namespace, outputs: Outputs, form: TableFormat) -> None:
    from tryon_service.batch.report import write_report

    table = work.finish(form, outputs)
    page = write_report(work, plan, args.catalogue.name, table, outputs)
    say = sys.stderr if args.json_progress else sys.stdout
    print(f"Look at {args.out.rstrip('/')}/{page}; every row is in {table} beside it.", file=say)


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


def _engine_options(args: argparse.Namespace) -> EngineOptions:
    """Raises InputError for options that don't go together."""
    from tryon_service.batch.engines import EngineOptions

    options = EngineOptions(**{option.name: getattr(args, option.name) for option in fields(EngineOptions)})
    options.check()
    return options


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


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 0 < seconds <= DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to {DAY}")
    return seconds


def _gpus(text: str) -> float:
    share = _number(text)
    if not (0 < share <= 1 or (share > 1 and share.is_integer())):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a share up to 1 nor a whole number")
    return share


def _number(text: str) -> float:
    """Not a number for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _statuses(text: str) -> frozenset[str]:
    statuses = frozenset(text.split(","))
    if not statuses <= set(STATUSES):
        raise argparse.ArgumentTypeError(f"{text!r} is not some of {','.join(STATUSES)}")
    return statuses
