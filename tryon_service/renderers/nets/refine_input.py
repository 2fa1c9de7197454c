"""What the repairing network sees of a render: a crop round the person with maps of what is real, torn and where.

Training and running share this file, so both feed the network alike. Like the parser it knows no left or right, so a
mirrored picture is nothing new to it. In short, with `a` for arrays at the frame's size:

    crop = crop_round(bounds(a.alpha), a.size)                 # the person's window and its working size
    image, pose = planes(crop.reduced(over_grey(a.rgb, a.alpha)), crop.reduced(a.alpha), ..., crop.moved(xy), seen)
    residual, blend, alpha = network(image, pose)
    colours = image[:3] + sigmoid(blend) * residual            # all in levels of COLOURS

For training, smaller crops are cut out of the planes and not made into planes of their own: the widths of the pose maps
follow the height of the whole person's crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.perception.nets.parser_input import CLASSES, POSE_CHANNELS, POSE_STRIDE, pose_tensor
from tryon_service.types import BoolArray, Float32Array, Part, Size, UInt8Array

__all__ = ["IMAGE_CHANNELS", "POSE_CHANNELS", "POSE_STRIDE", "Crop", "crop_round", "over_grey", "planes"]

COLOURS, ALPHA, REAL, SEAMS, CLASS = slice(0, 3), 3, 4, 5, slice(6, 6 + len(CLASSES))
"""Rows of the image planes: colours over grey, opacity, opacity that is real, seams, one row per class of CLASSES."""
IMAGE_CHANNELS = 6 + len(CLASSES)
LEVELS = 127.5
"""A colour v goes in as v / LEVELS - 1; the residual has the same unit."""
GREY = 128
"""What lies behind the person: from here the residual reaches every colour."""
MULTIPLE = 16
"""Both sides of what the network sees are multiples of this."""
WORKING = 384
"""Height in pixels of the person's crop when repairing; smaller ones keep their size."""
MARGIN = 0.1
"""Share of the person's box added on each side, where the frame has room."""
ALPHA_EDGE = 0.01
"""The network's word on opacity is added to the logit of the opacity, which is kept this far from 0 and 1."""
SOLID = 0.9
"""Opacity from which coverage can be trusted after reducing; nearer to the outline it is mixed with that of nothing."""
SEAM_SIGMA = 1.5
"""Softness of the map of seams in working pixels; what tears shows within two or three of them."""

P = TypeVar("P", np.uint8, np.int16, np.float32)

Box = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels inside the frame; right and bottom exclusive."""


@dataclass(frozen=True)
class Crop:
    """A window of the frame at a working size.

    box: the window; size: (width, height) it is reduced to, before both are filled up to MULTIPLE at the right and the
    bottom with grey and nothing.
    """

    box: Box
    size: Size

    @property
    def inside(self) -> Crop:
        """The same for arrays that have been cut to the box already."""
        left, top, right, bottom = self.box
        return Crop((0, 0, right - left, bottom - top), self.size)

    @property
    def padded(self) -> Size:
        """(width, height) of everything reduced."""
        return _filled_up(self.size[0]), _filled_up(self.size[1])

    def reduced(self, picture: NDArray[P], *, ids: bool = False) -> NDArray[P]:
        """The window of an H x W or H x W x C array of the frame, at `padded`. ids: numbers that can't be averaged."""
        left, top, right, bottom = self.box
        window = picture[top:bottom, left:right]
        if (window.shape[1], window.shape[0]) != self.size:
            how = cv2.INTER_NEAREST_EXACT if ids else cv2.INTER_AREA
            window = np.asarray(cv2.resize(window, self.size, interpolation=how), picture.dtype)
        width, height = self.padded
        edges = ((0, height - self.size[1]), (0, width - self.size[0]), (0, 0))
        return np.pad(window, edges[: window.ndim], constant_values=GREY if window.ndim == 3 else 0)

    def enlarged(self, picture: NDArray[P]) -> NDArray[P]:
        """An h x w or h x w x C array at `padded` back at the window's size, linear in between."""
        left, top, right, bottom = self.box
        small = np.ascontiguousarray(picture[: self.size[1], : self.size[0]])
        return np.asarray(
            cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR), picture.dtype
        )

    def moved(self, xy: Float32Array) -> Float32Array:
        """N x 2 points (x, y) of the frame in pixels of the reduced window; pixel centres are kept."""
        left, top, right, bottom = self.box
        scale = np.array([self.size[0] / (right - left), self.size[1] / (bottom - top)], np.float32)
        return np.asarray((xy - np.array([left, top], np.float32) + 0.5) * scale - 0.5, np.float32)


