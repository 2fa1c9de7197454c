"""There and back: product A is rendered in B's pose, that picture is taken as a product photo and rendered in A's pose.

SSIM against A's photo in the box of A's person (Gaussian window, data range 255, mean of the channels), at the
photo's own size and with both pictures at 256 pixels of height, by the largest difference between the two poses, as
they were found, in any limb that both photos show. Where a pose had to be shrunk or shifted to fit the frame, both
targets say so, and it is undone before the comparison. `ssim_registered` is taken after the result was laid on A's
photo by a shift and a turn, so it asks less where the person stands and more how well it is drawn.

A pair counts only if the first leg has landed: on a fresh look at the picture in between every limb of A's photo lies
within 15 degrees of where it was to go, and the one that moved most is nearer to there than to where it came from (or
within 5 degrees). Pairs that were refused before anything was drawn, or whose first leg has not landed, are left out
and counted; what the verdict says of a drawn picture is not asked, so that two versions with different verdicts can be
compared.

B is another model (natural), the same person in the second photo of an exercise (two_poses), or A's own pose with its
limbs turned by a few degrees in the picture plane, alike in pixels and in metres (small): hardly two people stand
within 20 degrees of one another in every limb.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options, Picture, model_photos, photos_in
from tryon_service.evaluation.drawing import fitted, rgb_of, sheet
from tryon_service.evaluation.identity import HEIGHT, at_height, scaled_box
from tryon_service.evaluation.limbs import CLOSE, ENDS, degrees_between, directions, in_photo
from tryon_service.evaluation.measured import seen_again
from tryon_service.evaluation.records import Ledger, Record, compared, read_strip
from tryon_service.evaluation.ssim import ssim
from tryon_service.imaging.encode import encode
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.pipeline import Job, Pipeline, RenderRequest
from tryon_service.retarget.view import HIPS
from tryon_service.types import Keypoints, Person, TargetPose, UInt8Array

OTHERS, SMALL = 8, 2
"""Other models, and small moves, per product."""
BINS = {"under_20": (0.0, 20.0), "20_to_45": (20.0, 45.0), "over_45": (45.0, 180.1)}
BLUR = 3.0
"""Pixels, standard deviation: what the registration looks at."""
NOISE = 5.0
"""Degrees by which two estimates of the same pose differ."""
ARM_TURN, LEG_TURN = (5.0, 16.0), (2.0, 6.0)
"""Degrees, least and most, of a small move."""
WORST = 24
TILE = (240, 320)

FOLLOWS = {
    Landmark.LEFT_ELBOW: (13, 15, 17, 19, 21),
    Landmark.LEFT_WRIST: (15, 17, 19, 21),
    Landmark.RIGHT_ELBOW: (14, 16, 18, 20, 22),
    Landmark.RIGHT_WRIST: (16, 18, 20, 22),
    Landmark.LEFT_KNEE: (25, 27, 29, 31),
    Landmark.LEFT_ANKLE: (27, 29, 31),
    Landmark.RIGHT_KNEE: (26, 28, 30, 32),
    Landmark.RIGHT_ANKLE: (28, 30, 32),
}
"""The landmarks that turn with a bone, by the bone's far end."""


@dataclass(frozen=True)
class Case:
    """Product photo A and the pose it takes on the way: B's, or A's own with the small move of that number."""

    product: Path
    other: Path | int

    @property
    def key(self) -> str:
        other = f"small {self.other}" if isinstance(self.other, int) else self.other.stem
        return f"{self.product.stem} to {other}"

    @property
    def kind(self) -> str:
        if isinstance(self.other, int):
            return "small"
        return "natural" if self.product.parent.name == "models" else "two_poses"


class Cycle:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        ledger = Ledger(options.out, pipeline.default_renderer)
        chosen = list(cases(data, options.limit))
        for case in tqdm(chosen, desc="cycle", unit="pair", disable=None):
            if case.key in ledger:
                continue
            record, tiles = measure(pipeline, case)
            strip = sheet([[fitted(tile, TILE) for tile in tiles]])
            ledger.add(case.key, {"kind": case.kind, **record}, strip)
        records = ledger.chosen([case.key for case in chosen])
        worst = sorted(filter(counted, records), key=lambda record: record["ssim"])[:WORST]
        figures = summary(records) | compared(records, options.baseline, summary, counted)
        return Findings(
            figures, f"{__doc__}\nBelow: A, B, A in B's pose, back again.", tuple(pictures(options.out, worst))
        )


