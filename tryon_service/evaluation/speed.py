"""The time budget, row by row, in one run at 768 x 1024 on at most two cores; medians in milliseconds.

shopper: a 12-megapixel JPEG to a Person (decode, pose, matte, parsing). product: a photo's full analysis. render: with
shopper and product both analysed before, verdict included. whole_call: from the bytes of the 12-megapixel shopper
photo to the JPEG of the picture, with the product analysed before. Only pairs that end in a picture count. The peak of
the memory is the process's own, with what the measuring itself needs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options, model_photos, shopper_photos, spread
from tryon_service.evaluation.drawing import rgb_of
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.types import Person

SIZE = (768, 1024)
CORES = 2
MODELS, SHOPPERS, REPEATS = 4, 6, 3
PIXELS = 12e6
BUDGET = {"shopper_ms": 130, "product_ms": 800, "render_ms": 150, "whole_call_ms": 300, "memory_peak_mb": 600}
"""Design targets."""


class Speed:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        models = spread(model_photos(data), min(MODELS, options.limit or MODELS))
        photos = spread(shopper_photos(data), min(SHOPPERS, options.limit or SHOPPERS))
        with limited_to(CORES) as cores:
            figures = measure(pipeline, models, photos)
        rows = [{"row": name, "measured": figures.get(name), "target": target} for name, target in BUDGET.items()]
        return Findings({"budget": rows, "cores": cores} | figures, __doc__ or "")


def measure(pipeline: Pipeline, models: Sequence[Path], photos: Sequence[Path]) -> dict[str, Any]:
    large = [enlarged(path) for path in photos]
    products = [product for path in models if (product := analysed(pipeline, path)) is not None]
    times: dict[str, list[float]] = {name: [] for name in ("shopper_ms", "render_ms", "whole_call_ms")}
    times["product_ms"] = [sum(product.timings_ms.values()) for product in products[1:] or products]
    steps: list[dict[str, float]] = []
    for photo in tqdm(large, desc="speed", unit="shopper", disable=None):
        shopper = perceived(pipeline, photo)
        if shopper is None:
            continue
        times["shopper_ms"] += timed(partial(perceived, pipeline, photo))
        for product in products:
            cached = RenderRequest(shopper, (product,), size=SIZE)
            result = pipeline.render(cached)
            if result.picture is None:
                continue
            steps.append(dict(result.timings_ms))
            times["render_ms"] += timed(partial(pipeline.render, cached))
            whole = RenderRequest(photo, (product,), size=SIZE)
            times["whole_call_ms"] += timed(partial(to_jpeg, pipeline, whole))
    medians = {name: round(statistics.median(values), 1) for name, values in times.items() if values}
    by_step = {name: round(statistics.median(row[name] for row in steps), 1) for name in (steps[0] if steps else ())}
    pairs = len(times["render_ms"]) // REPEATS
    return {**medians, "memory_peak_mb": peak_memory(), "pairs": pairs, "render_steps_ms": by_step}


def timed(call: Callable[[], object]) -> list[float]:
    """Milliseconds of REPEATS calls."""
    out = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        out.append(1000 * (time.perf_counter() - start))
    return out


def enlarged(path: Path) -> bytes:
    """The photo at 12 megapixels, as a phone would send it."""
    rgb = decode(path.read_bytes()).rgb
    by = (PIXELS / (rgb.shape[0] * rgb.shape[1])) ** 0.5
    return encode(np.asarray(cv2.resize(rgb, None, fx=by, fy=by, interpolation=cv2.INTER_CUBIC), np.uint8), "jpeg")


def analysed(pipeline: Pipeline, path: Path) -> Product | None:
    try:
        return pipeline.analyse_product(path.read_bytes(), size=SIZE)
    except RefusedError:
        return None


def perceived(pipeline: Pipeline, data: bytes) -> Person | None:
    try:
        return pipeline.analyse_pose(data)
    except RefusedError:
        return None


def to_jpeg(pipeline: Pipeline, request: RenderRequest) -> bytes | None:
    picture = pipeline.render(request).picture
    return None if picture is None else encode(rgb_of(picture), "jpeg")


def peak_memory() -> int:
    """Megabytes of this process at most so far."""
    import resource  # only Unix has it

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@contextmanager
def limited_to(cores: int) -> Iterator[int]:
    """Runs on so many of the machine's cores, where it can be asked to. Gives how many there are."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    chosen = set(sorted(before)[:cores])
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)
