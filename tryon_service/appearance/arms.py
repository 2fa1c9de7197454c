"""What an arm is: sleeve, skin and hand between two smooth outlines (appearance/contours.py).

What speaks for a pixel is what the parsing says, the skin's colour, and whether it looks more like the arm's own middle
than like what lies beyond it at the same height.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.appearance.contours import Array, Strip, outline, rounded, sample
from tryon_service.appearance.masks import closed, disc, opened
from tryon_service.appearance.subject import Subject
from tryon_service.imaging.colour import alike
from tryon_service.perception.runtime import side_by_side
from tryon_service.retarget.curves import FrameCurve
from tryon_service.retarget.rig import Rig
from tryon_service.types import BoolArray, Float32Array, Part

# Radii of a lightly clothed arm as shares of the torso's length, at the curve's joints; from measured matte widths.
RADII = ((0.0, 0.20), (1.0, 0.165), (1.5, 0.13), (2.0, 0.11), (2.7, 0.085), (3.0, 0.085), (3.4, 0.12), (4.0, 0.10))
BEGIN = 0.62
"""Where an arm begins on its curve, between collar (0) and shoulder (1)."""
REACH = 2.1
"""How far from the bone an outline is looked for, in radii."""
STEPS = 42
"""Steps over that distance."""
NOT_AN_ARM = {
    Part.BACKGROUND: -2.0,
    Part.HAIR: -1.0,
    Part.FACE: -1.5,
    Part.TROUSERS: -0.8,
    Part.SKIRT: -0.6,
    Part.LEFT_LEG: -0.8,
    Part.RIGHT_LEG: -0.8,
    Part.SHOES: -1.5,
    Part.TORSO_SKIN: -0.4,
}
"""Log odds, by what the parsing sees; garments that may be sleeves are not in it."""
OWN_SKIN = 0.7
OTHER_ARM = -0.5
SKIN = 0.8
"""For a pixel of skin colour that the parsing calls something else."""
CLOTH_ON_BARE = -1.0
"""For cloth where the arm's core is bare."""
BARE, BARE_ROWS = 0.6, 0.1
"""Share of skin in an arm's core from which it counts as bare there, and of such cross-sections down to the wrist from
which it has no long sleeve."""
LOOKS = 1.4
"""Most that looking like the arm's own middle counts for."""
CONTRAST = 22.0
"""Levels of colour between the arm and what lies beyond from which looks count fully."""
SKIN_DISTANCE = 4.0
FLARE = 1.25
"""Widest usual sleeve, in radii."""
SLACK = 5.0
"""Steps by which an outline may be off what anatomy expects for the cost of one step of clear evidence."""
SLACK_IF_SEEN = 14.0
"""The same where the photo says it better: beside the background, and for bare skin beside cloth."""
LEAD, NEAR, CERTAIN = 30, 8, 0.8
"""Cross-sections over which a sleeve's seen outline tells where an unseen one goes on, over which it does so for sure,
and how much of the slack that takes."""
ARMPIT = 1.2
"""Along the curve: before this a sleeve and the trunk are one piece of cloth, and any smooth cut is as good."""
SHOULDER = 0.7
"""Where it is cut there, in radii from the bone."""
HAND = 3.08
"""Along the curve: from here on there is a hand, or nothing of the arm is to be seen."""
CENTRE_ROWS = 13
"""Cross-sections over which an arm's middle is averaged."""
SPUR = 0.03
"""Radius below which a bulge or notch of a sleeve is no sleeve's, torso lengths."""
FOREARM = 2.3
CUFF = 3.45
"""Along the curve: a sleeve's colour is learnt from the first on, and it may reach to the second."""
CUFF_ODDS = 0.4
SLEEVE_COLOUR = 40.0
"""Levels of colour within which cloth beyond the wrist is the sleeve's."""
SURE = 0.45
"""Share of the radius within which an arm is an arm unless the parsing says otherwise."""