def cases(data: Path, limit: int | None) -> Iterator[Case]:
    """Each model with OTHERS others, evenly spaced, and SMALL small moves; exercises both ways."""
    models = model_photos(data, limit)
    for index, path in enumerate(models):
        steps = sorted({max(1, round((k + 1) * len(models) / (OTHERS + 1))) for k in range(OTHERS)})
        yield from (Case(path, models[(index + step) % len(models)]) for step in steps if step % len(models))
        yield from (Case(path, number) for number in range(SMALL))
    if (data / "two_poses").is_dir():
        first = [path for path in photos_in(data / "two_poses") if path.stem.endswith("_0")]
        for path in first[:limit]:
            other = path.with_name(f"{path.stem[:-1]}1{path.suffix}")
            if other.exists():
                yield from (Case(path, other), Case(other, path))


def measure(pipeline: Pipeline, case: Case) -> tuple[dict[str, Any], list[UInt8Array]]:
    """status: counted, not_landed, or refused with the code and the leg; ssim and moved where there are any."""
    tiles: list[UInt8Array] = []
    try:
        product = pipeline.analyse_product(case.product.read_bytes())
        tiles.append(product.person.photo.rgb)
        shopper = driver(pipeline, case, product.person)
        tiles.append(shopper.photo.rgb)
        there = drawn(pipeline, RenderRequest(shopper=shopper, products=(product,)))
        tiles.append(rgb_of(there.picture))  # type: ignore[arg-type]
        moved = round(largest_movement(product.person, shopper), 2)
        record: dict[str, Any] = {"moved": moved, "verdicts": [_status(there)]}
        if not landed(pipeline, product.person, there):
            return record | {"status": "not_landed"}, tiles
        back = drawn(pipeline, RenderRequest(product.person, (encode(tiles[2], "png"),)))
    except RefusedError as error:
        leg = "back" if len(tiles) == 3 else "there"
        return {"status": "refused", "code": error.code, "leg": leg}, tiles or [np.zeros((4, 3, 3), np.uint8)]
    record["verdicts"].append(_status(back))
    tiles.append(placed_back(rgb_of(back.picture), [_leg(there), _leg(back)]))  # type: ignore[arg-type]
    return record | {"status": "counted"} | likeness(product.person, tiles[-1]), tiles


def likeness(person: Person, picture: UInt8Array) -> dict[str, float]:
    """SSIM of the person's photo and a picture of its size, in the person's box."""
    photo = person.photo.rgb
    small = scaled_box(person.box, HEIGHT / photo.shape[0])
    return {
        "ssim": round(ssim(photo, picture, person.box), 4),
        "ssim_256": round(ssim(at_height(photo), at_height(picture), small), 4),
        "ssim_registered": round(ssim(photo, registered(picture, photo), person.box), 4),
    }


def registered(picture: UInt8Array, photo: UInt8Array) -> UInt8Array:
    """The picture shifted and turned a little so that it lies on the photo as well as it can (Evangelidis, Psarakis,
    "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", 2008); itself where that fails."""
    greys = [cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (0, 0), BLUR) for rgb in (photo, picture)]
    move = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-4)
    try:
        _, found = cv2.findTransformECC(greys[0], greys[1], move, cv2.MOTION_EUCLIDEAN, stop)
    except cv2.error:
        return picture
    mode = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = picture.shape[1::-1]
    return np.asarray(cv2.warpAffine(picture, found, size, flags=mode, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def placed_back(picture: UInt8Array, legs: Sequence[tuple[Keypoints, TargetPose]]) -> UInt8Array:
    """The picture with what the legs did to fit the pose into the frame undone: their scales, and shifts of the hips.

    legs: of each, the pose in its product photo and its target, in order.
    """
    scale, shift = 1.0, np.zeros(2)
    for own, target in legs:
        before, after = (keypoints.xy[list(HIPS)].mean(axis=0) for keypoints in (own, target.keypoints))
        scale, shift = scale * target.scale, shift * target.scale + after - target.scale * before
    if abs(scale - 1) < 1e-3 and np.abs(shift).max() < 0.5:
        return picture
    move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
    size = picture.shape[1::-1]
    mode = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, move, size, flags=mode, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def driver(pipeline: Pipeline, case: Case, model: Person) -> Person:
    if isinstance(case.other, Path):
        return pipeline.analyse_pose(case.other.read_bytes())
    seed = [case.other, *case.product.stem.encode()]
    return replace(model, keypoints=small_move(model.keypoints, np.random.default_rng(seed)))


def small_move(keypoints: Keypoints, rng: np.random.Generator) -> Keypoints:
    """The pose with each limb turned about its near end in the picture plane, to either side; what hangs on it goes
    along. The second bone of an arm or leg turns back by half, so that no limb moves by 20 degrees."""
    xyz, world = keypoints.xyz.copy(), keypoints.world.copy()
    for name, (near, far) in LIMBS.items():
        if name.endswith(("upper_arm", "thigh")):
            least, most = ARM_TURN if name.endswith("arm") else LEG_TURN
            angle = float(rng.uniform(least, most) * rng.choice((-1, 1)))
        else:
            angle *= -0.5
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[cos, sin], [-sin, cos]], np.float32)
        points = list(FOLLOWS[far])
        for joints in (xyz, world):
            joints[points, :2] = joints[near, :2] + (joints[points, :2] - joints[near, :2]) @ turn
    return replace(keypoints, xyz=xyz, world=world)


