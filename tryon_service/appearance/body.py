"""The outline of trunk and legs where arms hide it, continued smoothly from where it can be seen."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.appearance.contours import Array, Strip, sample
from tryon_service.appearance.masks import between, closed, disc, opened, union
from tryon_service.appearance.subject import Subject
from tryon_service.imaging.complete import at_pixels, nearest_known
from tryon_service.retarget.curves import FrameCurve
from tryon_service.retarget.rig import ARMS
from tryon_service.types import BoolArray

LEVEL = 0.025
LEVELS = np.arange(-1.6, 1.0, LEVEL)
"""Heights of the cross-sections along the spine: 0 at the hips, 1 at the shoulders, in torso lengths."""
REACH = 1.1
"""How far from the spine the body may end, torso lengths."""
STEPS = 110
SLIVER = 0.02
"""Radius below which a piece of the body is what a cut left over, torso lengths."""
FAR = 0.40
"""How far along the body, in torso lengths, a seen outline tells where a hidden one goes on."""
FAR_BETWEEN = 0.8
"""Longest hidden stretch of an outline that is bridged between its two seen ends, torso lengths."""
CHEST = 0.5
SHOULDERS = 0.8
"""Height from which the outline runs out to the shoulders and says nothing of the sides."""
WIDEST = 0.12
"""How far the body may go on behind an arm that doesn't lie in front of it, torso lengths."""
WIDEST_BETWEEN = 0.45
"""The same where its outline is seen above and below."""
RIM = 0.015
"""How far the body is continued behind an arm at least, torso lengths."""
RUN_IN = 0.1
"""How far along the body from where its outline is seen it is continued as far as that, torso lengths."""
SLIT = 0.03
"""Half the width of gaps in what is hidden that are closed, torso lengths."""
TAPER = 0.25
"""Most that a hidden outline widens per length along the body."""
BACKGROUND, BODY, ARM, GAP = range(4)


def behind_arms(subject: Subject, spine: FrameCurve, owners: dict[str, BoolArray]) -> dict[str, BoolArray]:
    """H x W bool per layer that is no arm: the pixels of it that an arm covers."""
    person = subject.matte > 0.5
    arms = union({name: mask for name, mask in owners.items() if name in ARMS}, person.shape) & person
    names = [name for name in owners if name not in ARMS]
    ids = np.zeros(person.shape, np.uint8)
    for index, name in enumerate(names, start=1):
        ids[owners[name] & person & ~arms] = index
    body = opened(ids > 0, disc(SLIVER * subject.torso))
    if not arms.any() or not body.any():
        return {name: np.zeros(person.shape, bool) for name in names}
    ids = at_pixels(ids, nearest_known(body))
    beyond, inside = _cross_sections(subject, spine, (body, arms), ids)
    inside |= closed(body | (beyond > 0) | inside, disc(SLIT * subject.torso))
    owner = np.where(beyond > 0, beyond, np.where(inside, ids, 0))
    return {name: (owner == index) & arms for index, name in enumerate(names, start=1)}


