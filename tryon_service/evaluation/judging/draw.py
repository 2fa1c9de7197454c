"""Which pairs are judged: a seeded draw of cards of the shop and shoppers, spread over what makes a pair hard.

The calibration and the check set share neither a product nor a shopper; near-duplicate shopper photos stay together.
The drawn population is what a shop would try: of a card's photos the one the pipeline would choose, views at most
WIDEST degrees apart, nothing needed cut off. Each stratum gives pairs in proportion to the square root of its size, and
every pair carries its weight, the stratum's size over the pairs drawn from it, so that figures can be had for the
population too.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tryon_service.choice import mismatch
from tryon_service.evaluation.judging.labels import Side
from tryon_service.perception.skeletons import LIMBS
from tryon_service.retarget.view import degrees_between, direction, yaw
from tryon_service.types import Keypoints, Person

WIDEST = 60.0
VIEW_EDGES, MOVE_EDGES = (20.0, 45.0), (20.0, 45.0, 90.0)
CHECK_SHARE = 0.6
"""Of cards, shoppers and pairs: the check set's bounds need more pictures than the fit."""
NEAR_DUPLICATES = {
    "1707": "0025",
    "1074": "0403",
    "1611": "0719",
    "0616": "0223",
    "0722": "0594",
    "0730": "0183",
    "1890": "0999",
    "0990": "0907",
    "1083": "0343",
    "0732": "0692",
}
"""Shopper photos that show the same person in nearly the same pose as another one."""
SIDES: tuple[Side, Side] = ("calibration", "check")


@dataclass(frozen=True)
class Pair:
    """product, shopper: the photos' names without suffix. view, moved: degrees, of the torso and of the limb moved
    farthest. weight: pairs of the population that this one stands for."""

    product: str
    shopper: str
    set: Side
    stratum: str
    view: float
    moved: float
    weight: float


def cards(folder: Path) -> dict[str, list[Path]]:
    """A card's photos by product id, as its catalogue.csv lists them."""
    out: dict[str, list[Path]] = defaultdict(list)
    with (folder / "catalogue.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            out[row["product_id"]].append(folder / row["file"])
    return dict(out)


def split(names: Sequence[str], rng: np.random.Generator, of: Callable[[str], str] = str) -> dict[str, Side]:
    """Which side each name is on; `of` gives the group that stays together."""
    groups = sorted({of(name) for name in names})
    check = set(rng.permutation(groups)[: round(CHECK_SHARE * len(groups))])
    return {name: "check" if of(name) in check else "calibration" for name in names}


def original(shopper: str) -> str:
    return NEAR_DUPLICATES.get(shopper, shopper)


def kind(product: str) -> str:
    """Whether a product of the catalogue is worn above or below the waist: its id says so after the m or w."""
    return "bottom" if product[1:].startswith(("p", "sh")) else "top"


def candidates(
    photos: Mapping[str, Mapping[str, Person]],
    shoppers: Mapping[str, Keypoints],
    sides: tuple[Mapping[str, Side], Mapping[str, Side]],
) -> Iterator[Pair]:
    """Every pair of the population, of weight 1. photos: by card id and photo name; sides: of cards, of shoppers."""
    for card, views in photos.items():
        for shopper, keypoints in shoppers.items():
            if not views or sides[0][card] != sides[1][shopper]:
                continue
            name = min(views, key=lambda one: mismatch(views[one].keypoints, keypoints))
            view = degrees_between(yaw(views[name].keypoints), yaw(keypoints))
            if view <= WIDEST and _shows_enough(views[name], keypoints):
                moved = _moved(views[name].keypoints, keypoints)
                back = "back" if abs(yaw(views[name].keypoints)) > np.pi / 2 else "front"
                bins = f"view{_bin(view, VIEW_EDGES)} move{_bin(moved, MOVE_EDGES)}"
                stratum = f"{kind(card)} {back} {bins}"
                yield Pair(name, shopper, sides[1][shopper], stratum, round(view, 1), round(moved, 1), 1.0)


def draw(pairs: Sequence[Pair], count: int, rng: np.random.Generator) -> list[Pair]:
    """So many of them, CHECK_SHARE for the check set; within a stratum products and shoppers take turns."""
    out = []
    for side in SIDES:
        strata: dict[str, list[Pair]] = defaultdict(list)
        for pair in pairs:
            if pair.set == side:
                strata[pair.stratum].append(pair)
        share = CHECK_SHARE if side == "check" else 1.0 - CHECK_SHARE
        used: Counter[str] = Counter()
        for stratum, quota in _quotas({name: len(of) for name, of in strata.items()}, round(share * count)).items():
            pool = [strata[stratum][index] for index in rng.permutation(len(strata[stratum]))]
            for _ in range(quota):
                chosen = min(pool, key=lambda pair: used[pair.product] + used[pair.shopper])
                pool.remove(chosen)
                used.update((chosen.product, chosen.shopper))
                out.append(Pair(**{**vars(chosen), "weight": round(len(strata[stratum]) / quota, 2)}))
    return out


def _quotas(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many pairs each stratum gives, in proportion to the square root of its size, at least one, at most all."""
    roots = {name: np.sqrt(size) for name, size in sizes.items()}
    total = sum(roots.values())
    return {name: min(sizes[name], max(1, round(count * root / total))) for name, root in sorted(roots.items())}


def _moved(product: Keypoints, shopper: Keypoints) -> float:
    bones = [bone for bone in LIMBS.values() if product.seen[list(bone)].all() and shopper.seen[list(bone)].all()]
    return max((degrees_between(direction(product, bone), direction(shopper, bone)) for bone in bones), default=0.0)


def _shows_enough(product: Person, shopper: Keypoints) -> bool:
    """Whether the shopper photo shows the shoulders, hips, elbows and knees that the product photo does."""
    joints = sorted({joint for bone in LIMBS.values() for joint in bone[:1]})
    return bool((shopper.seen[joints] | ~product.keypoints.seen[joints]).all())


def _bin(value: float, edges: Sequence[float]) -> int:
    return int(np.searchsorted(edges, value))
