"""How the service holds: a long run with misbehaving clients, and every fault, injected under load.

    python -m tests.reliability soak [--minutes 30] [--load 0.6] [--misbehaving 0.05] [--photos FOLDER]
    python -m tests.reliability faults [--load 0.3] [--only WORD ...]

Both start services of their own and need the machine for themselves. Small disks need root, a clock that can be set a C
compiler, and Redis its server; a fault that can't be injected is named as not tried. --json FILE keeps the figures,
--write FILE puts them as a table between the markers in a Markdown file. Exit code 1: something did not hold.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from tests.reliability import tables
from tests.reliability.catalogue import FAULTS
from tests.reliability.faults import chosen, run_all
from tests.reliability.people import SIZE, drawn, photographed
from tests.reliability.soak import Plan, soak


def main() -> int:
    args = arguments().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # either way, what was started is ended
        signal.signal(number, signal.default_int_handler)
    people = photographed(args.photos) if args.photos else drawn(args.size)
    if args.what == "soak":
        row = soak(people, Plan(60.0 * args.minutes, args.load, args.misbehaving), tell)
        text, held = tables.soak_table(row), all(row["met"].values())
    else:
        row = run_all(chosen(FAULTS, args.only), people.few(), args.load, tell)
        text, held = tables.fault_table(row), not any(one["problems"] for one in row["faults"])
    if args.json:
        args.json.write_text(json.dumps(row, indent=2) + "\n")
    if args.write:
        tables.write(args.write, args.what, text)
    sys.stdout.write(f"{text}\n{json.dumps(row, indent=2)}\n")
    return 0 if held else 1


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="what", required=True)
    for name, load in (("soak", 0.6), ("faults", 0.3)):
        one = commands.add_parser(name)
        one.add_argument("--load", type=float, default=load, help="share of the capacity (default: %(default)s)")
        one.add_argument("--photos", type=Path, help="folder of real photos; default: drawn figures")
        one.add_argument("--size", type=size, default=SIZE, metavar="WxH", help="of the drawn figures")
        one.add_argument("--json", type=Path, help="file for all figures")
        one.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
        if name == "soak":
            one.add_argument("--minutes", type=float, default=30.0)
            one.add_argument("--misbehaving", type=float, default=0.05, help="share of the arrivals")
        else:
            one.add_argument("--only", nargs="+", metavar="WORD", default=[], help="faults with this in their name")
    return parser


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
