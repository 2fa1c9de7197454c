"""One render and every measure of it: what the suites pose, integrity and fidelity share, each pair rendered once.

A record holds plain JSON values; CCP shoppers and models are named by their files' stems.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.appearance.labels import merged_lookup
from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Options, model_photos, shopper_photos
from tryon_service.evaluation.drawing import fitted, note, rgb_of, sheet
from tryon_service.evaluation.fidelity import fidelity
from tryon_service.evaluation.integrity import attribute_agreement, attribute_ious, loose_pieces, new_slivers
from tryon_service.evaluation.limbs import ENDS, NAMES, degrees_between, directions, in_photo
from tryon_service.evaluation.records import Ledger, Record
from tryon_service.perception.perceive import perceive
from tryon_service.pipeline import Job, Pipeline, Product, RenderRequest
from tryon_service.report import reason_row
from tryon_service.retarget.view import yaw
from tryon_service.types import BoolArray, Part, Person, Photo, TargetPose, UInt8Array

TILE = (240, 320)
TURN = 5.0
"""Degrees of the affine copy against which a parser's agreement with itself is measured."""


@dataclass(frozen=True)
class Model:
    """A model's photo, analysed or refused."""

    name: str
    product: Product | RefusedError
    pipeline: Pipeline

    @cached_property
    def self_agreement(self) -> dict[str, float]:
        """How well the parser agrees with itself on a copy of the photo turned by TURN degrees; see agreements."""
        assert isinstance(self.product, Product)
        person = self.product.person
        height, width = person.parsing.shape
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), TURN, 1.0)
        photo = cv2.warpAffine(
            person.photo.rgb, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        parsing, inside = (
            cv2.warpAffine(plane, turn, (width, height), flags=cv2.INTER_NEAREST)
            for plane in (person.parsing, np.ones_like(person.parsing))
        )
        found = seen_again(self.pipeline, np.asarray(photo, np.uint8))
        return agreements(np.asarray(parsing, np.uint8), found, np.asarray(inside > 0))


def measured_pairs(pipeline: Pipeline, data: Path, options: Options) -> list[Record]:
    """Records of all pairs of models and shoppers; those that are in the ledger already are taken from there."""
    ledger = Ledger(options.out, pipeline.default_renderer)
    models = model_photos(data, options.limit)
    photos = shopper_photos(data, options.limit, options.shoppers)
    missing = [(model, photo) for model in models for photo in photos if _key(model, photo) not in ledger]
    shoppers = dict(_perceived(pipeline, sorted({photo for _, photo in missing})))
    model: Model | None = None
    for path, photo in tqdm(missing, desc="pairs", unit="render", disable=None):
        if model is None or model.name != path.stem:
            model = Model(path.stem, _analysed(pipeline, path), pipeline)
        record, strip = measure(pipeline, model, shoppers[photo])
        ledger.add(_key(path, photo), {"model": path.stem, "shopper": photo.stem, **record}, strip)
    return ledger.chosen([_key(model, photo) for model in models for photo in photos])


def measure(pipeline: Pipeline, model: Model, shopper: Person | RefusedError) -> tuple[dict[str, Any], UInt8Array]:
    """The pair's record, and its strip: product, shopper, result (as far as it was made) or the refusal's code."""
    if isinstance(shopper, Person):
        record: dict[str, Any] = {"yaw": math.degrees(yaw(shopper.keypoints))}
        first = shopper.photo.rgb
    else:
        return _refused(shopper), sheet([[note(TILE, shopper.code)]])
    if isinstance(model.product, RefusedError):
        return record | _refused(model.product), sheet([[note(TILE, model.product.code), fitted(first, TILE)]])
    product = model.product
    job = Job(RenderRequest(shopper=shopper, products=(product,)))
    result = pipeline.run(job)
    record |= {
        "status": result.verdict.status,
        "reasons": [reason_row(reason) for reason in result.verdict.reasons],
        "scores": {name: float(score) for name, score in result.verdict.scores.items()},
        "ms": round(sum(result.timings_ms.values()), 1),
    }
    last = note(TILE, result.verdict.reasons[0].code) if result.verdict.reasons else note(TILE, "nothing")
    if job.picture is not None and job.target is not None:
        picture = rgb_of(job.picture)
        record |= _measures(pipeline, model, job, shopper)
        last = fitted(picture, TILE)
    return record, sheet([[fitted(product.person.photo.rgb, TILE), fitted(first, TILE), last]])


def _measures(pipeline: Pipeline, model: Model, job: Job, shopper: Person) -> dict[str, Any]:
    """Everything that can be seen on the finished picture."""
    product, rendered, target = job.product, job.rendered, job.target
    assert product is not None
    assert rendered is not None
    assert isinstance(target, TargetPose)
    found = seen_again(pipeline, rgb_of(job.picture))  # type: ignore[arg-type]
    ious = {} if found is None else attribute_ious(rendered.parsing, found.parsing)
    pieces = loose_pieces(rendered.alpha)
    garments = fidelity(product.person.photo.rgb, product.person.parsing, rendered, target.scale)
    return {
        "limbs": limbs(product.person, shopper, found),
        "loose": float(pieces.sum()),
        "largest_loose": float(pieces[0]) if len(pieces) else 0.0,
        "new_slivers": new_slivers(rendered.alpha, product.person.matte),
        "agreement": agreements(rendered.parsing, found),
        "self_agreement": model.self_agreement,
        "ious": {Part(part).name.lower(): round(value, 4) for part, value in ious.items()},
        "fidelity": {name: [one.colour, one.texture] for name, one in garments.items()},
    }


def agreements(parsing: UInt8Array, found: Person | None, where: BoolArray | None = None) -> dict[str, float]:
    """Of a parsing with the one found on the picture: over the attributes, and over the ten classes of the parser's own
    figures, for which left and right, and kinds of skin, are one. 0 if nobody was found."""
    if found is None:
        return {"attributes": 0.0, "classes": 0.0}
    table = merged_lookup()
    return {
        "attributes": attribute_agreement(parsing, found.parsing, where),
        "classes": attribute_agreement(table[parsing], table[found.parsing], where),
    }


def limbs(product: Person, shopper: Person, found: Person | None) -> dict[str, list[float]]:
    """By name of each limb in the product photo: degrees it was asked to move, degrees the result is off (180 where
    nobody is found), and whether the shopper photo shows it (1 or 0)."""
    wanted, own = directions(shopper.keypoints), directions(product.keypoints)
    asked = degrees_between(wanted, own)
    off = np.full(len(NAMES), 180.0) if found is None else degrees_between(directions(found.keypoints), wanted)
    shown = shopper.keypoints.seen[ENDS].all(axis=1)
    inside = in_photo(product.keypoints, product.photo.rgb.shape[1::-1])
    rows = zip(NAMES, asked, off, shown, inside, strict=True)
    return {name: [round(float(a), 2), round(float(o), 2), float(s)] for name, a, o, s, within in rows if within}


def seen_again(pipeline: Pipeline, picture: UInt8Array) -> Person | None:
    """The person a fresh look finds on a picture."""
    photo = Photo(np.ascontiguousarray(picture), (picture.shape[1], picture.shape[0]), digest="")
    try:
        return perceive(photo, pose=pipeline.pose, matter=pipeline.matter, parser=pipeline.parser)
    except RefusedError:
        return None


def garment_values(records: Sequence[Record], which: int) -> np.ndarray:
    """Of all garments of the records: 0 for colour differences, 1 for texture ratios."""
    return np.array([pair[which] for record in records for pair in record.get("fidelity", {}).values()])


def _refused(error: RefusedError) -> dict[str, Any]:
    return {"status": "refused", "reasons": [reason_row(reason) for reason in error.reasons], "scores": {}}


def _key(model: Path, photo: Path) -> str:
    return f"{model.stem} x {photo.stem}"


def _perceived(pipeline: Pipeline, photos: Sequence[Path]) -> Iterator[tuple[Path, Person | RefusedError]]:
    for path in tqdm(photos, desc="shoppers", unit="photo", disable=None):
        try:
            yield path, pipeline.analyse_pose(path.read_bytes())
        except RefusedError as error:
            yield path, error


def _analysed(pipeline: Pipeline, path: Path) -> Product | RefusedError:
    try:
        return pipeline.analyse_product(path.read_bytes())
    except RefusedError as error:
        return error