def crop_round(box: Box, frame: Size, height: int = WORKING, margin: float = MARGIN) -> Crop:
    """The box widened by the margin inside a frame of size (width, height), reduced to `height` unless it is lower."""
    left, top, right, bottom = box
    wide, high = round(margin * (right - left)), round(margin * (bottom - top))
    left, top = max(left - wide, 0), max(top - high, 0)
    right, bottom = min(right + wide, frame[0]), min(bottom + high, frame[1])
    scale = min(1.0, height / (bottom - top))
    size = max(round(scale * (right - left)), 1), max(round(scale * (bottom - top)), 1)
    return Crop((left, top, right, bottom), size)


def over_grey(rgb: UInt8Array, alpha: Float32Array) -> UInt8Array:
    """H x W x 3 uint8: colours laid over GREY by their H x W opacity in [0, 1]. To be done before reducing: what has
    no opacity has no colour that may mix in."""
    behind = np.full_like(rgb, GREY)
    return np.asarray(cv2.blendLinear(rgb, behind, alpha, 1.0 - alpha), np.uint8)


def planes(
    rgb: UInt8Array,
    alpha: Float32Array,
    coverage: Float32Array,
    parsing: UInt8Array,
    xy: Float32Array,
    seen: BoolArray,
) -> tuple[Float32Array, Float32Array]:
    """The network's two inputs: IMAGE_CHANNELS x h x w, and POSE_CHANNELS x h/4 x w/4 float32.

    rgb: h x w x 3 uint8 over grey; alpha, coverage: h x w float32 in [0, 1]; parsing: h x w uint8 of Part ids; xy:
    33 x 2 (x, y) in their pixels; seen: 33 bool, the joints to be shown. h and w are multiples of MULTIPLE.
    """
    image = np.empty((IMAGE_CHANNELS, *alpha.shape), np.float32)
    image[COLOURS] = rgb.transpose(2, 0, 1)
    image[COLOURS] /= LEVELS
    image[COLOURS] -= 1.0
    image[ALPHA] = alpha
    image[REAL] = coverage * alpha
    image[SEAMS] = seams(alpha, coverage, parsing)
    np.equal(_CLASS_OF[parsing], np.arange(len(CLASSES), dtype=np.uint8)[:, None, None], out=image[CLASS])
    known = seen & np.isfinite(xy).all(axis=1)
    return image, pose_tensor(np.where(known[:, None], xy, 0.0), known, (alpha.shape[1], alpha.shape[0]))


def seams(alpha: Float32Array, coverage: Float32Array, parsing: UInt8Array) -> Float32Array:
    """h x w float32 in [0, 1]: soft along lines inside the person where the part or what is real changes; arguments as
    for planes."""
    ids = np.asarray(_CLASS_OF[parsing], np.float32)
    # The outline is no seam: what isn't the person counts as whatever it lies beside.
    parts, real = spread(ids, ids > 0), spread(coverage, alpha > SOLID)
    lines = np.maximum(real, np.minimum(parts, 1.0)) * alpha
    soft = cv2.GaussianBlur(lines, (0, 0), SEAM_SIGMA)
    # A straight line three pixels wide is as strong as before in its middle.
    return np.asarray(np.minimum(soft * 1.5, 1.0), np.float32)


def spread(values: Float32Array, known: BoolArray) -> Float32Array:
    """h x w: how far apart the known values, in [0, 100], lie among a pixel and its eight neighbours."""
    around, beyond = np.ones((3, 3), np.uint8), np.float32(100.0)
    most, least = (
        cv2.dilate(np.where(known, values, -beyond), around),
        cv2.erode(np.where(known, values, beyond), around),
    )
    return np.asarray(np.maximum(most - least, 0.0), np.float32)


def _filled_up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE


def _class_table() -> UInt8Array:
    """Part id to row of CLASSES; a right limb is a limb like the left one."""
    order = list(CLASSES.values())
    same = {Part.RIGHT_ARM: Part.LEFT_ARM, Part.RIGHT_LEG: Part.LEFT_LEG}
    return np.array([order.index(same.get(part, part)) for part in Part], np.uint8)


_CLASS_OF = _class_table()
