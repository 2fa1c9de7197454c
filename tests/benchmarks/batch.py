"""Whole catalogues: how fast, how they bear being killed, and how they bear 10,000 lines of which some are wrong.

    python -m tests.benchmarks.batch throughput [--limit N] [--poses POSE ...]
    python -m tests.benchmarks.batch kills --times 20 [--engine local|ray] [--what run|worker]
    python -m tests.benchmarks.batch ten-thousand [--rows 10000] [--poison 0.03]

Runs `tryon batch` as it is used, over ../shared/data/store unless --catalogue names another. What is wanted stands
among the figures, and the exit code is 1 if it isn't met. Needs nothing else to run on the machine; the load average
beside the figures says whether that was so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.batch_poison import photos_of, write_catalogue, wrong_codes
from tests.benchmarks.batch_runs import Order, Running, Writes, check, differences, finished, started, table
from tryon_service.batch.catalogue import Catalogue

STORE = Path(__file__).parents[2] / "../shared/data/store/catalogue.csv"
POSES = ("standing", "arms_relaxed", "contrapposto", "one_step", "walking", "hand_on_hip_left")
TWO = ("--workers", "2", "--threads", "1")
WAYS: Mapping[str, Sequence[str]] = {
    "one process, both cores": ("--workers", "1", "--threads", "2"),
    "one worker": ("--workers", "1", "--threads", "1"),
    "two workers": TWO,
    "ray, two actors": ("--engine", "ray", *TWO),
}
"""Options of a run, by what it is called here."""
WANTED: Sequence[tuple[str, str, float]] = (
    ("two workers", "one worker", 1.6),
    ("two workers", "one process, both cores", 1.1),
    ("ray, two actors", "two workers", 0.75),
)
"""(whose rate, by whose, at least)."""
WANTED_SLOPE = 0.5
"""MB of memory that 1,000 further rows may take. More counts if it is more than two standard errors more, and with
a standard error above this nothing was measured."""
BLOCKS = 40
SLACK = 2
"""Kills of workers are so many batches apart: an item that is at work in two of them has failed, as it should."""


def throughput(order: Order, work: Path) -> dict[str, Any]:
    """Every way once, one after the other, and what they have in common."""
    ways = {way: options for way, options in WAYS.items() if "ray" not in way or has_ray()}
    items = Catalogue(order.catalogue, "benchmark", order.limit).products * len(order.poses)
    row: dict[str, Any] = {"rows_expected": items, "ways": {}}
    first = None
    for way, options in ways.items():
        out = work / way.replace(",", "").replace(" ", "-")
        ran = finished(order, out, *options)
        figures = {
            "rows": sum(1 for _ in table(out)),
            "rows_per_s": round(ran.rate, 3),
            "start_up_s": round(ran.first, 1),
            "whole_s": round(ran.seconds, 1),
            "peak_mb": round(ran.peak),
            "by_status": dict(Counter(one["status"] for one in table(out))),
            "different": 0 if first is None else len(differences(first, out)),
        }
        first = first or out
        row["ways"][way] = _told(way, figures)
    rates = {way: figures["rows_per_s"] for way, figures in row["ways"].items()}
    pairs = [(one, by, least) for one, by, least in WANTED if one in rates and rates[by]]
    row["ratios"] = {f"{one} / {by}": [round(rates[one] / rates[by], 2), f">= {least}"] for one, by, least in pairs}
    row["met"] = {
        "rates": all(rates[one] >= least * rates[by] for one, by, least in pairs),
        "rows accounted for": all(figures["rows"] == items for figures in row["ways"].values()),
        "same pictures and rows": not any(figures["different"] for figures in row["ways"].values()),
    }
    return row


def has_ray() -> bool:
    there = importlib.util.find_spec("ray") is not None
    if not there:
        sys.stderr.write("Ray is not installed: its part is left out (pip install -e '.[batch]').\n")
    return there


def kills(order: Order, work: Path, times: int, engine: str, what: str, seed: int) -> dict[str, Any]:
    """A run that is killed so often, or whose workers are, against one that isn't."""
    options = (*TWO, "--engine", engine)
    whole, out = finished(order, work / "whole", *options), work / "out"
    _told("unbroken", {"seconds": round(whole.seconds, 1), "rows": whole.rows})
    moments = Moments(random.Random(seed), whole, times, len(order.poses))
    with Writes(out) as writes:
        killed = (
            kill_runs(order, out, options, moments) if what == "run" else kill_workers(order, out, options, moments)
        )
    batch = len(order.poses) * (2 if what == "run" else 1)
    journal = [line for path in (out / ".run").glob("*.jsonl") for line in path.read_text().splitlines()]
    items = Counter((one["product_id"], one["pose"]) for one in map(json.loads, journal))
    row = {
        "killed": what,
        "engine": engine,
        "kills": killed,
        "pictures_repeated": writes.repeated,
        "rows_repeated": items.total() - len(items),
        "batch": len(order.poses),
        "different": differences(work / "whole", out)[:10],
    }
    row["met"] = {
        "killed as often as asked": killed == times,
        "same pictures and rows": not row["different"],
        "at most a batch of each worker that was killed": writes.repeated <= batch * killed,
    }
    return row


