"""Does the result stand like the shopper?

A fresh pose estimate on each result that isn't refused is compared with the shopper's own limb directions, both from
the raw landmarks: upper arms, forearms, thighs and shins, as angles in the picture. Limbs not in the product photo (an
end outside the frame, or of visibility below one half) are left out. Of the limbs whose direction differs by at least
20 degrees from the product photo's own, where a copy of that photo scores nothing, the share that ends within 15
degrees is the figure; no person found on the result counts as missed. `moved_and_shown` leaves out limbs that the
shopper photo doesn't show, which keep the product's pose on purpose.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Picture, model_photos, shopper_photos
from tryon_service.evaluation.drawing import fitted, rgb_of, sheet
from tryon_service.evaluation.matrix import analysed, perceived
from tryon_service.perception.skeletons import LIMBS
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.types import BoolArray, Keypoints, Person, Photo, Size, UInt8Array

MOVED, CLOSE = 20.0, 15.0
VISIBLE = 0.5
WORST = 24
TILE = (150, 200)

NAMES = tuple(LIMBS)
ENDS = np.array([[int(near), int(far)] for near, far in LIMBS.values()])


@dataclass(frozen=True)
class Pair:
    """One result's limbs, in the order of NAMES: which are in question, which the shopper shows, how far off."""

    name: str
    moved: BoolArray
    shown: BoolArray
    off: np.ndarray
    strip: UInt8Array | None = None

    @property
    def missed(self) -> int:
        return int(np.count_nonzero(self.moved & (self.off > CLOSE)))


class Pose:
    def run(self, pipeline: Pipeline, data: Path, limit: int | None) -> Findings:
        models, photos = model_photos(data, limit), shopper_photos(data, limit)
        shoppers = [(path.stem, perceived(pipeline, path)) for path in tqdm(photos, desc="shoppers", unit="photo")]
        pairs: list[Pair] = []
        refused: Counter[str] = Counter()
        seconds: list[float] = []
        with tqdm(total=len(models) * len(shoppers), desc="pose", unit="render") as progress:
            for path in models:
                product = analysed(pipeline, path)
                for name, shopper in shoppers:
                    start = time.perf_counter()
                    outcome = compare(pipeline, f"{path.stem} x {name}", product, shopper)
                    seconds.append(time.perf_counter() - start)
                    if isinstance(outcome, Pair):
                        pairs = without_pictures([*pairs, outcome])
                    else:
                        refused[outcome] += 1
                    progress.update()
        figures = summary(pairs, refused) | {"seconds_per_pair": {"median": float(np.median(seconds))}}
        worst = (Picture(pair.strip, pair.name) for pair in sorted(pairs, key=badness) if pair.strip is not None)
        return Findings(figures, f"{__doc__}\nBelow: the worst, each as product, shopper, result.", tuple(worst))


def compare(
    pipeline: Pipeline, name: str, product: Product | RefusedError, shopper: Person | RefusedError
) -> Pair | str:
    """The pair's limbs, or the code it was refused with."""
    if isinstance(product, RefusedError):
        return product.code
    if isinstance(shopper, RefusedError):
        return shopper.code
    result = pipeline.render(RenderRequest(shopper=shopper, products=(product,)))
    if result.picture is None:
        return result.verdict.reasons[0].code
    picture = rgb_of(result.picture)
    wanted, own = directions(shopper.keypoints), directions(product.person.keypoints)
    photo = product.person.photo
    inside = in_photo(product.person.keypoints, (photo.rgb.shape[1], photo.rgb.shape[0]))
    tiles = [fitted(one, TILE) for one in (photo.rgb, shopper.photo.rgb, picture)]
    return Pair(
        name,
        moved=inside & (degrees_between(wanted, own) >= MOVED),
        shown=shopper.keypoints.seen[ENDS].all(axis=1),
        off=degrees_off(pipeline, picture, wanted),
        strip=sheet([tiles]),
    )


def degrees_off(pipeline: Pipeline, picture: UInt8Array, wanted: np.ndarray) -> np.ndarray:
    """How far each limb of the person found on the picture is from the wanted direction; 180 if nobody is found."""
    photo = Photo(picture, (picture.shape[1], picture.shape[0]), digest="")
    try:
        found = pipeline.pose.estimate(photo).keypoints
    except RefusedError:
        return np.full(len(NAMES), 180.0)
    return degrees_between(directions(found), wanted)


def directions(keypoints: Keypoints) -> np.ndarray:
    """Degrees of each limb in the picture, from its near end to its far end."""
    along = keypoints.xy[ENDS[:, 1]] - keypoints.xy[ENDS[:, 0]]
    return np.asarray(np.degrees(np.arctan2(along[:, 1], along[:, 0])))


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs((a - b + 180.0) % 360.0 - 180.0))


def in_photo(keypoints: Keypoints, size: Size) -> BoolArray:
    """Which limbs lie in the photo with both ends."""
    inside = ((keypoints.xy >= 0) & (keypoints.xy <= np.array(size) - 1)).all(axis=1)
    return np.asarray((inside & (keypoints.visibility >= VISIBLE))[ENDS].all(axis=1))


def badness(pair: Pair) -> tuple[int, float]:
    """Sorts the worst first."""
    return -pair.missed, -float(np.max(pair.off, where=pair.moved, initial=0.0))


def without_pictures(pairs: list[Pair]) -> list[Pair]:
    """Only the worst keep their strips, so that memory stays flat."""
    keep = {id(pair) for pair in sorted((pair for pair in pairs if pair.strip is not None), key=badness)[:WORST]}
    return [pair if id(pair) in keep else Pair(pair.name, pair.moved, pair.shown, pair.off) for pair in pairs]


def summary(pairs: list[Pair], refused: Counter[str]) -> dict[str, Any]:
    total = len(pairs) + sum(refused.values())
    figures: dict[str, Any] = {
        "pairs": total,
        "rendered": len(pairs),
        "refused_share": round(sum(refused.values()) / total, 4),
        "refused_by_code": {code: round(count / total, 4) for code, count in refused.most_common()},
    }
    if not pairs:
        return figures
    moved, shown, off = (np.stack([getattr(pair, key) for pair in pairs]) for key in ("moved", "shown", "off"))
    return figures | {
        "moved": share_close(moved, off),
        "moved_and_shown": share_close(moved & shown, off),
        "by_limb": {name: share_close(moved[:, [i]], off[:, [i]]) for i, name in enumerate(NAMES)},
        "worst_pairs": [pair.name for pair in sorted(pairs, key=badness)[:WORST] if pair.missed],
    }


def share_close(chosen: BoolArray, off: np.ndarray) -> dict[str, Any]:
    count = int(np.count_nonzero(chosen))
    close = int(np.count_nonzero(chosen & (off <= CLOSE)))
    return {"limbs": count, "within_15_degrees": round(close / count, 4) if count else None}
