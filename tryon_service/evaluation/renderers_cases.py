"""The cases that every renderer is measured on, and what is measured of one.

poses: models in shoppers' poses, which have no truth to be compared with. identity: a model in its own pose. store,
two_poses: a product's front photo and its back photo, an exercise's first photo and its second. pg2, deform, vunet:
pairs from DeepFashion with a published method's output. cycle: a model in another's pose, or a small move, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.evaluation import cycle
from tryon_service.evaluation.base import model_photos, photos_in, shopper_photos, spread
from tryon_service.evaluation.cards import read_catalogue, second_of
from tryon_service.evaluation.drawing import rgb_of
from tryon_service.evaluation.fidelity import fidelity
from tryon_service.evaluation.identity import own_pose, scaled_box
from tryon_service.evaluation.measured import limbs, seen_again
from tryon_service.evaluation.pairs import METHODS, WIDTH, at_size, enlarged, pictures_of
from tryon_service.evaluation.ssim import BOX, PROTOCOLS, PUBLISHED_SIZE, Box, ssim
from tryon_service.imaging.composite import composite, plain_background
from tryon_service.imaging.decode import decode
from tryon_service.perception.perceive import matte_box
from tryon_service.pipeline import STEPS, WHITE, Job, Pipeline, Product, RenderRequest
from tryon_service.renderers.generated import portrait_of
from tryon_service.types import Person, Rendered, UInt8Array

KINDS = ("poses", "identity", "store", "two_poses", *METHODS, "cycle")
COUNT, SHOPPERS = 4, 3
"""Cases of each kind, and shoppers for each model, unless a limit is given."""

Outcome = tuple[dict[str, Any], UInt8Array | None]
"""The record of a case, and the picture, if one was drawn."""


@dataclass(frozen=True)
class Case:
    """product: the product photo; other: the photo whose pose it takes, or the number of cycle's small move; both are
    the strip for METHODS."""

    kind: str
    product: Path
    other: Path | int

    @property
    def name(self) -> str:
        if self.product == self.other:
            return self.product.stem
        return f"{self.product.stem} to {self.other if isinstance(self.other, int) else self.other.stem}"

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def side_names(self) -> tuple[str, ...]:
        return ("source", "pose", "published") if self.kind in METHODS else ("source", "pose")

    def sides(self) -> list[UInt8Array]:
        """H x W x 3 uint8 each, as side_names says; a small move is shown by the photo it moves."""
        source = decode(self.product.read_bytes()).rgb
        if self.kind in METHODS:
            return list(pictures_of(source))
        return [source, decode(self.other.read_bytes()).rgb if isinstance(self.other, Path) else source]


def cases(data: Path, limit: int | None = None) -> list[Case]:
    """The same ones for everybody, in the order of KINDS; of store/, two_poses/ and deepfashion_pairs/ what there is.
    limit: of each kind. Raises InputError without models or shoppers."""
    models = spread(model_photos(data), limit or COUNT)
    shoppers = spread(shopper_photos(data), limit or SHOPPERS)
    chosen = [Case("poses", model, shopper) for model in models for shopper in shoppers]
    chosen += [Case("identity", model, model) for model in models]
    if (data / "store").is_dir():
        catalogue = [views for _, views in sorted(read_catalogue(data / "store").items()) if len(views) > 1]
        chosen += [Case("store", views["front"], views["back"]) for views in spread(catalogue, limit or COUNT)]
    if (data / "two_poses").is_dir():
        first = [photo for photo in photos_in(data / "two_poses") if photo.stem.endswith("_0")]
        chosen += [Case("two_poses", photo, second_of(photo)) for photo in spread(first, limit or COUNT)]
    for method in METHODS:
        if (folder := data / "deepfashion_pairs" / method).is_dir():
            chosen += [Case(method, strip, strip) for strip in spread(photos_in(folder), limit or COUNT)]
    return [*chosen, *_cycles(models)]


def _cycles(models: Sequence[Path]) -> Iterator[Case]:
    """By turns a small move and the next model's pose, which hardly any renderer gets back from."""
    for index, model in enumerate(models):
        other = models[(index + 1) % len(models)]
        yield Case("cycle", model, 0 if index % 2 == 0 or other == model else other)


def measure(pipeline: Pipeline, case: Case, *, dresses: bool) -> Outcome:
    """One case with the pipeline's renderer. dresses: whether what it draws is to look like the product photo.

    drawn: whether there is a picture; status, code: of the verdict, or of cycle for its own cases.
    """
    try:
        record, picture = _MEASURES.get(case.kind, _pair)(pipeline, case, dresses)
    except RefusedError as error:
        record, picture = {"status": "refused", "code": error.code}, None
    return {"drawn": picture is not None, **record}, picture


def drawn(pipeline: Pipeline, request: RenderRequest) -> Job:
    """The job with its picture and the verdict on it, even where the verdict refuses the two poses: then it stays that
    refusal. Raises RefusedError where a photo can't be used."""
    job, refused = Job(request), None
    for name, step in STEPS:
        try:
            step(pipeline, job)
        except RefusedError as error:
            if name != "check":
                raise
            refused = error
    if refused is not None and job.verdict is not None:
        job.verdict = replace(job.verdict, status="refused", reasons=refused.reasons)
    return job


