"""Are the results whole, and is the garment still itself? Two views of the same pairs that the pose suite measures.

integrity: pieces not connected to the person, slivers and small holes the source doesn't have (shares of the person's
area), and how well the parser, looking at the result, agrees with the parsing that was carried there with the pixels:
mean IoU over the attributes present, over what the same parser agrees with itself on a copy of the product photo
turned by 5 degrees. `classes` is the same over the parser's own ten classes, for which left and right, and kinds of
skin, are one: a hand before the belly is skin to the parser, and whose is decided by the nearest limb.

fidelity: of each garment, over pixels that are real on both, the CIEDE2000 of the mean colours and the ratio of the
gradient energies inside it, result over source, at the same scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.evaluation.base import Findings, Options
from tryon_service.evaluation.measured import garment_values, measured_pairs
from tryon_service.evaluation.pose import shown, strips
from tryon_service.evaluation.records import Record, Summary, compared
from tryon_service.pipeline import Pipeline

WORST = 24
LARGEST_LOOSE = 0.0005
COLOUR, TEXTURE = 3.0, (0.85, 1.15)


class Integrity:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        return _findings(measured_pairs(pipeline, data, options), options, integrity, relative_agreement)


class Fidelity:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        return _findings(measured_pairs(pipeline, data, options), options, fidelity, sameness)


def integrity(records: Sequence[Record]) -> dict[str, Any]:
    """Figures of accepted results, and of all that were not refused."""
    return {name: _integrity(chosen) for name, chosen in _by_verdict(records)}


def fidelity(records: Sequence[Record]) -> dict[str, Any]:
    """Figures of accepted results, and of all that were not refused."""
    return {name: _fidelity(chosen) for name, chosen in _by_verdict(records)}


def relative_agreement(record: Record, over: str = "attributes") -> float:
    return float(record["agreement"][over]) / max(float(record["self_agreement"][over]), 1e-6)


def sameness(record: Record) -> float:
    """1 for the same colours and textures, less the more they differ: each by how far it is beyond the goal."""
    colours, textures = garment_values([record], 0), garment_values([record], 1)
    if not len(colours):
        return 1.0
    return 1.0 - float(max((colours / COLOUR).max(), np.abs(np.log(textures)).max() / np.log(TEXTURE[1])))


def _integrity(records: Sequence[Record]) -> dict[str, Any]:
    if not records:
        return {"results": 0}
    loose, slivers = (np.array([record[key] for record in records]) for key in ("largest_loose", "new_slivers"))
    agreement = {
        over: np.array([relative_agreement(record, over) for record in records]) for over in ("attributes", "classes")
    }
    return {
        "results": len(records),
        "largest_loose": round(float(loose.max()), 5),
        "with_loose_piece_over_0.05_percent": int((loose > LARGEST_LOOSE).sum()),
        "new_slivers": _quantiles(slivers, (0.5, 0.95)),
        **{f"relative_agreement_of_{over}": _quantiles(values, (0.05, 0.5)) for over, values in agreement.items()},
        "iou_by_attribute": _by_attribute(records),
    }


def _by_attribute(records: Sequence[Record]) -> dict[str, float]:
    """Means, lowest first."""
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record["ious"].items():
            values.setdefault(name, []).append(value)
    means = {name: round(float(np.mean(found)), 3) for name, found in values.items()}
    return dict(sorted(means.items(), key=lambda pair: pair[1]))


def _fidelity(records: Sequence[Record]) -> dict[str, Any]:
    colours, textures = garment_values(records, 0), garment_values(records, 1)
    if not len(colours):
        return {"garments": 0}
    inside = (textures >= TEXTURE[0]) & (textures <= TEXTURE[1])
    return {
        "garments": len(colours),
        "ciede2000": _quantiles(colours, (0.5, 0.95)),
        "texture_ratio": _quantiles(textures, (0.05, 0.5, 0.95)),
        "texture_ratio_within_0.85_to_1.15": round(float(inside.mean()), 4),
    }


def _findings(
    records: Sequence[Record], options: Options, summarise: Summary, goodness: Callable[[Record], float]
) -> Findings:
    made = [record for record in records if shown(record)]
    worst = sorted(made, key=goodness)[:WORST]
    figures = summarise(records) | compared(records, options.baseline, summarise, shown)
    figures["worst"] = {record["key"]: round(goodness(record), 3) for record in worst}
    return Findings(figures, f"{__doc__}\nBelow: the worst.", tuple(strips(options.out, worst)))


def _by_verdict(records: Sequence[Record]) -> tuple[tuple[str, list[Record]], ...]:
    made = [record for record in records if shown(record)]
    return ("accepted", [record for record in made if record["status"] == "accepted"]), ("not_refused", made)


def _quantiles(values: np.ndarray, levels: Sequence[float]) -> dict[str, float]:
    return {f"{level:.0%}": round(float(np.quantile(values, level)), 4) for level in levels}
