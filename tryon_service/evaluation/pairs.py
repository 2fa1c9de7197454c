"""Against published methods, on the pairs they were shown on: strips of source, truth and that method's output.

The source is the product photo, the truth the shopper photo; what our picture is compared with is the truth itself.
The photos are the middle 176 columns of each 256 x 256 square, too small for a phone or a studio, so they enter
enlarged SCALE times (Lanczos), and the result is brought back to 176 x 256 (area average). Frame "shopper" puts the
person where the truth has it. SSIM with a Gaussian window and data range 255, over the 176 columns. Where we refuse,
the shop shows its own photo, so ours is then the source. `ours_over_shopper_background` is the same with the truth's
own background behind the person, which the published methods are not given; no other figure uses it. The three
methods were run on different pairs: compare within a method only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.evaluation.base import Findings, Options, Picture, photos_in
from tryon_service.evaluation.drawing import fitted, note, rgb_of, sheet
from tryon_service.evaluation.limbs import MOVED, degrees_between, directions, in_photo
from tryon_service.evaluation.records import Ledger, Record, compared, read_strip
from tryon_service.evaluation.ssim import ssim
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Job, Pipeline, RenderRequest
from tryon_service.report import reason_row
from tryon_service.types import UInt8Array

METHODS = ("pg2", "deform", "vunet")
SQUARE, WIDTH = 256, 176
SCALE = 3
TILE = (WIDTH * 2, SQUARE * 2)
WORST = 12


class Pairs:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        ledger = Ledger(options.out, pipeline.default_renderer)
        root = data / "deepfashion_pairs"
        paths = [path for method in METHODS for path in photos_in(root / method)[: options.limit]]
        for path in tqdm(paths, desc="pairs", unit="pair", disable=None):
            if _key(path) not in ledger:
                record, strip = measure(pipeline, *pictures_of(decode(path.read_bytes()).rgb))
                ledger.add(_key(path), {"method": path.parent.name, **record}, strip)
        records = ledger.chosen([_key(path) for path in paths])
        figures = summary(records) | compared(records, options.baseline, summary, shown)
        return Findings(figures, f"{__doc__}\nBelow: source, truth, theirs, ours.", tuple(strips(options.out, records)))


def pictures_of(strip: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
    """Source, truth and the method's output, each 256 x 176 x 3, of a strip of three squares."""
    left = (SQUARE - WIDTH) // 2
    source, truth, theirs = (
        np.ascontiguousarray(strip[:SQUARE, SQUARE * index + left : SQUARE * index + left + WIDTH])
        for index in range(3)
    )
    return source, truth, theirs


def measure(
    pipeline: Pipeline, source: UInt8Array, truth: UInt8Array, theirs: UInt8Array
) -> tuple[dict[str, Any], UInt8Array]:
    """The pair's record, and its strip of pictures."""
    record: dict[str, Any] = {"copy": ssim(source, truth), "theirs": ssim(theirs, truth)}
    job, row = rendered(pipeline, source, truth, "product")
    record |= row
    ours = source
    if shown(row) and job.picture is not None:
        ours = at_size(rgb_of(job.picture))
        over_truth, _ = rendered(pipeline, source, truth, "shopper")
        if over_truth.picture is not None:
            record["ours_over_shopper_background"] = ssim(at_size(rgb_of(over_truth.picture)), truth)
    record["ours"] = ssim(ours, truth)
    code = row["reasons"][0]["code"] if row["reasons"] else ""
    last = fitted(ours, TILE) if shown(row) else note(TILE, code)
    return record, sheet([[*(fitted(one, TILE) for one in (source, truth, theirs)), last]])


def rendered(pipeline: Pipeline, source: UInt8Array, truth: UInt8Array, background: str) -> tuple[Job, dict[str, Any]]:
    """The finished job, and its verdict with the number of limbs asked to move."""
    request = RenderRequest(enlarged(truth), (enlarged(source),), background=background, frame="shopper")
    job = Job(request)
    outcome = pipeline.run(job).verdict
    row = {"status": outcome.status, "reasons": [reason_row(reason) for reason in outcome.reasons], "moved": 0}
    if job.shopper is not None and job.product is not None:
        own, wanted = job.product.person.keypoints, job.shopper.keypoints
        size = (WIDTH * SCALE, SQUARE * SCALE)
        both = in_photo(own, size) & in_photo(wanted, size)
        asked = degrees_between(directions(own), directions(wanted))
        row["moved"] = int(np.count_nonzero(both & (asked >= MOVED)))
    return job, row


def enlarged(picture: UInt8Array) -> bytes:
    """As PNG, SCALE times as large."""
    large = cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_LANCZOS4)
    return encode(np.asarray(large, np.uint8), "png")


def at_size(picture: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.resize(picture, (WIDTH, SQUARE), interpolation=cv2.INTER_AREA), np.uint8)


def shown(record: Mapping[str, Any]) -> bool:
    return bool(record["status"] != "refused")


def summary(records: Sequence[Record]) -> dict[str, Any]:
    return {name: _of_method([r for r in records if r["method"] == name]) for name in METHODS}


def _of_method(records: Sequence[Record]) -> dict[str, Any]:
    accepted = [record for record in records if record["status"] == "accepted"]
    codes = Counter(record["reasons"][0]["code"] for record in records if not shown(record))
    return {
        "all": _means(records),
        "accepted": _means(accepted),
        "not_refused": _means([record for record in records if shown(record)]),
        "accepted_with_a_limb_moved": sum(record["moved"] > 0 for record in accepted),
        "refused_by_code": dict(codes.most_common()),
    }


def _means(records: Sequence[Record]) -> dict[str, Any]:
    row: dict[str, Any] = {"pairs": len(records)}
    for name in ("theirs", "copy", "ours", "ours_over_shopper_background"):
        values = [record[name] for record in records if name in record]
        if values:
            row[name] = round(float(np.mean(values)), 4)
    return row | {"ours_beats_theirs": sum(record["ours"] > record["theirs"] for record in records)}


def strips(out: Path, records: Sequence[Record]) -> Iterator[Picture]:
    """Those not refused, the greatest loss to the published output first."""
    for record in sorted(filter(shown, records), key=lambda record: record["ours"] - record["theirs"]):
        figures = ", ".join(f"{name} {record[name]:.3f}" for name in ("copy", "theirs", "ours"))
        caption = f"{record['key']}: {record['status']}, {figures}, {record['moved']} limbs moved"
        yield Picture(read_strip(out, record["key"]), caption)


def _key(path: Path) -> str:
    return f"{path.parent.name} {path.stem}"
