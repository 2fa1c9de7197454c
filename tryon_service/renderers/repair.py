"""Repairing a render with a network that sees it small: its wishes come back to the full size and are let through where
permission.py allows. Every other pixel keeps its bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.errors import TryonError
from tryon_service.imaging.extend import at_pixels, nearest_known
from tryon_service.renderers.nets.refine_input import (
    ALPHA,
    ALPHA_EDGE,
    COLOURS,
    LEVELS,
    Crop,
    crop_round,
    over_grey,
    planes,
)
from tryon_service.renderers.permission import Permission, levels, permission
from tryon_service.types import Float32Array, Keypoints, Rendered, UInt8Array

T = TypeVar("T", np.int16, np.float32)
Int16Array = NDArray[np.int16]
Answer = tuple[Float32Array, Float32Array, Float32Array]
"""residual 3 x h x w in [-1, 1], and 1 x h x w each the logit of the blend and what is added to the opacity's logit."""
Network = Callable[[Float32Array, Float32Array], Answer]
"""From the two inputs that refine_input.planes makes; h and w are the image's."""

UNSURE, SURE = 0.6, 0.9
"""Probability of its being the person, or not, up to which opacity is left alone and from which it is changed."""
MEANT = 0.5, 1.5
"""Change of the logit up to which a narrow gap may have looked closed before, and from which the network means it."""
VISIBLE = 16
"""Change of a colour, in levels of the channel that changes most, from which a pixel isn't the photo's own any more;
smaller changes count by their share."""
FINE = 16
"""Steps to a level in which changes are reckoned: a picture of 16-bit numbers is half as large as one of floats."""
STRIP = 64
"""Rows that are worked on at a time: what a strip needs stays in the processor's cache."""
SOLID = 0.5
"""Opacity above which a pixel is the person's and has a part."""


@dataclass(frozen=True)
class Wish:
    """What the network would like, at its own size.

    change: h x w x 3 int16, to be added, FINE steps to a level. colours: 3 x h x w float32, levels of what it then
    looks like. person: h x w float32 in [-1, 1], how sure it is that there is more of the person, or less.
    """

    change: Int16Array
    colours: Float32Array
    person: Float32Array


def repair(rendered: Rendered, keypoints: Keypoints, network: Network) -> Rendered:
    """The render with its tears, seams and completed places repaired; the input itself if there is nothing to repair.

    keypoints: the pose that it was rendered in. Coverage falls where something changed, and what is newly solid gets
    the nearest part. Raises TryonError("internal") for an answer of the wrong shape or with figures that are none.
    """
    left, top, width, height = cv2.boundingRect((rendered.alpha > SOLID).view(np.uint8))
    if not width:
        return rendered
    crop = crop_round((left, top, left + width, top + height), (rendered.alpha.shape[1], rendered.alpha.shape[0]))
    window = _within(rendered, crop)
    allowed = permission(window, crop)
    if not allowed:
        return rendered
    small = crop.reduced(rendered.parsing, ids=True)
    image, pose = planes(
        crop.inside.reduced(over_grey(window.rgb, window.alpha)),
        _share(crop.inside.reduced(levels(window.alpha))),
        _share(crop.inside.reduced(levels(window.coverage))),
        small,
        crop.moved(keypoints.xy),
        keypoints.seen,
    )
    wish = _wish(image, network(image, pose))
    out = Rendered(*(getattr(rendered, field.name).copy() for field in fields(Rendered)))
    _recolour(window, _within(out, crop), allowed, crop.inside.enlarged(wish.change))
    _reshape(_within(out, crop), allowed, wish, crop.inside, small)
    return out


