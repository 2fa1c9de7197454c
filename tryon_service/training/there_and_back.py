"""Training pairs that cost nothing: a photo is posed like somebody else and back to its own pose, and the photo is the
truth that a repaired picture should come back to.

The way back lands exactly: it undoes what the way there did, with none of the damping that a shopper's pose gets. Two
things are then made as they are in a picture that was drawn once. What came back to its place is as sharp as if it had
never left; and what was completed anywhere on the way counts as completed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from tryon_service import verdict
from tryon_service.analysis import Analyst
from tryon_service.appearance.subject import torso_length
from tryon_service.errors import InputError, RefusedError
from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.skeletons import LIMBS
from tryon_service.poses.pose import Pose
from tryon_service.renderers.nets.refine_input import Crop, crop_round, over_grey
from tryon_service.request import Product
from tryon_service.retarget.retarget import retarget
from tryon_service.training.limb_moves import with_limbs_moved
from tryon_service.training.photos import PhotoFile
from tryon_service.training.shards import SIDE, Kind, Sample
from tryon_service.training.stops import Stop
from tryon_service.types import Float32Array, Person, Reason, Rendered, Size, TargetPose, UInt8Array, ViewName

RENDERER = "warp"
LARGEST: Size = (2048, 768)
"""Photos are reduced to fit this before anything else: a sample has fewer rows, and analysis costs by the pixel."""
OTHERS = 0.6
"""Share of the ways that lead over other people's poses; the rest over the own pose with its limbs moved."""
TWICE = 0.25
"""Share of the ways with a second stop."""
TRIES = 16
"""Poses to try for a stop: many views don't fit."""
LEAST = 0.1
"""How far a joint must go for a stop to teach anything, torso lengths."""
TORN = 0.1
"""How much of the person may be lost or lie beside it; beyond this there is nothing left to learn a repair from."""
PATIENCE = 4
"""Ways in a row that may lead nowhere, or come back torn, before giving up."""
BLUR = 1.5
"""Pixels, standard deviation, by which two renders are compared: the sharpness lost on the way hardly shows in it."""
LEVELS = 8.0
"""How much the colour of what came back to its place may differ from the photo's."""
SHIFT = 0.5
"""Pixels that it may have come to lie beside its place."""
AROUND = 4.0
MOST = (0.80, 0.95)
"""Pixels, standard deviation, and the share of them that must have come back for the one in their middle to count, not
at all and fully: here and there a pixel that lies elsewhere has the right colour by chance."""
WHOLE = 0.99
"""Coverage from which nothing of a pixel was completed."""


def there_and_back(
    analyst: Analyst, photo: PhotoFile, poses: Sequence[Pose], rng: np.random.Generator
) -> Iterator[Sample]:
    """One sample after another, as long as poses are found that fit. poses: other people's, or none.

    Raises as Analyst.analyse_product does, and InputError("image_too_small").
    """
    product = _analysed(analyst, photo)
    crop = _crop(product.person, photo.name)
    renderer, start = analyst.renderer(RENDERER), Stop(product.appearance)
    untouched = start.drawn(renderer, start.back_to(product.person))
    wasted = 0
    while wasted < PATIENCE:
        wasted += 1
        kind: Kind = "other" if poses and rng.random() < OTHERS else "jitter"
        stop = start
        for _ in range(2 if rng.random() < TWICE else 1):
            target = _next(stop, kind, poses, rng)
            stop = stop.moved(renderer, target) if target else stop
        back = stop.drawn(renderer, stop.back_to(product.person))
        if stop.hops and _torn(back, product.person) <= TORN:
            wasted = 0
            yield _sample(photo, kind, stop.hops + 1, as_drawn_once(back, untouched), product.person, crop)


def seen_again(analyst: Analyst, photo: PhotoFile, again: PhotoFile) -> Sample:
    """The person of one photo in the pose of another photo of the same person, which is the truth, roughly.

    Raises as there_and_back does, and RefusedError if no picture of this person in that pose can be made.
    """
    product, person = _analysed(analyst, photo), _analysed(analyst, again).person
    crop = _crop(person, again.name)
    size = (person.photo.rgb.shape[1], person.photo.rgb.shape[0])
    target = retarget(
        product.person,
        person.keypoints,
        frame="shopper",
        shopper_size=size,
        anchored=product.appearance.anchored,
        outline=product.outline,
    )
    refusals, _ = verdict.weigh(product.person, Pose.of(person), target)
    if refusals:
        raise RefusedError(refusals)
    rendered = Stop(product.appearance).drawn(analyst.renderer(RENDERER), target)
    return _sample(photo, "real", 1, rendered, person, crop)


def elsewhere(
    analyst: Analyst, path: Path, name: str, view: ViewName | None, poses: Sequence[Pose], rng: np.random.Generator
) -> Person:
    """The photo's person on the way, as drawn in another's pose, or with its own limbs moved where none of them fits.

    Raises as Analyst.analyse_product does, and RefusedError("pose_too_different") if nothing fits.
    """
    product = analyst.analyse_product(path.read_bytes(), name, size=LARGEST, renderer=RENDERER, view=view)
    start = Stop(product.appearance)
    target = _next(start, "other", poses, rng) or _next(start, "jitter", poses, rng)
    if target is None:
        raise RefusedError([Reason("pose_too_different", name)])
    return start.moved(analyst.renderer(RENDERER), target).person


