"""Does today's verdict agree with the judges?

Every labelled pair of the repository's labels file is rendered again and the verdict compared with what two judges said
of the picture, on the check set, which nothing was fitted to. precision: of the accepted, the share both would publish,
with its 95 % lower bound (one-sided, Wilson); recall: of those both would publish, the share accepted. The labels speak
of the pictures of one renderer; same_renderer says whether it is still today's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tryon_service.errors import InputError
from tryon_service.evaluation.base import Findings, Options
from tryon_service.evaluation.judging.calibrate import agreement
from tryon_service.evaluation.judging.fingerprint import fingerprint, read_fingerprint
from tryon_service.evaluation.judging.fit import at
from tryon_service.evaluation.judging.labels import Label, read_labels
from tryon_service.pipeline import Pipeline, RenderRequest

JUDGED = Path(__file__).parents[2] / "tests" / "judged"
"""A folder for each renderer whose pictures were judged."""


class Judged:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        folder = JUDGED / pipeline.default_renderer
        if not (folder / "labels.csv").is_file():
            detail = f"There are no labels of {pipeline.default_renderer}; labels are in the repository's tests alone."
            raise InputError("invalid_option", detail, "suite")
        labels = [label for label in read_labels(folder / "labels.csv") if label.set == "check"][: options.limit]
        same = read_fingerprint(folder / "fingerprint.json").same_as(fingerprint(pipeline))
        outcomes = [verdict_on(pipeline, data, label) for label in tqdm(labels, desc="judged", unit="pair")]
        accepted = np.array([float(outcome == "accepted") for outcome in outcomes])
        publishable = np.array([label.publishable for label in labels])
        figures: dict[str, Any] = {
            "pairs": len(labels),
            "same_renderer": same,
            "judges": agreement(labels),
            "publishable": int(publishable.sum()),
            "verdicts": dict(Counter(outcomes)),
            **{
                name: round(value, 4)
                for name, value in asdict(at(0.5, accepted, publishable, np.ones(len(labels)))).items()
            },
        }
        return Findings(figures, __doc__ or "")


def verdict_on(pipeline: Pipeline, data: Path, label: Label) -> str:
    product, shopper = data / "store" / "photos" / label.product, data / "ccp" / "photos" / label.shopper
    photos = [photo.with_suffix(".jpg").read_bytes() for photo in (shopper, product)]
    return pipeline.render(RenderRequest(photos[0], (photos[1],))).verdict.status
