"""Pairs from a shop's catalogue: photos of one product on one model, from several sides.

Each photo is a pair with itself, and each two of a product that the guard lets pass are two more, one each way. Where
there is only one photo of everything, there-and-back makes more: the person as the warp renderer poses them is a source
for the real photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service import verdict
from tryon_service.analysis import PRODUCT_MAX_SIDE, Analyst
from tryon_service.errors import InputError, RefusedError
from tryon_service.imaging.decode import decode
from tryon_service.poses.house import house_pose, names
from tryon_service.renderers.portrait import PortraitFrame
from tryon_service.training.makers import name_seed
from tryon_service.training.pair_guard import unlike
from tryon_service.training.pairs import chosen, held_back, person_in, portrait_of
from tryon_service.training.portraits import Pair, Portrait, PortraitSet
from tryon_service.training.shards import Split
from tryon_service.training.there_and_back import elsewhere
from tryon_service.types import Person, Size, ViewName

POSED = "~posed"
"""What the name of a person posed by the renderer ends in, after the photo's."""


@dataclass(frozen=True)
class CataloguePhoto:
    """A line of a catalogue. name: unique; owner: the product's id; view: as the catalogue says; model: who wears it,
    empty where the catalogue doesn't say; code: what is wrong with the line, empty if nothing is."""

    name: str
    owner: str
    path: Path
    view: ViewName | None = None
    model: str = ""
    code: str = ""
    split: Split = "train"

    def portrait(self, analyst: Analyst, size: Size) -> Portrait:
        """See pairs.Shot. What the verdict would refuse as a card is refused here too."""
        if self.code:
            raise InputError(self.code, field=self.name)
        person = self._person(analyst)
        picture = person.photo.rgb.shape[1], person.photo.rgb.shape[0]
        return portrait_of(person, PortraitFrame.of(person.keypoints, size, picture), self, "catalogue", self.view)

    def _person(self, analyst: Analyst) -> Person:
        photo = decode(_bytes(self.path, self.name), self.name, max_side=PRODUCT_MAX_SIDE // 2)
        person = person_in(photo, self, analyst, self.view)
        reasons = verdict.check_product(person)
        if reasons:
            raise RefusedError([replace(reason, photo=self.name) for reason in reasons])
        return person


@dataclass(frozen=True)
class PosedPhoto(CataloguePhoto):
    """The person of a photo in another pose, as the warp renderer draws it."""

    def _person(self, analyst: Analyst) -> Person:
        _bytes(self.path, self.name)
        poses, rng = [house_pose(name) for name in names()], np.random.default_rng(name_seed(self.name))
        return elsewhere(analyst, self.path, self.name, self.view, poses, rng)


@dataclass(frozen=True)
class CatalogueSource:
    """Implements pairs.PairSource.

    photos: in the catalogue's order; about: of the catalogue, for the manifest; per_owner: photos of one product, at
    most, the first ones; limit: products, at most; there_and_back: whether every photo is posed too.
    """

    photos: Sequence[CataloguePhoto]
    about: Mapping[str, Any] = field(default_factory=dict)
    per_owner: int | None = None
    limit: int | None = None
    there_and_back: bool = False

    @property
    def options(self) -> dict[str, Any]:
        more = {"per_owner": self.per_owner, "limit": self.limit, "there_and_back": self.there_and_back}
        return {"source": "catalogue", **self.about, **more}

    def shots(self) -> list[CataloguePhoto]:
        """See PairSource. A tenth of the products is held back."""
        owners = chosen([photo.owner for photo in self.photos], self.limit)
        held = held_back(owners)
        ordered = sorted((photo for photo in self.photos if photo.owner in set(owners)), key=lambda photo: photo.owner)
        shots: list[CataloguePhoto] = []
        for owner, group in groupby(ordered, key=lambda photo: photo.owner):
            split: Split = "held" if owner in held else "train"
            mine = [replace(photo, split=split) for photo in group][: self.per_owner]
            shots += mine
            if self.there_and_back:
                shots += [PosedPhoto(**{**vars(photo), "name": photo.name + POSED}) for photo in mine]
        return shots

    def pairs(self, people: PortraitSet, split: Split) -> tuple[list[Pair], dict[str, str]]:
        """See PairSource. Two photos whose lines name different models are none, nor are those that look unlike."""
        models = {photo.name: photo.model for photo in self.photos}
        made = set(people.portraits(split))
        pairs: list[Pair] = []
        dropped: dict[str, str] = {}
        shots = [shot for shot in self.shots() if shot.name in made]
        for _, group in groupby(shots, key=lambda shot: shot.owner):
            mine = [shot.name for shot in group if not shot.name.endswith(POSED)]
            for name in mine:
                pairs += [Pair(name, name, "self"), *_posed(name, made)]
            read = {name: people.read(name) for name in mine} if len(mine) > 1 else {}
            for one, other in combinations(mine, 2):
                code = "other_model" if models[one] != models[other] else unlike(read[one], read[other])
                if code:
                    dropped[f"{one} > {other}"] = code
                else:
                    pairs += [Pair(one, other, "views"), Pair(other, one, "views")]
        return pairs, dropped


def _posed(name: str, made: set[str]) -> Iterator[Pair]:
    if name + POSED in made:
        yield Pair(name + POSED, name, "there_and_back")


def _bytes(path: Path, name: str) -> bytes:
    """Raises InputError("not_found")."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("not_found", f"{path.name!r} can't be read: {error.strerror}.", name) from error
