"""Cards with several photos, and people photographed twice: pages to be looked at.

cards: each card of store/ (a front and a back photo of one product) for shoppers facing the camera, from
ccp/unlabelled, and for shoppers seen from behind. Nobody in ccp is (of 1,268 photos the pose puts one beyond 130
degrees), so the back photos of other cards stand in for them, where the pose sees a back (at least 150 degrees from
frontal) with both shoulders, elbows, wrists and hips. Each strip shows the shopper, the card's photos with the one that
was used underlined, and the result; the caption says which way each of them faces and what became of it. `photos`
counts how many of the card's photos can be used at all, and why not.

two_poses: each exercise's first photo as the product and its second as the shopper, and the other way round: the
shopper photo is also what the result should look like. The frame is the product photo's.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tryon_service.errors import InputError, RefusedError
from tryon_service.evaluation.base import Findings, Options, Picture, photos_in, shopper_photos, spread
from tryon_service.evaluation.drawing import fitted, note, rgb_of, sheet
from tryon_service.evaluation.records import Ledger, Record, compared, read_strip
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.report import reason_row
from tryon_service.retarget.view import yaw
from tryon_service.types import Person, UInt8Array

CARDS, OF_EACH_SIDE = 12, 4
BACKS = 24
"""Back photos that are looked at to find shoppers."""
UPPER_BODY = [*range(11, 17), 23, 24]
FRONT, BACK = 30.0, 150.0
TILE = (240, 320)
LINE, USED = 6, (60, 170, 80)


@dataclass(frozen=True)
class Side:
    """One photo of a card."""

    name: str
    product: Product | RefusedError

    @property
    def usable(self) -> bool:
        return isinstance(self.product, Product)


class Cards:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        ledger = Ledger(options.out, pipeline.default_renderer)
        catalogue = read_catalogue(data / "store")
        names = spread(sorted(catalogue), options.limit or CARDS)
        people = list(shoppers(pipeline, data, min(OF_EACH_SIDE, options.limit or OF_EACH_SIDE)))
        keys, sides = [], dict[str, list[Side]]()
        for name in tqdm(names, desc="cards", unit="card", disable=None):
            sides[name] = [Side(view, analysed(pipeline, path)) for view, path in catalogue[name].items()]
            for path, shopper in people:
                if path in catalogue[name].values():
                    continue
                keys.append(f"{name} x {path.stem}")
                if keys[-1] not in ledger:
                    ledger.add(keys[-1], *measure(pipeline, sides[name], shopper))
        records = ledger.chosen(keys)
        figures = {"photos": photo_figures([side for card in sides.values() for side in card])}
        figures |= {"shoppers": [path.stem for path, _ in people]} | summary(records)
        return findings(figures | compared(records, options.baseline, summary, shown), records, options.out)


class TwoPoses:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        ledger = Ledger(options.out, pipeline.default_renderer)
        photos = photos_in(data / "two_poses")
        pairs = [(path, other) for path in photos for other in [second_of(path)] if other.exists()]
        chosen = pairs[: None if options.limit is None else 2 * options.limit]
        for product, other in tqdm(chosen, desc="two_poses", unit="render", disable=None):
            if product.stem not in ledger:
                ledger.add(product.stem, *two_poses(pipeline, product, other))
        records = ledger.chosen([product.stem for product, _ in chosen])
        figures = summary(records) | compared(records, options.baseline, summary, shown)
        return findings(figures, records, options.out)


def read_catalogue(folder: Path) -> dict[str, dict[str, Path]]:
    """Photos by view, by product. Raises InputError if the folder has no catalogue.csv."""
    path = folder / "catalogue.csv"
    if not path.is_file():
        raise InputError("invalid_option", f"There is no {str(path)!r}.", "--data")
    out: dict[str, dict[str, Path]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            out.setdefault(row["product_id"], {})[row["view"]] = folder / row["file"]
    return out


def second_of(path: Path) -> Path:
    """The exercise's other photo."""
    return path.with_name(f"{path.stem[:-1]}{'1' if path.stem.endswith('0') else '0'}{path.suffix}")


def shoppers(pipeline: Pipeline, data: Path, count: int) -> Iterator[tuple[Path, Person]]:
    """So many street photos facing the camera, and so many back photos of cards."""
    backs = [views["back"] for views in read_catalogue(data / "store").values() if "back" in views]
    for side, paths in (("front", shopper_photos(data)), ("back", spread(backs, BACKS))):
        found = 0
        for path in paths:
            person = perceived(pipeline, path) if found < count else None
            if person is not None and side_of(_degrees(person)) == side and person.keypoints.seen[UPPER_BODY].all():
                found += 1
                yield path, person


def side_of(degrees: float | None) -> str | None:
    """Which side of the body is seen, None if neither clearly."""
    if degrees is None or FRONT < abs(degrees) < BACK:
        return None
    return "front" if abs(degrees) <= FRONT else "back"


