"""What the widget's tag costs a page: Lighthouse's performance score of a product's page with it and without.

    npm ci --prefix tests/benchmarks/widget_lighthouse
    python -m tests.benchmarks.widget_lighthouse [--repeat 5] [--catalogue CSV] [--json FILE]

Runs the demo shop on this machine and looks at the page as Lighthouse does by default, as a phone on a slow network,
in turns with and without the tag. Ends with 0 where the median score loses no more than is allowed, else with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.widget.chromium import executable
from tests.widget.open_shop import open_shop

HERE = Path(__file__).parent
LIGHTHOUSE = HERE / "node_modules" / ".bin" / "lighthouse"
FLAGS = "--headless=new --no-sandbox"
"""Of the browser: a root user has no sandbox."""
ALLOWED = 2.0
"""Points of 100 that the tag may cost."""
PATIENCE = 180.0
"""Seconds for one look at a page."""
METRICS = {
    "first_contentful_paint_ms": "first-contentful-paint",
    "largest_contentful_paint_ms": "largest-contentful-paint",
    "speed_index_ms": "speed-index",
    "total_blocking_time_ms": "total-blocking-time",
    "cumulative_layout_shift": "cumulative-layout-shift",
}


def look(url: str, browser: str) -> dict[str, float]:
    """Score, 0 to 100, and metrics of a page. Raises CalledProcessError, and RuntimeError if it couldn't be judged."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        report = Path(folder) / "report.json"
        command = [str(LIGHTHOUSE), url, "--only-categories=performance", "--output=json", f"--output-path={report}"]
        subprocess.run(
            [*command, "--quiet", "--no-enable-error-reporting", f"--chrome-flags={FLAGS}"],
            check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, "CHROME_PATH": browser},
        )  # fmt: skip
        found = json.loads(report.read_text("utf-8"))
    score = found["categories"]["performance"]["score"]
    if score is None:
        raise RuntimeError(f"no score: {found.get('runtimeError') or found['runWarnings']}")
    audits = found["audits"]
    return {"score": 100 * score, **{name: audits[audit]["numericValue"] for name, audit in METRICS.items()}}


def compare(page: str, browser: str, repeat: int) -> dict[str, Any]:
    """Medians with and without the tag, and what it loses."""
    pages = {"with": page, "without": f"{page}?widget=off"}
    looks: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
    row: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "cores": os.cpu_count()}
    for _ in range(repeat):
        for name, url in pages.items():
            looks[name].append(look(url, browser))
            sys.stderr.write(f"{name}: {looks[name][-1]['score']:.0f}\n")
    row |= {name: {"scores": [round(one["score"]) for one in some], **medians(some)} for name, some in looks.items()}
    loss = row["without"]["score"] - row["with"]["score"]
    return row | {"loss": round(loss, 1), "allowed": ALLOWED, "load_average_after": os.getloadavg()[0]}


def medians(looks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in looks), 3) for name in looks[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=5, help="looks at each of the two pages")
    parser.add_argument("--catalogue", type=Path, help="what the shop sells; default: drawn figures")
    parser.add_argument("--json", type=Path, help="file for the figures; default: print")
    args = parser.parse_args()
    browser = executable()
    if browser is None or not LIGHTHOUSE.exists():
        sys.stderr.write(f"Needs Chromium on the PATH, and npm ci --prefix {os.path.relpath(HERE)}\n")
        return 2
    with open_shop(args.catalogue) as shop:
        row = compare(f"{shop.url}/p/{shop.products[0]}", browser, args.repeat)
    text = json.dumps(row, indent=2)
    if args.json:
        args.json.write_text(text + "\n")
    else:
        sys.stdout.write(text + "\n")
    return 0 if row["loss"] <= ALLOWED else 1


if __name__ == "__main__":
    raise SystemExit(main())