class Moments:
    """When to kill: at a number of rows and so many seconds after it, each in a stretch of the run of its own."""

    def __init__(self, dice: random.Random, whole: Running, times: int, batch: int) -> None:
        stretch = whole.rows / times
        self.rows = [round(stretch * (number + dice.random() / SLACK)) for number in range(times)]
        most = min(batch, stretch / (2 * SLACK)) / max(whole.rate, 0.1)
        self.delays = [dice.random() * most for _ in range(times)]


def kill_runs(order: Order, out: Path, options: Sequence[str], moments: Moments) -> int:
    """How often there was still something to kill; the last one goes on to the end."""
    killed = 0
    for rows, delay in zip(moments.rows, moments.delays, strict=True):
        with started(order, out, *options) as run:
            run.watch(lambda run=run, rows=rows: run.journal.rows >= rows)  # type: ignore[misc]
            wait_on(run, delay)
            if run.process.poll() is None:
                killed += 1
                sys.stderr.write(f"kill {killed} at {run.journal.rows} rows, {run.seconds:.1f} s\n")
                run.kill()
    finished(order, out, *options)
    return killed


def kill_workers(order: Order, out: Path, options: Sequence[str], moments: Moments) -> int:
    """One run, which loses a worker again and again."""
    killed, dice = 0, random.Random(len(moments.rows))
    with started(order, out, *options) as run:
        for rows, delay in zip(moments.rows, moments.delays, strict=True):
            run.watch(lambda rows=rows: run.rows >= rows)  # type: ignore[misc]
            wait_on(run, delay)
            run.watch(run.workers)
            if run.process.poll() is None:
                killed += 1
                sys.stderr.write(f"kill {killed} at {run.rows} rows, {run.seconds:.1f} s\n")
                run.kill(dice.choice(run.workers()))
        run.watch()
    check(run)
    return killed


def wait_on(run: Running, delay: float) -> None:
    """Watch for so many seconds more."""
    until = run.seconds + delay
    run.watch(lambda: run.seconds >= until)


def ten_thousand(order: Order, work: Path, rows: int, poison: float) -> dict[str, Any]:
    """A long run over few photos with wrong lines, and another one after it."""
    photos = photos_of(order.catalogue)
    poisoned = write_catalogue(work / "shop", photos, rows, poison)
    long = Order(work / "shop" / "catalogue.csv", order.poses[:1], work / "shop" / "photos")
    catalogue = Catalogue(long.catalogue, "benchmark")
    out = work / "out"
    kept = ("--cache", str(work / "analyses"))
    ran = observed(long, out, *kept)
    wrong = wrong_codes(table(out), poisoned)
    made = sum(1 for _ in table(out))
    again = finished(long, out, *TWO, *kept)
    slope, error = slope_of(ran.samples, ran.rows)
    row: dict[str, Any] = {
        "lines": rows,
        "products": catalogue.products,
        "rows": made,
        "by_status": dict(Counter(one["status"] for one in table(out))),
        "poisoned": dict(Counter(poisoned.values())),
        "wrong": wrong[:10],
        "rows_per_s": round(ran.rate, 3),
        "whole_s": round(ran.seconds, 1),
        "peak_mb": round(ran.peak),
        "mb_per_1000_rows": round(slope, 3),
        "standard_error": round(error, 3),
        "second_run": {"rows_made": again.rows, "whole_s": round(again.seconds, 1)},
        "analyses": analyses(table(out), len(photos)),
    }
    row["met"] = {
        "every row is there": made == catalogue.products,
        "every poisoned line has its code": not wrong,
        "memory doesn't grow": error <= WANTED_SLOPE and slope - 2 * error <= WANTED_SLOPE,
        "the second run renders nothing": again.rows == 0,
    }
    return row