def _cross_sections(
    subject: Subject, spine: FrameCurve, masks: tuple[BoolArray, BoolArray], ids: np.ndarray
) -> tuple[np.ndarray, BoolArray]:
    """(H x W uint8: which layer goes on there beyond its seen edge, 0 for none; H x W bool: within the seen edges)."""
    body, arms = masks
    hips, neck = spine.points[0], spine.points[(len(spine.points) - 1) // 2]
    across = np.stack([np.interp(LEVELS, spine.t, spine.across[:, k]) for k in (0, 1)], axis=1)
    base = hips + LEVELS[:, None] * (neck - hips)
    strip = Strip(base, across, np.full(len(LEVELS), REACH * subject.torso / STEPS), STEPS)
    person = subject.matte > 0.5
    gap = between(body, 0.6 * subject.torso, 0.0) & ~person
    # What is too thin to be body, such as cloth between fingers, tells as little of its outline as an arm.
    kinds = np.where(body, BODY, np.where(arms | person, ARM, np.where(gap, GAP, BACKGROUND))).astype(np.uint8)
    beyond, inside = np.zeros(body.shape, np.uint8), np.zeros(body.shape, np.uint8)
    for side in (-1, 1):
        points = strip.points(side)
        strip_kinds = sample(kinds, points, cv2.INTER_NEAREST)
        seen, ends = _ends(strip_kinds, STEPS / REACH)
        at = np.clip(seen - 2, 0, STEPS).astype(int)
        owner = sample(ids, points, cv2.INTER_NEAREST)[np.arange(len(at)), at]
        a, b = ((base + side * across * (end * strip.steps)[:, None]) * 16 for end in (seen, ends))
        start = base * 16
        for row in range(len(LEVELS) - 1):
            if seen[row] > 0:
                _fill(inside, [start[row], a[row], a[row + 1], start[row + 1]], 1)
            if owner[row] and ends[row] > seen[row]:
                _fill(beyond, [a[row], b[row], b[row + 1], a[row + 1]], int(owner[row]))
    return beyond, inside > 0


def _fill(image: np.ndarray, corners: list[Array], value: int) -> None:
    quad = cv2.convexHull(np.round(np.array(corners)).astype(np.int32))
    cv2.fillConvexPoly(image, quad, value, cv2.LINE_8, 4)


def _ends(kinds: np.ndarray, torso: float) -> tuple[Array, Array]:
    """(where the body is seen to end, where it ends behind the arm), in steps, M each. kinds: M x (STEPS + 1); torso:
    its length in steps."""
    background = (kinds == BACKGROUND) & np.roll(kinds == BACKGROUND, -1, axis=1)
    background[:, -1] = True
    stop = np.argmax(background, axis=1)
    position = np.arange(kinds.shape[1])
    before = position < stop[:, None]
    seen = np.where(before & (kinds == BODY), position, 0).max(axis=1).astype(np.float64)
    covered = (before & (kinds == ARM) & (position > seen[:, None])).sum(axis=1)
    free = (covered <= 1) & (seen > 0) & (LEVELS < SHOULDERS)
    if free.sum() < 3:
        return seen, seen
    index = np.arange(len(kinds))
    trusted = _median(seen[free])
    guess = np.interp(index, index[free], trusted)
    steps = (index[:, None] - index[free]) * LEVEL
    below, above = (np.where(steps * sign >= 0, np.abs(steps), np.inf).min(axis=1) for sign in (1, -1))
    # From the armpit up a body goes on straight, so there the outline below counts from farther away.
    trust = np.clip(np.where(LEVELS > CHEST, 2.0, 1.0) * (1.0 - np.minimum(below, above) / FAR), 0.0, 1.0)
    between_both = below + above < FAR_BETWEEN
    widest = np.where(between_both, WIDEST_BETWEEN, WIDEST) * torso
    ends = np.where(free, seen, seen + np.clip(guess - seen, 0.0, widest) * np.where(between_both, 1.0, trust))
    armpit = int(np.searchsorted(LEVELS, SHOULDERS))
    ends[armpit:] = np.maximum(ends[armpit:], ends[armpit - 1])  # the shoulder is no narrower than the chest below it
    smooth = np.convolve(np.pad(ends, 4, mode="edge"), np.hanning(11)[1:-1] / np.hanning(11).sum(), mode="valid")
    beyond = np.minimum(np.maximum(smooth - seen, RIM * torso), covered)
    step = TAPER * LEVEL * torso
    bridged = np.where(between_both | (LEVELS > SHOULDERS), seen, _closed(seen, round(FAR_BETWEEN / LEVEL)))
    ends = _tapered(seen + np.where(covered > 0, beyond, 0.0), seen, step)
    rim = np.where(LEVELS < SHOULDERS, RIM * torso * np.clip(np.minimum(below, above) / RUN_IN, 0.0, 1.0), 0.0)
    ends = np.maximum(ends, seen + np.minimum(rim, covered))
    return seen, np.maximum(ends, np.minimum(bridged, seen + covered))


def _closed(profile: Array, rows: int) -> Array:
    """The profile without notches of up to so many rows: a forearm that crosses the waist hides it, no more."""
    column = np.ones((rows | 1, 1), np.uint8)
    values = profile.astype(np.float32)[:, None]
    closed = cv2.morphologyEx(values, cv2.MORPH_CLOSE, column, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(closed[:, 0], np.float64)


def _tapered(outline: Array, seen: Array, step: float) -> Array:
    """The outline, where it isn't seen not wider than its neighbours by more than step: nothing bulges suddenly."""
    out = outline.copy()
    for row in range(1, len(out)):
        out[row] = max(seen[row], min(out[row], out[row - 1] + step))
    for row in range(len(out) - 2, -1, -1):
        out[row] = max(seen[row], min(out[row], out[row + 1] + step))
    return out


def _median(values: Array) -> Array:
    padded = np.pad(values, 2, mode="edge")
    return np.asarray(np.median(np.stack([padded[k : k + len(values)] for k in range(5)]), axis=0))
