"""Where a render may be repaired. What a shop sells stays as it was photographed: whole cloth and faces are not
touched, whatever a network would like; completed places are free, and a narrow band round them half so.

Bands are as wide as the residual is coarse, so they are in pixels of the network's crop; what a body's build decides is
in shares of the crop's height. Everything is in levels, 255 for all of a change, which OpenCV is fastest at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.renderers.nets.refine_input import Crop, spread
from tryon_service.types import BoolArray, Float32Array, Part, Rendered, UInt8Array

REAL, MADE_UP = 0.95, 0.5
"""Coverage from which a pixel is the photo's own and is kept, and at which it is free; in between by shares."""
SOLID = 0.9
"""Opacity up to which colours are left alone: on the outline they are the photo's own, and the network, which sees them
mixed with what lies behind, takes them for wrong."""
BAND = 1.0
"""Standard deviation of the band beside what is made up: no line may show where the repair ends. Nothing is let through
farther than REACH of them."""
LOOSE_BAND = 4.0
"""The same for what bends and frays but bears no print, skin, hair, shoes and bags: torn cuffs and fingers want it."""
REACH = 3
LOOSE = 128
"""How much comes through there at most while it is the photo's own."""
FAINT = 8
"""What would come through weaker than this, doesn't."""
SEAM = 128
"""How much comes through where a limb lies against something else, both of them the photo's own: the cut may have a
fringe of what it was cut from, but is mostly right."""
GAP = 8 / 384
"""Widest tear that may be closed: 4 cm on a whole body, as a share of the crop's height. Wider gaps have arms round
them."""
HALF = 128
"""Level from which opacity is the person's."""
MOUTH = 0.8
"""A narrow place that opens into a wider one is a tear while its mouth is narrower than this share of GAP. Else it is
where a gap narrows, as between an arm and the waist, and stays open."""
SLIVER = 5 / 384
"""Widest strip that may be taken away: 2.5 cm on a whole body. No limb is as thin."""
LIMBS = (Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG)
FRAYED = (Part.HAIR, Part.FACE, Part.ACCESSORIES)
"""Their outline is left alone: strands, ears and straps are thin by nature, and so are the gaps in them."""


def _table(value: Callable[[Part], int]) -> UInt8Array:
    """For cv2.LUT, by Part id."""
    return np.array([value(part) for part in Part] + [0] * (256 - len(Part)), np.uint8)


_LOOSE = _table(lambda part: LOOSE * (part in (*LIMBS, Part.TORSO_SKIN, Part.HAIR, Part.SHOES, Part.ACCESSORIES)))
_NO_FACE = _table(lambda part: 255 * (part != Part.FACE))
_FRAYED = _table(lambda part: 255 * (part in FRAYED))
_FIRM = _table(lambda part: 255 * (part not in (Part.BACKGROUND, *FRAYED)))
_LIMB = _table(lambda part: part * (part in LIMBS))


@dataclass(frozen=True)
class Permission:
    """How much of a change comes through in a window of the frame, h x w uint8 each.

    colours: 255 for all of it. closing, opening: by how many levels opacity may grow (in tears and holes) or shrink (on
    strips); both are 0 along every edge that runs smoothly, however soft it is.
    """

    colours: UInt8Array
    closing: UInt8Array
    opening: UInt8Array

    def __bool__(self) -> bool:
        return bool(self.colours.any() or self.closing.any() or self.opening.any())


def permission(window: Rendered, crop: Crop) -> Permission:
    """What may change in a render that has been cut to the crop's box."""
    closing, opening = _room(levels(window.alpha), window.parsing)
    return Permission(_colours(window, crop.inside), closing, opening)