def as_drawn_once(back: Rendered, untouched: Rendered) -> Rendered:
    """The way back as sharp as a picture that was drawn once, where it shows what the photo shows.

    back: at the end of the way; untouched: the photo's own pose drawn from the photo, in the same frame. A pixel is
    taken from there if nothing of it was completed on the way and all around it has come back to its place, give or
    take half a pixel: seams, slivers and what lies beside its place stay as they came.
    """
    home = _home(back, untouched)
    shares = home * untouched.alpha, (1 - home) * back.alpha
    taken = home > 0.5
    return Rendered(
        np.asarray(cv2.blendLinear(untouched.rgb, back.rgb, *shares)),
        shares[0] + shares[1],
        np.where(taken, untouched.coverage, back.coverage),
        np.where(taken, untouched.parsing, back.parsing),
    )


def _home(back: Rendered, untouched: Rendered) -> Float32Array:
    """H x W in [0, 1]: how far each pixel has come back to its place."""
    came, left = (
        cv2.GaussianBlur(over_grey(one.rgb, one.alpha).astype(np.float32), (0, 0), BLUR) for one in (back, untouched)
    )
    slope = np.hypot(*(cv2.Sobel(left, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))
    near = (np.abs(came - left) <= LEVELS + SHIFT * slope).all(axis=2).astype(np.float32)
    around = np.clip((cv2.GaussianBlur(near, (0, 0), AROUND) - MOST[0]) / (MOST[1] - MOST[0]), 0.0, 1.0)
    whole = (back.coverage >= WHOLE) | (back.alpha == 0)
    return np.asarray(around * cv2.erode(near, np.ones((3, 3), np.uint8)) * whole, np.float32)


def _analysed(analyst: Analyst, photo: PhotoFile) -> Product:
    return analyst.analyse_product(photo.path.read_bytes(), photo.name, size=LARGEST, renderer=RENDERER)


def _crop(person: Person, name: str) -> Crop:
    size = (person.photo.rgb.shape[1], person.photo.rgb.shape[0])
    crop = crop_round(person.box, size, SIDE)
    if crop.size[1] < SIDE:
        detail = f"The person and a tenth round it are {crop.size[1]} pixels high; {SIDE} are needed."
        raise InputError("image_too_small", detail, name)
    return crop


def _next(stop: Stop, kind: Kind, poses: Sequence[Pose], rng: np.random.Generator) -> TargetPose | None:
    """A pose that isn't refused and moves something; None if none was found."""
    person = stop.person
    for _ in range(TRIES):
        pose = poses[int(rng.integers(len(poses)))] if kind == "other" else _with_limbs_moved(person, rng)
        target = retarget(person, pose.keypoints(), anchored=stop.appearance.anchored, outline=stop.outline)
        refusals, _ = verdict.weigh(person, pose, target)
        if not refusals and _movement(person, target) > LEAST:
            return target
    return None


def _with_limbs_moved(person: Person, rng: np.random.Generator) -> Pose:
    own = Pose.of(person)
    return Pose.quantised(with_limbs_moved(own.keypoints(), rng), own.size, own.height)


def _movement(person: Person, target: TargetPose) -> float:
    """How far the joint goes that goes farthest, of those that the photo shows; torso lengths."""
    joints = sorted({joint for bone in LIMBS.values() for joint in bone if person.keypoints.seen[joint]})
    moved = np.linalg.norm(target.keypoints.xy[joints] - person.keypoints.xy[joints], axis=1)
    return float(moved.max(initial=0.0)) / torso_length(person.keypoints)


def _torn(back: Rendered, person: Person) -> float:
    """Area where one of the two shows the person and the other doesn't, as a share of the person's."""
    solid = person.matte > 0.5
    return float(((back.alpha > 0.5) != solid).sum() / solid.sum())


def _sample(photo: PhotoFile, kind: Kind, hops: int, rendered: Rendered, person: Person, crop: Crop) -> Sample:
    """What was drawn and the photographed person, both in the crop of the photo."""
    own = decontaminate(person.photo.rgb, person.matte)
    return Sample(
        photo.name,
        photo.source,
        kind,
        hops,
        rgb=crop.reduced(over_grey(rendered.rgb, rendered.alpha)),
        alpha=_bytes(crop.reduced(rendered.alpha)),
        coverage=_bytes(crop.reduced(rendered.coverage)),
        parsing=crop.reduced(rendered.parsing, ids=True),
        xy=crop.moved(person.keypoints.xy),
        seen=person.keypoints.seen,
        target=crop.reduced(over_grey(own, person.matte)),
        target_alpha=_bytes(crop.reduced(person.matte)),
        target_parsing=crop.reduced(person.parsing, ids=True),
    )


def _bytes(share: Float32Array) -> UInt8Array:
    """[0, 1] to 0 to 255."""
    return np.asarray(np.rint(share * 255), np.uint8)
