"""One there-and-back sample to one training crop: recoloured, scaled, mirrored, its planes made, a window cut out.

Whatever is done to the render is done to its truth. Planes are made of the whole person and cut afterwards, as widths
of the pose maps follow the person's height. Everything random comes from the generator passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from tryon_service.appearance.skin_tone import tinted_skin
from tryon_service.perception.nets.parser_input import POINTS
from tryon_service.perception.skeletons import MIRRORED
from tryon_service.renderers.nets.refine_input import (
    CLASS,
    COLOURS,
    GREY,
    LEVELS,
    POSE_STRIDE,
    REAL,
    SEAMS,
    Crop,
    planes,
    seams,
)
from tryon_service.renderers.permission import permission
from tryon_service.training.augment import SKIN, recolour_cloth, relight
from tryon_service.training.dataset import class_of_part
from tryon_service.training.shards import Sample
from tryon_service.types import BoolArray, Float32Array, Part, Rendered, Size, UInt8Array

HOLE, SEAM, JOINT, HAND, HEM = 1.5, 1.0, 0.7, 1.0, 1.0
"""What is added to a pixel's weight of 1 in holes and completed places, along seams, round elbows, knees and ankles,
round hands, and along the hems of the truth. Holes far above the ground beside them would make people grow."""
BROKEN = 0.7
"""Share of crops whose middle is a pixel that was torn or completed; the others lie anywhere."""
_JOINTS = [row for row, joints in enumerate(POINTS) if joints[0] in (13, 25, 27)]
_HANDS = [row for row, joints in enumerate(POINTS) if joints[0] in (15, 19)]
_SIDES = {Part.LEFT_ARM: Part.RIGHT_ARM, Part.LEFT_LEG: Part.RIGHT_LEG}
_OTHER_SIDE = np.arange(256, dtype=np.uint8)
for _left, _right in _SIDES.items():
    _OTHER_SIDE[_left], _OTHER_SIDE[_right] = _right, _left


@dataclass(frozen=True)
class Planes:
    """Float32. image: C x h x w and pose: C x h/4 x w/4, see refine_input.planes; truth: 3 x h x w, the photo over grey
    in units of LEVELS; truth_alpha: 1 x h x w in [0, 1]; weight: 1 x h x w, 0 on faces; allowed: 3 x h x w in [0, 1],
    how much of a change of colours, closing and opening permission.py lets through."""

    image: Float32Array
    pose: Float32Array
    truth: Float32Array
    truth_alpha: Float32Array
    weight: Float32Array
    allowed: Float32Array


def training_crop(sample: Sample, size: Size, smallest: float, rng: np.random.Generator) -> Planes:
    """A window of size (width, height) for learning. smallest: the least factor by which the person is reduced."""
    sample = recoloured(sample, rng)
    if rng.random() < 0.5:
        sample = mirrored(sample)
    factor = float(rng.uniform(smallest, 1.0))
    return window(whole(sample, round(sample.alpha.shape[0] * factor)), size, rng)


def recoloured(sample: Sample, rng: np.random.Generator) -> Sample:
    """Other skin, other cloth, other light: render and photo side by side, so that both change alike."""
    height, width = sample.alpha.shape
    grey = np.full((height, 1, 3), GREY, np.uint8)
    rgb = np.hstack([sample.rgb, sample.target, grey])
    parsing = np.hstack([sample.parsing, sample.target_parsing, np.zeros((height, 1), np.uint8)])
    classes = class_of_part()[parsing]
    if rng.random() < 0.3:
        rgb = tinted_skin(rgb, np.isin(classes, SKIN), float(rng.uniform(-1, 1)))
    if rng.random() < 0.4:
        rgb = recolour_cloth(rgb, classes, rng)
    rgb = relight(rgb, rng)
    # What lies behind the person is to be the grey it was, also through soft edges.
    nothing = 1 - _share(np.hstack([sample.alpha, sample.target_alpha]))
    both = rgb[:, :-1] + nothing[..., None] * (GREY - rgb[0, -1].astype(np.float32))
    both = np.clip(np.rint(both), 0, 255).astype(np.uint8)
    return replace(sample, rgb=both[:, :width], target=both[:, width:])


def mirrored(sample: Sample) -> Sample:
    """The sample in a mirror: left becomes right in landmarks and parsing."""
    order = list(MIRRORED)
    xy = sample.xy[order] * np.array([-1, 1], np.float32) + np.array([sample.alpha.shape[1] - 1, 0], np.float32)
    return replace(
        sample,
        rgb=sample.rgb[:, ::-1],
        alpha=sample.alpha[:, ::-1],
        coverage=sample.coverage[:, ::-1],
        parsing=_OTHER_SIDE[sample.parsing[:, ::-1]],
        xy=xy.astype(np.float32),
        seen=sample.seen[order],
        target=sample.target[:, ::-1],
        target_alpha=sample.target_alpha[:, ::-1],
        target_parsing=_OTHER_SIDE[sample.target_parsing[:, ::-1]],
    )


def rendered(sample: Sample) -> Rendered:
    """The sample as its renderer drew it, before it was laid over grey."""
    alpha = _share(sample.alpha)
    colours = GREY + (sample.rgb - np.float32(GREY)) / np.maximum(alpha, 1 / 255)[..., None]
    rgb = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return Rendered(rgb, alpha, _share(sample.coverage), np.ascontiguousarray(sample.parsing))


def whole(sample: Sample, height: int) -> Planes:
    """The planes of the whole sample, reduced to this height as service reduces a render."""
    rows, columns = sample.alpha.shape
    crop = Crop((0, 0, columns, rows), (max(round(columns * height / rows), 1), height))
    alpha, truth_alpha, coverage = (
        crop.reduced(_share(levels)) for levels in (sample.alpha, sample.target_alpha, sample.coverage)
    )
    parsing, truth_parsing = (crop.reduced(ids, ids=True) for ids in (sample.parsing, sample.target_parsing))
    image, pose = planes(crop.reduced(sample.rgb), alpha, coverage, parsing, crop.moved(sample.xy), sample.seen)
    truth = crop.reduced(sample.target).transpose(2, 0, 1).astype(np.float32) / np.float32(LEVELS) - 1
    hems = seams(truth_alpha, np.ones_like(alpha), truth_parsing)
    face = (parsing == Part.FACE) | (truth_parsing == Part.FACE)
    weight = _weight(image, pose, truth_alpha, hems, face)[None]
    room = permission(rendered(sample), crop)
    allowed = np.stack([_share(crop.reduced(levels)) for levels in (room.colours, room.closing, room.opening)])
    return Planes(image, pose, truth, truth_alpha[None], weight, allowed)


def _weight(
    image: Float32Array, pose: Float32Array, truth_alpha: Float32Array, hems: Float32Array, face: BoolArray
) -> Float32Array:
    """h x w float32: what a pixel counts, 0 on faces."""
    near = JOINT * pose[_JOINTS].max(axis=0) + HAND * pose[_HANDS].max(axis=0)
    near = cv2.resize(near, hems.shape[::-1], interpolation=cv2.INTER_LINEAR)
    weight = 1 + HOLE * np.maximum(truth_alpha - image[REAL], 0) + SEAM * image[SEAMS] + near * truth_alpha + HEM * hems
    return np.asarray(weight * ~face, np.float32)


def window(planes: Planes, size: Size, rng: np.random.Generator) -> Planes:
    """A window of size (width, height), more often than not round a broken place; filled up where the person is
    smaller."""
    planes = _filled(planes, size)
    height, width = planes.truth_alpha.shape[1:]
    broken = np.flatnonzero(planes.truth_alpha[0] - planes.image[REAL] > 0.5) if rng.random() < BROKEN else ()
    y, x = divmod(int(rng.choice(broken)), width) if len(broken) else (rng.integers(height), rng.integers(width))
    # The window's corner lies on the grid of the pose maps.
    left, top = (
        int(np.clip(at - side / 2, 0, whole_side - side)) // POSE_STRIDE
        for at, side, whole_side in ((x, size[0], width), (y, size[1], height))
    )
    small = np.s_[:, top : top + size[1] // POSE_STRIDE, left : left + size[0] // POSE_STRIDE]
    left, top = left * POSE_STRIDE, top * POSE_STRIDE
    large = np.s_[:, top : top + size[1], left : left + size[0]]
    cut = {part: getattr(planes, part)[large] for part in ("image", "truth", "truth_alpha", "weight", "allowed")}
    return Planes(pose=planes.pose[small], **cut)


def _filled(planes: Planes, size: Size) -> Planes:
    """At least of this size: grey, nothing and background at the right and the bottom."""
    height, width = planes.truth_alpha.shape[1:]
    more = (max(size[1] - height, 0), max(size[0] - width, 0))
    if not any(more):
        return planes
    grey = np.float32(GREY / LEVELS - 1)
    image = _padded(planes.image, more, 0)
    beyond = np.ones(image.shape[1:], np.bool_)
    beyond[:height, :width] = False
    image[COLOURS, beyond] = grey
    image[CLASS.start, beyond] = 1  # background
    return Planes(
        image,
        _padded(planes.pose, (more[0] // POSE_STRIDE, more[1] // POSE_STRIDE), 0),
        _padded(planes.truth, more, grey),
        _padded(planes.truth_alpha, more, 0),
        _padded(planes.weight, more, 1),
        _padded(planes.allowed, more, 0),
    )


def _padded(planes: Float32Array, more: tuple[int, int], value: float | np.float32) -> Float32Array:
    return np.pad(planes, ((0, 0), (0, more[0]), (0, more[1])), constant_values=value)


def _share(levels: UInt8Array) -> Float32Array:
    return np.asarray(levels, np.float32) / np.float32(255)
