"""What a card's photos are good for, found out before any shopper comes: every photo is tried in every house pose, as
far as the pipeline goes before it renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Literal

from tryon_service.choice import view_name
from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.onboarding.advice import ADVICE, about_error
from tryon_service.pipeline import STEPS, Job, Pipeline, RenderRequest
from tryon_service.poses.pose import Pose
from tryon_service.request import Product
from tryon_service.types import Appearance, Verdict, ViewName

Grade = Literal["good", "limited", "poor", "unusable"]
"""good: serves GOOD_SHARE of the house poses without doubt; limited: fewer; poor: none of them at all; unusable: there
is no photo that anything can be made of."""
GOOD_SHARE = 0.5
"""Share of the house poses that a good card serves without doubt: shoppers stand in the quieter half of them."""
MOST_ADVICE = 3
"""Pieces of advice for a card that could do better."""


@dataclass(frozen=True)
class PhotoFitness:
    """One photo. index: its place on the card; view: the side it shows, None where it can't be used; verdicts: by
    house pose; error: why it can't be used."""

    index: int
    view: ViewName | None
    verdicts: Mapping[str, Verdict]
    error: TryonError | None = None
    appearance: Appearance | None = None

    def poses(self, status: str) -> tuple[str, ...]:
        """House poses with this verdict."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict.status == status)

    @property
    def serves(self) -> tuple[int, int]:
        """How many house poses without doubt, and how many at all."""
        return len(self.poses("accepted")), len(self.poses("accepted")) + len(self.poses("doubtful"))


@dataclass(frozen=True)
class CardFitness:
    """A whole card, its photos in order, at least one."""

    photos: tuple[PhotoFitness, ...]

    @cached_property
    def best(self) -> PhotoFitness | None:
        """The one that serves most house poses, of equal ones the first; None if none can be used."""
        usable = [photo for photo in self.photos if photo.error is None]
        return max(usable, key=lambda photo: photo.serves, default=None)

    @property
    def grade(self) -> Grade:
        if self.best is None:
            return "unusable"
        sure, able = self.best.serves
        if able == 0:
            return "poor"
        return "good" if sure >= GOOD_SHARE * len(self.best.verdicts) else "limited"

    @property
    def fixes(self) -> tuple[str, ...]:
        """What to do about it, the most useful first; about photos that can't be used in any case."""
        fixes = [f"Photo {photo.index + 1}: {about_error(photo.error)}" for photo in self.photos if photo.error]
        if self.grade in ("limited", "poor") and self.best is not None:
            fixes += [ADVICE[code] for code in _obstacles(self.best) if code in ADVICE][:MOST_ADVICE]
        return tuple(dict.fromkeys(fixes))


def examine_card(
    pipeline: Pipeline,
    photos: Sequence[bytes | TryonError],
    views: Sequence[ViewName | None],
    poses: Mapping[str, Pose],
) -> CardFitness:
    """photos: files, or why one can't be had; views: as many, None where unknown; poses: house poses by name."""
    return CardFitness(
        tuple(
            examine_photo(pipeline, photo, index, view, poses)
            for index, (photo, view) in enumerate(zip(photos, views, strict=True))
        )
    )


def examine_photo(
    pipeline: Pipeline, photo: bytes | TryonError, index: int, view: ViewName | None, poses: Mapping[str, Pose]
) -> PhotoFitness:
    if isinstance(photo, TryonError):
        return PhotoFitness(index, None, {}, photo)
    try:
        product = pipeline.analyse_product(photo, f"product[{index}]", view=view)
    except (InputError, RefusedError) as error:
        return PhotoFitness(index, None, {}, error)
    verdicts = {name: dry_run(pipeline, product, pose) for name, pose in poses.items()}
    return PhotoFitness(index, view_name(product.person.keypoints), verdicts, appearance=product.appearance)


def dry_run(pipeline: Pipeline, product: Product, pose: Pose) -> Verdict:
    """What the pipeline says of the pair before it renders."""
    job = Job(RenderRequest(pose, (product,)))
    try:
        for _, step in takewhile(lambda one: one[0] != "render", STEPS):
            step(pipeline, job)
    except RefusedError as error:
        return Verdict("refused", error.reasons)
    return Verdict("doubtful" if job.doubts else "accepted", job.doubts)


def _obstacles(photo: PhotoFitness) -> list[str]:
    """Codes of what keeps it from serving more poses, by how many they concern, refusals twice."""
    counts: Counter[str] = Counter()
    for verdict in photo.verdicts.values():
        weight = 2 if verdict.status == "refused" else 1
        counts.update({reason.code: weight for reason in verdict.reasons})
    return [code for code, _ in counts.most_common()]