def arm_masks(subject: Subject, rig: Rig, names: list[str]) -> dict[str, BoolArray]:
    """H x W bool per arm: what is seen of its sleeve, skin and hand."""
    bare = np.isin(subject.parsing, (Part.FACE, Part.LEFT_ARM, Part.RIGHT_ARM, Part.TORSO_SKIN)) & (subject.matte > 0.5)
    skin = alike(
        subject.rgb, cv2.erode(bare.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, SKIN_DISTANCE, subject.lab
    )
    masks = side_by_side(lambda name: _arm(name, rig.limbs[name], subject, skin), names)
    return {name: mask & (subject.matte > 0.5) for name, mask in zip(names, masks, strict=True)}


def _arm(name: str, curve: FrameCurve, subject: Subject, skin: BoolArray) -> BoolArray:
    knots = np.array(RADII)
    radii = np.interp(curve.t, knots[:, 0], knots[:, 1]) * subject.torso
    rows = slice(int(np.searchsorted(curve.t, BEGIN)), None)
    strip, t = Strip.along(curve, radii * REACH, STEPS, rows), curve.t[rows]
    ends = _outlines(name, strip, t, subject, skin)
    aside = rounded((ends[1] - ends[0]) / 2, CENTRE_ROWS)  # bones run beside an arm's middle as often as in it
    strip = Strip(strip.base + strip.across * (aside * strip.steps)[:, None], strip.across, strip.steps, STEPS)
    ends = _outlines(name, strip, t, subject, skin)
    sleeve, hand = (
        part.mask(low, high, subject.matte.shape)
        for part, low, high in _split(strip, ends, int(np.searchsorted(t, HAND)))
    )
    spur = disc(SPUR * subject.torso)
    return closed(opened(sleeve, spur), spur) | hand  # cross-sections cross where an arm bends


def _outlines(name: str, strip: Strip, t: Array, subject: Subject, skin: BoolArray) -> list[Array]:
    """Where the arm ends, in steps on the strip's negative and positive side (M each)."""
    sides = [_Side.of(strip, side, subject, skin, name) for side in (-1, 1)]
    core = np.concatenate([side.skin[:, : round(SURE / REACH * STEPS)] for side in sides], axis=1).mean(axis=1) > BARE
    bare = core & (t > ARMPIT)
    sleeved = bare[t < HAND].mean() < BARE_ROWS  # else its skin tells more than its outline farther along
    wide = _width([side.free for side in sides])
    unit = STEPS / REACH
    ends: list[Array] = []
    for side, other in zip(sides, sides[::-1], strict=True):
        expected = np.clip(wide - np.where(np.isnan(other.free), wide / 2, other.free), 0.5 * unit, FLARE * unit)
        expected, away = _continued(side.free, expected, LEAD if sleeved else 1)
        sure = np.clip(1.0 - away / NEAR, 0.0, CERTAIN) * sleeved
        slack = np.where(np.isnan(side.free) & ~bare, SLACK * (1.0 - sure), SLACK_IF_SEEN)
        evidence = side.evidence(bare, t, sides)
        shoulder = np.isnan(side.free) & (t < ARMPIT)
        evidence[shoulder] *= 0.5
        expected[shoulder], slack[shoulder] = SHOULDER * unit, SLACK / 2
        ends.append(rounded(outline(evidence, side.colours, expected, slack), 7))
    return ends


def _split(strip: Strip, ends: list[Array], row: int) -> list[tuple[Strip, Array, Array]]:
    """The strip and its outlines up to a row and from there on."""
    halves = []
    for rows in (slice(None, row + 1), slice(row, None)):
        part = Strip(strip.base[rows], strip.across[rows], strip.steps[rows], strip.count)
        halves.append((part, ends[0][rows], ends[1][rows]))
    return halves


def _width(free: list[Array]) -> Array:
    """Steps (M) from outline to outline where both sides border on background, elsewhere as usual for this arm."""
    both = free[0] + free[1]
    usual = 1.9 * STEPS / REACH
    known = both[~np.isnan(both)]
    typical = float(np.clip(np.median(known), 0.7 * usual, 1.4 * usual)) if len(known) >= 6 else usual
    return np.where(np.isnan(both), typical, both)


def _continued(free: Array, expected: Array, lead: int) -> tuple[Array, Array]:
    """(the seen outline, and for `lead` cross-sections beyond its ends the expected one led over to it; how many
    cross-sections away such an end is), M each. free: M, NaN where it isn't seen."""
    rows, seen = np.arange(len(free)), np.flatnonzero(~np.isnan(free))
    if not len(seen):
        return expected, np.full(len(free), np.inf)
    nearest = seen[np.abs(rows[:, None] - seen).argmin(axis=1)]
    away = np.abs(rows - nearest).astype(np.float64)
    return expected + np.clip(1.0 - away / lead, 0.0, 1.0) * (free[nearest] - expected[nearest]), away


class _Side:
    """What the strip shows on one side of an arm; arrays are M x (STEPS + 1)."""

    def __init__(
        self, labels: NDArray[np.uint8], colours: np.ndarray, skin: BoolArray, matte: Float32Array, name: str
    ) -> None:
        self.labels, self.colours, self.skin = labels, colours, skin
        self.own = labels == (Part.LEFT_ARM if name == "left_arm" else Part.RIGHT_ARM)
        self.other = labels == (Part.RIGHT_ARM if name == "left_arm" else Part.LEFT_ARM)
        self.outside = matte < 0.5
        first = np.argmax(self.outside[:, 2:], axis=1) + 2
        reached = self.outside.any(axis=1) & (first < FLARE * 1.15 * STEPS / REACH)
        self.free = np.where(reached, first.astype(np.float64), np.nan)

    @classmethod
    def of(cls, strip: Strip, side: int, subject: Subject, skin: BoolArray, name: str) -> _Side:
        points = strip.points(side)
        return cls(
            sample(subject.parsing, points, cv2.INTER_NEAREST),
            sample(subject.rgb, points),
            sample(skin.astype(np.uint8), points, cv2.INTER_NEAREST) > 0,
            sample(subject.matte, points),
            name,
        )

    def evidence(self, bare: BoolArray, t: Array, sides: list[_Side]) -> Float32Array:
        """Log odds that a step belongs to the arm. bare: M, where the arm wears no sleeve; t: M, along its curve."""
        hand = t > HAND
        table = np.zeros(len(Part), np.float32)
        for part, odds in NOT_AN_ARM.items():
            table[part] = odds
        out = table[self.labels]
        out[self.own] = OWN_SKIN
        out[self.own & ~self.skin & hand[:, None]] = 0.0
        out[self.other] = OTHER_ARM
        head = np.isin(self.labels, (Part.HAIR, Part.FACE))
        out[self.skin & ~self.own & ~self.other & ~head & bare[:, None]] = SKIN
        cloth = ~self.skin & ~self.own & ~self.other & ~self.outside
        out[cloth & bare[:, None]] = np.minimum(out[cloth & bare[:, None]], CLOTH_ON_BARE)
        out = out + np.where(self.outside, 0.0, _looks(self, hand, sides))
        out[self.outside] = NOT_AN_ARM[Part.BACKGROUND]
        core = max(1, round(0.25 / REACH * STEPS))
        garment = ~np.isin(self.labels, list(NOT_AN_ARM)) & ~self.other & ~hand[:, None]
        cuff = _like_sleeve(self, t, bare, sides) & (t < CUFF)[:, None]
        out[hand[:, None] & ~self.skin & ~self.own] = CLOTH_ON_BARE
        out[hand[:, None] & cuff & ~self.skin & ~self.outside] = CUFF_ODDS
        out[:, :core] = np.where(garment[:, :core], np.maximum(out[:, :core], 0.5), out[:, :core])
        return out.astype(np.float32)


def _like_sleeve(side: _Side, t: Array, bare: BoolArray, sides: list[_Side]) -> BoolArray:
    """M x K: the colour of the sleeve on the forearm, if there is one: long cuffs reach beyond the wrist."""
    rows = (t > FOREARM) & (t < HAND) & ~bare
    if rows.sum() < 3:
        return np.zeros(side.labels.shape, bool)
    core = round(0.4 / REACH * STEPS)
    sleeve = np.median(np.concatenate([s.colours[rows, :core].reshape(-1, 3) for s in sides]), axis=0)
    apart = np.linalg.norm(side.colours.astype(np.float32) - sleeve.astype(np.float32), axis=2)
    return np.asarray(apart < SLEEVE_COLOUR)


def _looks(side: _Side, hand: BoolArray, sides: list[_Side]) -> Float32Array:
    """Whether a step's colour is nearer to the arm's middle, or to the hand's skin, or to what lies beyond, locally."""
    core = np.zeros(side.labels.shape, bool)
    core[:, : round(0.4 / REACH * STEPS)] = True
    own = [np.where(hand[:, None], s.skin & s.own, core) for s in sides]
    inner = _running(np.concatenate([s.colours for s in sides], axis=1), np.concatenate(own, axis=1))
    far = np.zeros(side.labels.shape, bool)
    far[:, round(1.45 / REACH * STEPS) :] = True
    beyond = far & ~side.outside & ~side.own & ~side.other
    outer = _running(side.colours, beyond)
    apart = np.linalg.norm(inner - outer, axis=1)
    colours = cv2.blur(side.colours, (3, 5)).astype(np.float32)
    to_inner = np.linalg.norm(colours - inner[:, None], axis=2)
    to_outer = np.linalg.norm(colours - outer[:, None], axis=2)
    odds = (to_outer - to_inner) / np.maximum(apart, 1.0)[:, None]
    weight = np.clip(apart / CONTRAST, 0.0, 1.0) * LOOKS * (_nearby(beyond.sum(axis=1)) > 20)
    return np.asarray(np.clip(odds, -1.0, 1.0) * weight[:, None], np.float32)


def _running(colours: np.ndarray, weight: np.ndarray) -> Float32Array:
    """Mean colour (M x 3) of the weighted steps of each cross-section and its neighbours."""
    sums = (colours.astype(np.float64) * weight[..., None]).sum(axis=1)
    counts = weight.sum(axis=1).astype(np.float64)
    near = np.stack([_nearby(sums[:, k]) for k in range(3)], axis=1) / np.maximum(_nearby(counts), 1e-6)[:, None]
    return near.astype(np.float32)


def _nearby(values: np.ndarray) -> Array:
    return np.convolve(values.astype(np.float64), np.hanning(13)[1:-1], mode="same")
