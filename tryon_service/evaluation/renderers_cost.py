"""What a renderer takes: seconds and megabytes of a process that does nothing else.

Two renderers measured in one process would share a peak, and what looks at pictures takes more than some of them.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import statistics
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from tryon_service.confine import die_with
from tryon_service.errors import UnavailableError
from tryon_service.evaluation.renderers_cases import drawn
from tryon_service.evaluation.speed import CORES, SIZE, limited_to, peak_memory, timed
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.types import Person

STATUS = Path("/proc/self/status")


def cost(renderer: str, product: Path, shopper: Path) -> dict[str, Any]:
    """Of a renderer's registry name, on photos that can be used: seconds_anew and seconds_cached, medians of a render
    with the product photo analysed in it and before it; memory_peak_mb. Raises UnavailableError("internal") if the
    process dies."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), die_with, (os.getpid(),)) as pool:
        try:
            return pool.submit(_cost, renderer, product, shopper).result()
        except BrokenProcessPool as error:
            detail = f"The process that renders with {renderer} has died, perhaps for want of memory."
            raise UnavailableError("internal", detail) from error


def _cost(renderer: str, product: Path, shopper: Path) -> dict[str, Any]:
    with limited_to(CORES):
        pipeline, data = Pipeline(renderer=renderer), product.read_bytes()
        pose = pipeline.analyse_pose(shopper.read_bytes())
        analysed = pipeline.analyse_product(data, size=SIZE)
        drawn(pipeline, RenderRequest(pose, (analysed,), size=SIZE))  # the first one opens the networks
        cached = timed(partial(drawn, pipeline, RenderRequest(pose, (analysed,), size=SIZE)))
        anew = timed(partial(_anew, pipeline, pose, data))
    seconds = {"seconds_anew": anew, "seconds_cached": cached}
    medians = {name: round(statistics.median(times) / 1000, 3) for name, times in seconds.items()}
    return {**medians, "memory_peak_mb": peak_of_this_program()}


def _anew(pipeline: Pipeline, pose: Person, data: bytes) -> None:
    pipeline.forget_product(hashlib.sha256(data).hexdigest())
    drawn(pipeline, RenderRequest(pose, (data,), size=SIZE))


def peak_of_this_program() -> int:
    """Megabytes at most since this program began. What the system says of a process counts from before that, when it
    was still a copy of its parent, so Linux is asked for the program's own."""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", STATUS.read_text(), re.MULTILINE) if STATUS.is_file() else None
    return round(int(found[1]) / 1024) if found else peak_memory()
