"""Does the result stand like the shopper, and how many shoppers get a picture?

A fresh pose estimate on each result is compared with the shopper's own limb directions, both from the raw landmarks:
upper arms, forearms, thighs and shins, as angles in the picture. Limbs not in the product photo (an end outside the
frame, or of visibility below one half) are left out. Of the limbs whose direction differs by at least 20 degrees from
the product photo's own, where a copy of that photo scores nothing, the share that ends within 15 degrees is the
figure; no person found on the result counts as missed. `moved_and_shown` leaves out limbs that the shopper photo
doesn't show, which keep the product's pose on purpose. Verdicts are counted by the shopper's degrees from frontal.
refusals.json lists sixty refusals drawn by lot, to be judged by eye; they are shown first, then the worst results.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.evaluation.base import Findings, Options, Picture
from tryon_service.evaluation.limbs import CLOSE, MOVED, NAMES
from tryon_service.evaluation.measured import measured_pairs
from tryon_service.evaluation.records import Record, compared, read_strip
from tryon_service.pipeline import Pipeline

WORST, SAMPLED = 24, 60
BANDS = {"within_30": (0.0, 30.0), "within_45": (0.0, 45.0), "beyond_45": (45.0, 180.1)}


class Pose:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        records = measured_pairs(pipeline, data, options)
        refused = sampled_refusals(records)
        rows = [{"pair": record["key"], **record["reasons"][0]} for record in refused]
        (options.out / "refusals.json").write_text(json.dumps(rows, indent=1) + "\n")
        worst = sorted((record for record in records if missed(record)[0]), key=missed, reverse=True)[:WORST]
        figures = summary(records) | compared(records, options.baseline, summary, shown)
        figures["worst_pairs"] = [record["key"] for record in worst]
        return Findings(figures, __doc__ or "", tuple(strips(options.out, [*refused, *worst])))


def summary(records: Sequence[Record]) -> dict[str, Any]:
    refused = [record for record in records if record["status"] == "refused"]
    codes = Counter(record["reasons"][0]["code"] for record in refused)
    accepted = [record for record in records if record["status"] == "accepted"]
    seconds = [record["ms"] / 1000 for record in records if "limbs" in record]
    return {
        "pairs": len(records),
        "verdicts": dict(Counter(record["status"] for record in records).most_common()),
        "verdicts_by_degrees_from_frontal": {name: shares(records, *band) for name, band in BANDS.items()},
        "shoppers_without_pose": sum("yaw" not in record for record in records),
        "refused_by_code": dict(codes.most_common()),
        "accepted": landed(accepted),
        "not_refused": landed([record for record in records if record["status"] != "refused"]),
        "accepted_by_limb": {name: landed(accepted, [name])["moved"] for name in NAMES},
        "seconds_per_render": round(float(np.median(seconds)), 3) if seconds else None,
    }


def shares(records: Sequence[Record], low: float, high: float) -> dict[str, Any]:
    """Verdicts of the pairs whose shopper stands so many degrees from frontal."""
    chosen = [record for record in records if low <= abs(record.get("yaw", 999.0)) < high]
    counts = Counter(record["status"] for record in chosen)
    names = ("accepted", "doubtful", "refused")
    return {"pairs": len(chosen)} | {name: share(counts[name], len(chosen)) for name in names}


def landed(records: Sequence[Record], names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Of the limbs that were asked to move, how many there are and the share that ends where it should."""
    limbs = [limb for record in records for name, limb in record.get("limbs", {}).items() if name in names]
    moved = [(off, shown) for asked, off, shown in limbs if asked >= MOVED]
    return {
        "moved": _close([off for off, _ in moved]),
        "moved_and_shown": _close([off for off, shown in moved if shown]),
    }


def missed(record: Record) -> tuple[int, float]:
    """How many moved limbs of a result that isn't refused went astray, and how far the worst did."""
    if record["status"] == "refused":
        return 0, 0.0
    astray = [off for asked, off, _ in record.get("limbs", {}).values() if asked >= MOVED and off > CLOSE]
    return len(astray), max(astray, default=0.0)


def sampled_refusals(records: Sequence[Record], count: int = SAMPLED) -> list[Record]:
    """Drawn by lot from all refusals, always the same ones."""
    refused = [record for record in records if record["status"] == "refused"]
    chosen = np.random.default_rng(0).permutation(len(refused))[:count]
    return [refused[index] for index in sorted(chosen)]


def strips(out: Path, records: Sequence[Record]) -> Iterator[Picture]:
    """Product, shopper and result of each pair, with the verdict and its first reason."""
    for record in records:
        caption = f"{record['key']}: {record['status']}{_reason(record)}"
        yield Picture(read_strip(out, record["key"]), caption)


def shown(record: Record) -> bool:
    return bool(record["status"] != "refused")


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _reason(record: Record) -> str:
    if not record["reasons"]:
        return ""
    first: Mapping[str, Any] = record["reasons"][0]
    value = "" if first["value"] is None else f" {first['value']:.3g} (limit {first['limit']:.3g})"
    return f", {' '.join(word for word in (first['code'], first['photo'], first['part']) if word)}{value}"


def _close(off: Sequence[float]) -> dict[str, Any]:
    return {"limbs": len(off), "within_15_degrees": share(sum(o <= CLOSE for o in off), len(off))}
