"""What the parser is worth to the renderer: the matrix with layers cut by the skeleton alone and by the default.

In every cell the left picture is the skeleton parser's, the right one the default parser's. Borders as in the matrix.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tryon_service.evaluation.base import Findings, Options, Picture, model_photos, shopper_photos, spread
from tryon_service.evaluation.drawing import sheet
from tryon_service.evaluation.matrix import MODELS, SHOPPERS, analysed, cell, perceived, shopper_tile
from tryon_service.pipeline import Pipeline

PARSERS = ("skeleton", "default")


class Parsers:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        pipelines = [Pipeline(parser="skeleton", renderer=pipeline.default_renderer, cache_bytes=0), pipeline]
        models = spread(model_photos(data), min(MODELS, options.limit or MODELS))
        photos = spread(shopper_photos(data), min(SHOPPERS, options.limit or SHOPPERS))
        shoppers = [perceived(pipelines[-1], path) for path in photos]
        outcomes = {name: Counter[str]() for name in PARSERS}
        rows = [[np.hstack([shopper_tile(shopper)] * 2) for shopper in shoppers]]
        for path in tqdm(models, desc="parsers", unit="model", disable=None):
            products = [analysed(one, path) for one in pipelines]
            row = []
            for shopper in shoppers:
                pair = [cell(one, product, shopper) for one, product in zip(pipelines, products, strict=True)]
                for name, (_, outcome) in zip(PARSERS, pair, strict=True):
                    outcomes[name][outcome] += 1
                row.append(np.hstack([tile for tile, _ in pair]))
            rows.append(row)
        whole = sheet(rows)
        figures = {"outcomes": {name: dict(counts.most_common()) for name, counts in outcomes.items()}}
        return Findings(figures, __doc__ or "", (Picture(whole, "skeleton | default"),), {"parsers.png": whole})