def _verdict(job: Job) -> dict[str, Any]:
    assert job.verdict is not None
    reasons, scores = job.verdict.reasons, job.verdict.scores
    code = reasons[0].code if reasons else ""
    return {"status": job.verdict.status, "code": code, "pck": round(float(scores.get("pck", 0.0)), 4)}


def _posed(pipeline: Pipeline, case: Case, dresses: bool) -> Outcome:
    product, shopper = _analysed(pipeline, case)
    job = drawn(pipeline, RenderRequest(shopper, (product,)))
    assert job.picture is not None
    assert job.target is not None
    picture = rgb_of(job.picture)
    found = seen_again(pipeline, picture)
    record = _verdict(job) | {"limbs": limbs(product.person, shopper, found)}
    if dresses:
        record |= garments(product.person, picture, found, job.target.scale)
    return record, picture


def _pair(pipeline: Pipeline, case: Case, dresses: bool) -> Outcome:
    """The truth is the photo that lends the pose."""
    product, shopper = _analysed(pipeline, case)
    height, width = shopper.photo.rgb.shape[:2]
    job = drawn(pipeline, RenderRequest(shopper, (product,), frame="shopper", size=(width, height)))
    assert job.picture is not None
    assert job.rendered is not None
    record = _verdict(job)
    if dresses:
        frame, truth = portrait_of(shopper, PUBLISHED_SIZE)
        alone = composite(job.rendered, plain_background(WHITE, job.rendered.alpha.shape[1::-1]))
        ours = frame.cut(np.asarray(cv2.resize(alone, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
        box = matte_box(frame.cut_mask(shopper.matte))
        record["ours"] = likeness(truth, ours, box)
        record["source"] = likeness(truth, portrait_of(product.person, PUBLISHED_SIZE)[1], box)
        if case.kind == "identity":
            own = ssim(product.person.photo.rgb, own_pose(pipeline, product), product.person.box)
            record["own_keypoints"] = round(own, 4)
    return record, rgb_of(job.picture)


def _published(pipeline: Pipeline, case: Case, dresses: bool) -> Outcome:
    """As the suite pairs has it."""
    source, truth, theirs = case.sides()
    job = drawn(pipeline, RenderRequest(enlarged(truth), (enlarged(source),), frame="shopper"))
    assert job.picture is not None
    assert job.shopper is not None
    ours, record = at_size(rgb_of(job.picture)), _verdict(job)
    if dresses:
        box = scaled_box(job.shopper.box, WIDTH / job.shopper.photo.rgb.shape[1])
        for name, picture in (("ours", ours), ("source", source), ("published", theirs)):
            record[name] = likeness(truth, picture, box)
    return record, ours


def _cycle(pipeline: Pipeline, case: Case, _: bool) -> Outcome:
    record, tiles = cycle.measure(pipeline, cycle.Case(case.product, case.other))
    return {"code": record["status"], **record}, tiles[-1] if cycle.counted(record) else None


_MEASURES: Mapping[str, Callable[[Pipeline, Case, bool], Outcome]] = MappingProxyType(
    {"poses": _posed, "cycle": _cycle, **dict.fromkeys(METHODS, _published)}
)
"""By kind, where it isn't a pair."""


def likeness(truth: UInt8Array, picture: UInt8Array, box: Box) -> dict[str, float]:
    """SSIM in every way, by name. truth, picture: 256 x 176 x 3 uint8; box: of the person in the truth."""
    scores = {name: protocol(truth, picture) for name, protocol in PROTOCOLS.items()}
    return {name: round(score, 4) for name, score in (scores | {BOX: ssim(truth, picture, box)}).items()}


def garments(product: Person, picture: UInt8Array, found: Person | None, scale: float) -> dict[str, Any]:
    """How many garments the photo shows, and fidelity of those that are found again on the picture, by name.

    scale: pixels of the picture per pixel of the photo.
    """
    photo = product.photo.rgb
    shown = fidelity(photo, product.parsing, _whole(photo, product), 1.0)
    again = {} if found is None else fidelity(photo, product.parsing, _whole(picture, found), scale)
    return {"garments": len(shown), "fidelity": {name: [one.colour, one.texture] for name, one in again.items()}}


def _whole(picture: UInt8Array, person: Person) -> Rendered:
    """A perceived person as a rendered one, every pixel of whom counts."""
    return Rendered(picture, person.matte, np.ones_like(person.matte), person.parsing)


def _analysed(pipeline: Pipeline, case: Case) -> tuple[Product, Person]:
    """Product and whoever lends the pose: for its own pose, the product's person as it is."""
    product = pipeline.analyse_product(case.product.read_bytes())
    if case.other == case.product:
        return product, product.person
    assert isinstance(case.other, Path)
    return product, pipeline.analyse_pose(case.other.read_bytes())