def drawn(pipeline: Pipeline, request: RenderRequest) -> Job:
    """The job with its picture, whatever the verdict. Raises RefusedError if none was drawn."""
    job = Job(request)
    result = pipeline.run(job)
    if job.picture is None:
        raise RefusedError(result.verdict.reasons)
    return job


def largest_movement(model: Person, shopper: Person) -> float:
    """Degrees between the two poses of the limb that differs most, of those in A's photo that the shopper shows."""
    both = in_photo(model.keypoints, model.photo.rgb.shape[1::-1]) & shopper.keypoints.seen[ENDS].all(axis=1)
    apart = degrees_between(directions(model.keypoints), directions(shopper.keypoints))
    return float(np.max(apart, where=both, initial=0.0))


def landed(pipeline: Pipeline, model: Person, job: Job) -> bool:
    """Whether the limbs of A's photo are found where the job's target has them."""
    assert job.target is not None
    assert job.picture is not None
    own, wanted = directions(model.keypoints), directions(job.target.keypoints)
    inside = in_photo(model.keypoints, model.photo.rgb.shape[1::-1])
    found = seen_again(pipeline, rgb_of(job.picture))
    if found is None or not inside.any():
        return False
    asked = np.where(inside, degrees_between(own, wanted), 0.0)
    off = degrees_between(directions(found.keypoints), wanted)
    most = int(asked.argmax())
    return bool((off[inside] <= CLOSE).all() and off[most] <= max(asked[most] / 2, NOISE))


def summary(records: Sequence[Record]) -> dict[str, Any]:
    statuses = Counter(record["status"] for record in records)
    refused = Counter(f"{r['leg']}: {r['code']}" for r in records if r["status"] == "refused")
    figures: dict[str, Any] = {"pairs": len(records), **statuses, "refused_by_code": dict(refused.most_common())}
    for name, (low, high) in BINS.items():
        chosen = [record for record in records if low <= record.get("moved", -1.0) < high]
        figures[name] = {
            "kinds": dict(Counter(record["kind"] for record in filter(counted, chosen))),
            "not_landed": sum(record["status"] == "not_landed" for record in chosen),
            "all": _means(list(filter(counted, chosen))),
            "both_accepted": _means([r for r in filter(counted, chosen) if set(r["verdicts"]) == {"accepted"}]),
        }
    return figures


def _means(records: Sequence[Record]) -> dict[str, Any]:
    row: dict[str, Any] = {"counted": len(records)}
    for name in ("ssim", "ssim_256", "ssim_registered") if records else ():
        values = [record[name] for record in records]
        row[name] = {"mean": round(statistics.fmean(values), 4), "median": round(statistics.median(values), 4)}
    return row


def counted(record: Record) -> bool:
    return bool(record["status"] == "counted")


def pictures(out: Path, records: Sequence[Record]) -> Iterator[Picture]:
    for record in records:
        caption = f"{record['key']}: moved {record['moved']:.0f} degrees, SSIM {record['ssim']:.3f}"
        yield Picture(read_strip(out, record["key"]), caption)


def _leg(job: Job) -> tuple[Keypoints, TargetPose]:
    assert job.target is not None
    assert job.product is not None
    return job.product.person.keypoints, job.target


def _status(job: Job) -> str:
    return job.verdict.status if job.verdict else ""