def observed(order: Order, out: Path, *options: str) -> Running:
    """A run that says now and then how far it is."""
    with started(order, out, *TWO, *options) as run:
        while run.process.poll() is None:
            until = run.seconds + 60.0
            run.watch(lambda until=until: run.seconds >= until)  # type: ignore[misc]
            mb = run.samples[-1][2] if run.samples else 0.0
            sys.stderr.write(f"{run.rows} rows, {run.seconds:.0f} s, {mb:.0f} MB\n")
    check(run)
    return run


def slope_of(samples: Sequence[tuple[float, int, float]], rows: int) -> tuple[float, float]:
    """(MB for each 1,000 rows, its standard error), by least squares through the least memory in each of BLOCKS equal
    parts of the rows, what is held while nothing is worked at; the first tenth, when things warm up, is left out.
    Infinite where too little was seen."""
    floors = dict[int, tuple[float, float]]()
    for _, made, mb in samples:
        if rows / 10 <= made < rows:
            block = BLOCKS * made // rows
            floors[block] = min(floors.get(block, (mb, made / 1000)), (mb, made / 1000))
    if len(floors) < 3:
        return float("inf"), 0.0
    lows, at = zip(*floors.values(), strict=True)
    slope, start = statistics.linear_regression(at, lows)
    left = sum((mb - start - slope * row) ** 2 for mb, row in zip(lows, at, strict=True)) / (len(floors) - 2)
    return slope, math.sqrt(left / sum((row - statistics.fmean(at)) ** 2 for row in at))


def analyses(rows: Any, distinct: int) -> dict[str, Any]:
    """Whether a photo that another product had before is analysed again: how many were, and the median seconds of the
    pictures with a new photo and with a known one, which would take a fraction if it wasn't."""
    known, new, old, photos = set[str](), list[float](), list[float](), 0
    for row in rows:
        read = [photo["sha256"] for photo in json.loads(row["photos"]) if photo["sha256"]]
        photos += len(read)
        if read and row["status"] in ("rendered", "doubtful"):
            (old if set(read) <= known else new).append(row["seconds"])
        known |= set(read)
    medians = {name: statistics.median(seconds) for name, seconds in (("new", new), ("known", old)) if seconds}
    return {
        "distinct_photos": distinct,
        "photos_looked_at": photos,
        "median_s": {name: round(seconds, 3) for name, seconds in medians.items()},
        "again_for_known_photos": medians["known"] > 0.5 * medians["new"] if len(medians) == 2 else None,
    }


def _told(step: str, outcome: Any) -> Any:
    """The outcome, after a line on the terminal: all steps together take long."""
    sys.stderr.write(f"{step}: {outcome}\n")
    return outcome


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--catalogue", type=Path, default=STORE)
    common.add_argument("--poses", nargs="+", default=POSES)
    common.add_argument("--limit", type=int, help="only so many products")
    common.add_argument("--work", type=Path, help="folder for the outputs, kept; default: one that is removed")
    common.add_argument("--json", type=Path, help="file for the figures; default: print")
    modes = parser.add_subparsers(dest="mode", required=True)
    modes.add_parser("throughput", parents=[common])
    kill = modes.add_parser("kills", parents=[common])
    kill.add_argument("--times", type=int, default=20)
    kill.add_argument("--engine", choices=("local", "ray"), default="local")
    kill.add_argument("--what", choices=("run", "worker"), default="run")
    kill.add_argument("--seed", type=int, default=8)
    long = modes.add_parser("ten-thousand", parents=[common])
    long.add_argument("--rows", type=int, default=10_000, help="lines of the catalogue")
    long.add_argument("--poison", type=float, default=0.03, help="share of lines that are wrong")
    args = parser.parse_args(words)
    order = Order(args.catalogue.resolve(), args.poses, limit=args.limit)
    measures: Mapping[str, Callable[[Path], dict[str, Any]]] = {
        "throughput": lambda work: throughput(order, work),
        "kills": lambda work: kills(order, work, args.times, args.engine, args.what, args.seed),
        "ten-thousand": lambda work: ten_thousand(order, work, args.rows, args.poison),
    }
    with tempfile.TemporaryDirectory(prefix="tryon-batch-") as folder:
        row: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "cores": os.cpu_count()}
        work = args.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        row |= measures[args.mode](work) | {"load_average_after": os.getloadavg()[0]}
    text = json.dumps(row, indent=2)
    if args.json:
        args.json.write_text(text + "\n")
    else:
        sys.stdout.write(text + "\n")
    return 0 if all(row["met"].values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