def measure(pipeline: Pipeline, card: Sequence[Side], shopper: Person) -> tuple[dict[str, Any], UInt8Array]:
    """One card for one shopper: the record and its strip."""
    usable = [side for side in card if side.usable]
    facing = {side.name: round(_degrees(p.person)) for side in usable if (p := _product(side))}
    record: dict[str, Any] = {"yaw": _degrees(shopper), "facing": facing, "used": ""}
    if not usable:
        codes = [side.product for side in card if isinstance(side.product, RefusedError)]
        record |= {"status": "refused", "reasons": [reason_row(codes[0].reasons[0])]}
        return record, _strip(shopper, card, "", note(TILE, codes[0].code))
    result = pipeline.render(RenderRequest(shopper, tuple(p for side in usable if (p := _product(side)))))
    used = usable[result.product_used].name if result.product_used >= 0 else ""
    reasons = [reason_row(reason) for reason in result.verdict.reasons]
    record |= {"status": result.verdict.status, "reasons": reasons, "used": used}
    last = note(TILE, reasons[0]["code"]) if result.picture is None else fitted(rgb_of(result.picture), TILE)
    return record, _strip(shopper, card, used, last)


def two_poses(pipeline: Pipeline, product: Path, other: Path) -> tuple[dict[str, Any], UInt8Array]:
    shopper = perceived(pipeline, other)
    side = Side("product", analysed(pipeline, product))
    if shopper is None:
        reason = {"code": "no_person", "photo": "shopper"}
        record: dict[str, Any] = {"yaw": None, "facing": {}, "used": "", "status": "refused", "reasons": [reason]}
        return record, sheet([[note(TILE, "no_person")]])
    return measure(pipeline, [side], shopper)


def summary(records: Sequence[Record]) -> dict[str, Any]:
    """Verdicts and codes by the side the shopper shows."""
    out: dict[str, Any] = {}
    for side in ("front", "back", None):
        chosen = [record for record in records if side_of(record["yaw"]) == side]
        codes = Counter(record["reasons"][0]["code"] for record in chosen if not shown(record))
        row: dict[str, Any] = {"pairs": len(chosen), **Counter(record["status"] for record in chosen)}
        row["used"] = dict(Counter(record["used"] for record in chosen if record["used"]))
        row["accepted_with"] = dict(Counter(record["used"] for record in chosen if record["status"] == "accepted"))
        out[f"shoppers_{side or 'between'}"] = row | {"refused_by_code": dict(codes.most_common())}
    return out


def photo_figures(sides: Sequence[Side]) -> dict[str, Any]:
    """How many of the cards' photos can be used, by view, and why the others can't."""
    out: dict[str, Any] = {}
    for view in sorted({side.name for side in sides}):
        chosen = [side for side in sides if side.name == view]
        codes = Counter(side.product.code for side in chosen if isinstance(side.product, RefusedError))
        out[view] = {"photos": len(chosen), "usable": sum(side.usable for side in chosen), "refused": dict(codes)}
    return out


def shown(record: Record) -> bool:
    return bool(record["status"] != "refused")


def findings(figures: Mapping[str, Any], records: Sequence[Record], out: Path) -> Findings:
    pictures = (Picture(read_strip(out, record["key"]), caption(record)) for record in records)
    return Findings(figures, __doc__ or "", tuple(pictures))


def caption(record: Record) -> str:
    facing = ", ".join(f"{name} at {degrees} degrees" for name, degrees in record["facing"].items())
    shopper = "" if record["yaw"] is None else f"shopper at {record['yaw']:.0f} degrees"
    used = f"used {record['used']}" if record["used"] else "none used"
    code = record["reasons"][0]["code"] if record["reasons"] else ""
    return "; ".join(part for part in (record["key"], shopper, facing, used, record["status"], code) if part)


def analysed(pipeline: Pipeline, path: Path) -> Product | RefusedError:
    try:
        return pipeline.analyse_product(path.read_bytes())
    except RefusedError as error:
        return error


def perceived(pipeline: Pipeline, path: Path) -> Person | None:
    try:
        return pipeline.analyse_pose(path.read_bytes())
    except RefusedError:
        return None


def _degrees(person: Person) -> float:
    return float(np.degrees(yaw(person.keypoints)))


def _product(side: Side) -> Product | None:
    return side.product if isinstance(side.product, Product) else None


def _strip(shopper: Person, card: Sequence[Side], used: str, last: UInt8Array) -> UInt8Array:
    tiles = [fitted(shopper.photo.rgb, TILE)]
    for side in card:
        product = side.product
        refused = isinstance(product, RefusedError)
        tile = note(TILE, product.code) if refused else fitted(product.person.photo.rgb, TILE)  # type: ignore[union-attr]
        if side.name == used:
            tile[-LINE:] = USED
        tiles.append(tile)
    return sheet([[*tiles, last]])
