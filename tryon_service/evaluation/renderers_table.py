"""The table of the suite renderers: a row for each figure, a column for each renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tryon_service.evaluation.base import Row
from tryon_service.evaluation.measured import garment_values
from tryon_service.evaluation.pose import landed
from tryon_service.evaluation.records import Record
from tryon_service.evaluation.renderers_cases import KINDS, Case
from tryon_service.evaluation.ssim import BOX, PROTOCOLS

LIKENESS = (*PROTOCOLS, BOX)
OTHERS = ("published", "source")
"""What stands beside the renderers where pictures are compared with a truth."""
COSTS = {
    "seconds, product analysed anew": "seconds_anew",
    "seconds, product analysed before": "seconds_cached",
    "peak memory, MB": "memory_peak_mb",
}

Value = float | int | None
Figure = Callable[[Sequence[Record]], Value]


def table(measured: Mapping[str, tuple[Mapping[str, Record], Mapping[str, Any]]], chosen: Sequence[Case]) -> list[Row]:
    """measured: by renderer, its records by the case's key, and its costs. None stands where nothing was measured."""
    rows = [
        _row(words, {name: costs.get(key) for name, (_, costs) in measured.items()}) for words, key in COSTS.items()
    ]
    for kind in KINDS:
        keys = [case.key for case in chosen if case.kind == kind]
        if not keys:
            continue
        records = {name: [found[key] for key in keys if key in found] for name, (found, _) in measured.items()}
        rows += [
            _row(f"{kind}: {words}", {name: figure(of) if of else None for name, of in records.items()})
            for words, figure in _figures(kind)
        ]
        if kind not in ("poses", "cycle"):
            # What others made of the same photos is in every record that compares pictures.
            compared = next((of for of in records.values() if any("ours" in record for record in of)), [])
            rows += [
                _row(
                    f"{kind}: {name}",
                    {renderer: _ssim(of, "ours", name) for renderer, of in records.items()}
                    | {other: _ssim(compared, other, name) for other in OTHERS},
                )
                for name in LIKENESS
            ]
    return rows


def _row(measure: str, values: Mapping[str, Value]) -> Row:
    """Every row has every column."""
    return {"measure": measure, **values, **{other: values.get(other) for other in OTHERS}}


def _figures(kind: str) -> Iterator[tuple[str, Figure]]:
    """What is measured of the cases of a kind, but for likeness to a truth."""
    yield "cases", len
    if kind == "cycle":
        yield "came back", lambda records: sum(record["drawn"] for record in records)
        yield "SSIM in the person's box, 256 high", lambda records: _mean(_of(records, "ssim_256"))
        return
    yield "drawn", lambda records: sum(record["drawn"] for record in records)
    for status in ("accepted", "doubtful", "refused"):
        yield status, partial(_count, status)
    yield "PCK", lambda records: _mean(_of(records, "pck"))
    if kind == "identity":
        yield "own keypoints, SSIM in the person's box, full size", lambda records: _mean(_of(records, "own_keypoints"))
    if kind == "poses":
        yield "limbs within 15 degrees", lambda records: landed(records)["moved"]["within_15_degrees"]
        yield "garments", lambda records: _total(records, "garments")
        yield "garments found again", _found
        yield "colour difference of garments", lambda records: _median(garment_values(records, 0))
        yield "texture ratio of garments", lambda records: _median(garment_values(records, 1))


def _of(records: Sequence[Record], name: str) -> list[float]:
    return [record[name] for record in records if name in record]


def _ssim(records: Sequence[Record], side: str, name: str) -> float | None:
    return _mean([record[side][name] for record in records if side in record])


def _count(status: str, records: Sequence[Record]) -> int:
    return sum(record["status"] == status for record in records)


def _total(records: Sequence[Record], name: str) -> int | None:
    found = _of(records, name)
    return int(sum(found)) if found else None


def _found(records: Sequence[Record]) -> int | None:
    found = [len(record["fidelity"]) for record in records if "fidelity" in record]
    return sum(found) if found else None


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None


def _median(values: np.ndarray) -> float | None:
    return round(float(np.median(values)), 3) if len(values) else None
