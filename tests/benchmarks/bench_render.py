"""How long one picture takes, step by step, at 768 x 1024 with the product analysed before; memory; the cold command.

    python -m tests.benchmarks.bench_render [--repeat N]

Photos of ../shared/data where it is present, else the project's own drawn figures.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.pairs import Pair, pairs
from tryon_service.pipeline import Pipeline, RenderRequest

SIZE = (768, 1024)
PHONE = (3024, 4032)


def measure(repeat: int = 5) -> dict[str, Any]:
    """Medians in milliseconds, peak memory in megabytes, the cold command in seconds."""
    pipeline, chosen = Pipeline(), pairs()
    analyses: list[dict[str, float]] = []
    steps: list[dict[str, float]] = []
    statuses: list[str] = []
    for pair in chosen:
        product = pipeline.analyse_product(pair.product, size=SIZE)
        analyses.append(dict(product.timings_ms))
        for _ in range(repeat):
            result = pipeline.render(RenderRequest(shopper=pair.shopper, products=(product,), size=SIZE))
            if result.picture is not None:
                steps.append(dict(result.timings_ms))
        statuses.append(result.verdict.status)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "pairs": len(chosen),
        "verdicts": statuses,
        "product_ms": medians(analyses),
        "render_ms": medians(steps),
        "phone_shopper_ms": phone_shopper(pipeline, chosen[0], repeat),
        "product_from_folder_ms": product_from_folder(chosen[0], repeat),
        "peak_memory_mb": round(memory),
        "cold_command_s": round(statistics.median(cold(chosen[0]) for _ in range(3)), 2),
    }


def phone_shopper(pipeline: Pipeline, pair: Pair, repeat: int) -> float:
    """Milliseconds from a JPEG of 12 megapixels to a Person; the shopper's photo enlarged, once for warming up."""
    photo = Image.open(io.BytesIO(pair.shopper)).convert("RGB").resize(PHONE)
    file = io.BytesIO()
    photo.save(file, "jpeg", quality=90)
    times = [timed(lambda: pipeline.analyse_pose(file.getvalue())) for _ in range(repeat + 1)]
    return round(statistics.median(times[1:]), 1)


def product_from_folder(pair: Pair, repeat: int) -> float:
    """Milliseconds in which a process that never saw the product reads its analysis."""
    with tempfile.TemporaryDirectory() as name:
        times = []
        for _ in range(repeat + 1):
            pipeline = Pipeline(cache_folder=Path(name))
            pipeline.networks("warp")
            times.append(timed(lambda: pipeline.analyse_product(pair.product, size=SIZE)))  # noqa: B023 - called at once
        return round(statistics.median(times[1:]), 1)


def timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    """Per step, and of the sums."""
    steps = {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}
    return steps | {"total": round(statistics.median(sum(row.values()) for row in rows), 1)}


def cold(pair: Pair) -> float:
    """Seconds the whole command takes in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "shopper").write_bytes(pair.shopper)
        (folder / "product").write_bytes(pair.product)
        files = ["--shopper", str(folder / "shopper"), "--product", str(folder / "product")]
        command = [sys.executable, "-m", "tryon_service", "render", *files, "--out", str(folder / "out.jpg")]
        start = time.perf_counter()
        subprocess.run([*command, "--size", f"{SIZE[0]}x{SIZE[1]}"], check=True)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    print(json.dumps(measure(parser.parse_args().repeat), indent=2))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
