"""Judge pictures by eye and fit the verdict to what was judged; run as `python -m tryon_service.cli.judge COMMAND`.

sheets     draw pairs of the shop's cards and shoppers, render all, write a sheet of each and forms for two judges
labels     join both judges' forms and the key to a labels file of names and words
calibrate  fit the weights on the calibration set and report on the check set
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tryon_service.cli.files import make_folder, write_atomically, write_json
from tryon_service.errors import InputError
from tryon_service.settings import Settings


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="judge", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sheets = commands.add_parser("sheets")
    sheets.add_argument("--data", type=Path, required=True, help="folder with store/ and ccp/photos/")
    sheets.add_argument("--out", type=Path, required=True)
    sheets.add_argument("--pairs", type=int, default=240)
    sheets.add_argument("--cards", type=int, default=48, help="how many cards to draw from")
    sheets.add_argument("--shoppers", type=int, default=120, help="how many shoppers to draw from")
    sheets.add_argument("--seed", type=int, default=4)
    sheets.add_argument("--renderer", default=Settings.renderer)
    labels = commands.add_parser("labels")
    labels.add_argument("--sheets", type=Path, required=True, help="folder with key.json, judge1.csv and judge2.csv")
    labels.add_argument("--out", type=Path, required=True, help="the labels file, a fingerprint is written beside it")
    fitting = commands.add_parser("calibrate")
    fitting.add_argument("--sheets", type=Path, required=True, help="folder with key.json")
    fitting.add_argument("--labels", type=Path, required=True)
    fitting.add_argument("--table", type=Path, required=True, help="the file of quality/tables to write")
    fitting.add_argument("--report", type=Path, help="a JSON file for all figures")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    {"sheets": _sheets, "labels": _labels, "calibrate": _calibrate}[args.command](args)
    return 0


def _sheets(args: argparse.Namespace) -> None:
    from tryon_service.evaluation.judging.sheets import make_sheets
    from tryon_service.pipeline import Pipeline

    make_folder(args.out, "--out")
    drawn = {"pairs": args.pairs, "card_count": args.cards, "shopper_count": args.shoppers, "seed": args.seed}
    pipeline = Pipeline(renderer=args.renderer)
    pipeline.renderer(args.renderer)  # no other one is judged in its place where its weights are missing
    key = make_sheets(pipeline, args.data, args.out, **drawn)
    print(f"{len(key['pictures'])} sheets of {key['population']} pairs in {args.out}")


def _labels(args: argparse.Namespace) -> None:
    from tryon_service.evaluation.judging.labels import Label, read_judge, write_labels

    key = _key(args.sheets)
    forms = [read_judge(args.sheets / name) for name in ("judge1.csv", "judge2.csv")]
    digest = key["renderer_digest"]
    labels = []
    for row in key["pictures"]:
        words = [form.get(row["number"], "") for form in forms]
        if all(words):
            labels.append(Label(row["product"], row["shopper"], row["set"], words[0], words[1], digest))
    make_folder(args.out.parent, "--out")
    write_labels(args.out, labels)
    write_atomically(args.out.parent / "fingerprint.json", (args.sheets / "fingerprint.json").read_bytes())
    print(f"{len(labels)} of {len(key['pictures'])} pictures judged by both: {args.out}")


def _calibrate(args: argparse.Namespace) -> None:
    from tryon_service.evaluation.judging.calibrate import calibrate, join, to_toml
    from tryon_service.evaluation.judging.labels import read_labels

    key = _key(args.sheets)
    done = calibrate(join(key, read_labels(args.labels)), key["renderer_digest"])
    write_atomically(args.table, to_toml(done.table).encode())
    if args.report:
        write_json(args.report, done.report)
    print(json.dumps({name: value for name, value in done.report.items() if name != "curve"}, indent=1))


def _key(folder: Path) -> dict[str, Any]:
    path = folder / "key.json"
    if not path.is_file():
        raise InputError("invalid_option", f"There is no key.json in {str(folder)!r}.", "--sheets")
    key: dict[str, Any] = json.loads(path.read_text())
    return key


if __name__ == "__main__":
    sys.exit(main())
