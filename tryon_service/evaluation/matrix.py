"""Every chosen model in every chosen shopper's pose on one sheet, to be looked at.

The first row shows the shoppers, the first column the product photos. A green line below a picture means accepted, an
amber one doubtful; a grey tile is a refusal with its code. matrix.png is the sheet at full size.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options, Picture, model_photos, shopper_photos, spread
from tryon_service.evaluation.drawing import fitted, note, rgb_of, sheet
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.types import Person, UInt8Array

MODELS, SHOPPERS = 12, 8
TILE = (300, 400)
LINE = 6
COLOURS = {"accepted": (60, 170, 80), "doubtful": (240, 170, 40)}


class Matrix:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        models = spread(model_photos(data), min(MODELS, options.limit or MODELS))
        photos = spread(shopper_photos(data), min(SHOPPERS, options.limit or SHOPPERS))
        shoppers = [perceived(pipeline, path) for path in photos]
        outcomes: Counter[str] = Counter()
        rows = [[np.full((TILE[1], TILE[0], 3), 255, np.uint8), *(shopper_tile(shopper) for shopper in shoppers)]]
        with tqdm(total=len(models) * len(shoppers), desc="matrix", unit="render") as progress:
            for path in models:
                row = [product_tile(product := analysed(pipeline, path))]
                for shopper in shoppers:
                    tile, outcome = cell(pipeline, product, shopper)
                    row.append(tile)
                    outcomes[outcome] += 1
                    progress.update()
                rows.append(row)
        whole = sheet(rows)
        figures: dict[str, Any] = {
            "models": [path.name for path in models],
            "shoppers": [path.name for path in photos],
            "outcomes": dict(outcomes.most_common()),
        }
        return Findings(figures, __doc__ or "", (Picture(whole, "models x shoppers"),), {"matrix.png": whole})


def perceived(pipeline: Pipeline, path: Path) -> Person | RefusedError:
    try:
        return pipeline.analyse_pose(path.read_bytes())
    except RefusedError as error:
        return error


def analysed(pipeline: Pipeline, path: Path) -> Product | RefusedError:
    try:
        return pipeline.analyse_product(path.read_bytes())
    except RefusedError as error:
        return error


def cell(pipeline: Pipeline, product: Product | RefusedError, shopper: Person | RefusedError) -> tuple[UInt8Array, str]:
    """A tile of TILE's size, and the outcome: accepted, doubtful or a refusal's code."""
    for one in (product, shopper):
        if isinstance(one, RefusedError):
            return note(TILE, one.code), one.code
    result = pipeline.render(RenderRequest(shopper=shopper, products=(product,)))  # type: ignore[arg-type]
    if result.picture is None:
        code = result.verdict.reasons[0].code
        return note(TILE, code), code
    tile = fitted(rgb_of(result.picture), TILE)
    tile[-LINE:] = np.array(COLOURS[result.verdict.status], np.uint8)
    return tile, result.verdict.status


def shopper_tile(shopper: Person | RefusedError) -> UInt8Array:
    return note(TILE, shopper.code) if isinstance(shopper, RefusedError) else fitted(shopper.photo.rgb, TILE)


def product_tile(product: Product | RefusedError) -> UInt8Array:
    return note(TILE, product.code) if isinstance(product, RefusedError) else fitted(product.person.photo.rgb, TILE)