def _wish(image: Float32Array, answer: Answer) -> Wish:
    shapes = [(channels, *image.shape[1:]) for channels in (3, 1, 1)]
    if [part.shape for part in answer] != shapes or not all(np.isfinite(part).all() for part in answer):
        raise TryonError("internal", "The repairing network answered with something that is no picture.")
    residual, blend, more = answer
    change = residual * _sigmoid(blend)
    known = np.clip(image[ALPHA], ALPHA_EDGE, 1 - ALPHA_EDGE)
    person = _sigmoid(np.log(known / (1 - known)) + more[0])
    sure = _ramp(person, UNSURE, SURE) - _ramp(1 - person, UNSURE, SURE)
    return Wish(
        _channels_last(np.rint(change * (LEVELS * FINE)).astype(np.int16)),
        np.asarray((image[COLOURS] + change + 1) * LEVELS, np.float32),
        # Only as sure as it says something new.
        sure * _ramp(np.sign(sure) * more[0], *MEANT),
    )


def _recolour(before: Rendered, window: Rendered, allowed: Permission, change: Int16Array) -> None:
    """Add as much of the change (FINE steps to a level, of the window's size) as is allowed."""
    for top in range(0, len(change), STRIP):
        rows = np.s_[top : top + STRIP]
        share = cv2.merge([allowed.colours[rows]] * 3)
        granted = cv2.multiply(change[rows], share, scale=1 / (255 * FINE), dtype=cv2.CV_16S)
        window.rgb[rows] = cv2.add(before.rgb[rows], granted, dtype=cv2.CV_8U)
        red, green, blue = cv2.split(cv2.absdiff(window.rgb[rows], before.rgb[rows]))
        changed = cv2.max(cv2.max(red, green), blue)
        window.coverage[rows] *= 1 - np.minimum(changed, VISIBLE) / np.float32(VISIBLE)


def _reshape(window: Rendered, allowed: Permission, wish: Wish, crop: Crop, parsing: UInt8Array) -> None:
    """Close tears and take strips away where that is wished and allowed. parsing: the window's, reduced."""
    at = np.nonzero((allowed.closing | allowed.opening) > 0)
    wished = crop.enlarged(wish.person)[at] / np.float32(255)
    before = window.alpha[at]
    after = before + np.maximum(wished, 0) * allowed.closing[at] + np.minimum(wished, 0) * allowed.opening[at]
    after = np.clip(after, 0, 1)
    window.alpha[at] = after
    parts = window.parsing[at]
    parts[(after <= SOLID) & (before > SOLID)] = 0
    grown = after > before
    if grown.any():
        # What closes a tear is laid behind what was there.
        closed = at[0][grown], at[1][grown]
        share = before[grown] / after[grown]
        behind = np.clip(crop.enlarged(_channels_last(wish.colours))[closed], 0, 255)
        mixed = behind + share[:, None] * (window.rgb[closed] - behind)
        window.rgb[closed] = np.rint(mixed).astype(np.uint8)
        window.coverage[closed] *= share
        bare = (parts == 0) & (after > SOLID) & grown
        parts[bare] = _nearest_parts(parsing, crop)[at[0][bare], at[1][bare]]
    window.parsing[at] = parts


def _nearest_parts(parsing: UInt8Array, crop: Crop) -> UInt8Array:
    """At the window's size, to the network's pixel: the part, or of the background the nearest one."""
    if not parsing.any():
        return np.zeros((crop.box[3], crop.box[2]), np.uint8)
    filled = at_pixels(parsing, nearest_known(parsing > 0))[: crop.size[1], : crop.size[0]]
    return np.asarray(cv2.resize(filled, crop.box[2:], interpolation=cv2.INTER_NEAREST), np.uint8)


def _within(rendered: Rendered, crop: Crop) -> Rendered:
    """Views of the window."""
    left, top, right, bottom = crop.box
    return Rendered(*(getattr(rendered, field.name)[top:bottom, left:right] for field in fields(Rendered)))


def _share(values: UInt8Array) -> Float32Array:
    return np.asarray(values / np.float32(255), np.float32)


def _sigmoid(x: Float32Array) -> Float32Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), np.float32)


def _ramp(x: Float32Array, low: float, high: float) -> Float32Array:
    """0 up to low, 1 from high."""
    return np.asarray(np.clip((x - low) / (high - low), 0, 1), np.float32)


def _channels_last(picture: NDArray[T]) -> NDArray[T]:
    return np.ascontiguousarray(picture.transpose(1, 2, 0))