def _colours(window: Rendered, crop: Crop) -> UInt8Array:
    """255 where nothing is real, less beside it and along limbs, 0 on faces and towards the outline."""
    solid = levels(window.alpha, SOLID, 1.0)
    lack = cv2.min(levels(window.coverage, REAL, MADE_UP), solid)
    torn, parsing = crop.reduced(np.asarray(lack, np.uint8)), crop.reduced(window.parsing, ids=True)
    limbs = spread(np.asarray(cv2.LUT(parsing, _LIMB), np.float32), parsing > 0) > 0
    beside = cv2.max(_band(torn, BAND), _band(limbs * np.uint8(SEAM), BAND))
    loose = cv2.min(crop.enlarged(_band(torn, LOOSE_BAND)), cv2.LUT(window.parsing, _LOOSE))
    near = cv2.min(cv2.max(loose, crop.enlarged(np.asarray(beside, np.uint8))), solid)
    allowed = cv2.min(cv2.max(near, lack), cv2.LUT(window.parsing, _NO_FACE))
    return np.asarray(cv2.threshold(allowed, FAINT, 0, cv2.THRESH_TOZERO)[1], np.uint8)


def levels(values: Float32Array, zero: float = 0.0, one: float = 1.0) -> UInt8Array:
    """H x W uint8: 0 up to one figure, 255 from the other, even in between."""
    slope = 255.0 / (one - zero)
    return np.asarray(cv2.addWeighted(values, slope, values, 0.0, -zero * slope, dtype=cv2.CV_8U), np.uint8)


def _band(mask: UInt8Array, sigma: float) -> UInt8Array:
    """As strong as a wide mask on it, falling off outside; a mask narrower than the band makes a weaker one."""
    side = 2 * round(REACH * sigma) + 1
    soft = cv2.GaussianBlur(mask, (side, side), sigma)
    return np.asarray(np.minimum(cv2.add(soft, soft), mask.max()), np.uint8)


def _room(opacity: UInt8Array, parsing: UInt8Array) -> tuple[UInt8Array, UInt8Array]:
    """Closing and opening of Permission. Grey-scale morphology leaves a straight edge as it is, whatever its profile,
    so only tears, holes and strips are left between a picture and its closing and opening."""
    gap, strip = (square(share * opacity.shape[0]) for share in (GAP, SLIVER))
    firm = np.asarray(cv2.min(opacity, cv2.LUT(parsing, _FIRM)), np.uint8)
    closed = np.asarray(cv2.morphologyEx(firm, cv2.MORPH_CLOSE, gap), np.uint8)
    closing = cv2.min(cv2.subtract(closed, opacity), cv2.LUT(parsing, _NO_FACE))
    closing[_narrowing(firm, closed, MOUTH * (len(gap) - 1))] = 0
    opening = cv2.subtract(opacity, cv2.morphologyEx(opacity, cv2.MORPH_OPEN, strip))
    frayed = cv2.dilate(cv2.LUT(parsing, _FRAYED), strip)
    return np.asarray(closing, np.uint8), np.asarray(cv2.subtract(opening, frayed), np.uint8)


def _narrowing(firm: UInt8Array, closed: UInt8Array, mouth: float) -> BoolArray:
    """h x w: where gaps narrow that are wider elsewhere, and a little round it. mouth: in pixels."""
    ground = firm < HALF
    narrow = ground & (closed >= HALF)
    count, found = cv2.connectedComponents(narrow.view(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    around = np.ones((3, 3), np.uint8)
    opens = narrow & (cv2.dilate((ground & ~narrow).view(np.uint8), around) > 0)
    width = np.zeros(count, np.float32)
    distance = cv2.distanceTransform(ground.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    np.maximum.at(width, labels[opens], 2 * distance[opens] - 1)
    kept = (width > mouth)[labels] & narrow
    return np.asarray(cv2.dilate(kept.view(np.uint8), around, iterations=2) > 0)


def square(side: float) -> UInt8Array:
    """A structuring element with an odd side, at least 3."""
    odd = max(2 * round((side - 1) / 2) + 1, 3)
    return np.ones((odd, odd), np.uint8)
