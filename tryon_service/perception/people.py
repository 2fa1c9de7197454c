"""Which of the people in a photo is meant: the largest central one, unless two are comparable.

BlazePose looks for one person at a time, so it is asked about the whole photo and about overlapping windows of it;
finds of the same person are merged here, and only then a choice is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.types import BoolArray, Float32Array, Reason, Size

THUMBNAIL = 128
"""Height in pixels of the masks that people are compared by."""

# Two studio photos side by side have heights from 0.84 and, with one cut at the hips, areas from 0.37. Passers-by in
# 365 street photos reach such sizes too, but then the network is less sure of them, 0.96 at most.
COMPARABLE_HEIGHT = 0.8
COMPARABLE_AREA = 0.35
COMPARABLE_CONFIDENCE = 0.98
SAME_PERSON_OVERLAP = 0.5
MIN_AREA = 0.003
"""Smallest share of the photo that a person's mask may cover."""


@dataclass(frozen=True)
class Window:
    """A part of the photo to look at on its own. Pixels, right and bottom exclusive; margin: black border around it,
    as a share of its longer side."""

    left: int
    top: int
    right: int
    bottom: int
    margin: float = 0.0


@dataclass(frozen=True)
class Found:
    """Someone found. mask: thumbnail, h x w bool; confidence: that this is a person, in [0, 1]; rank: among finds of
    the same person the lowest is kept; index: the caller's own."""

    mask: BoolArray
    confidence: float
    rank: float
    index: int

    @property
    def area(self) -> int:
        return int(self.mask.sum())

    @property
    def height(self) -> int:
        rows = np.flatnonzero(self.mask.any(axis=1))
        return int(rows[-1] - rows[0] + 1) if len(rows) else 0

    @property
    def prominence(self) -> float:
        """Area, less for people away from the middle of the photo's width."""
        columns = self.mask.sum(axis=0)
        middle = (len(columns) - 1) / 2
        offset = abs(np.average(np.arange(len(columns)), weights=columns) - middle) / max(middle, 1)
        return self.area * (1 - 0.5 * float(offset))


def whole(size: Size) -> Window:
    """The window that is the whole photo of this (width, height)."""
    return Window(0, 0, *size)


def side_windows(size: Size) -> tuple[Window, ...]:
    """Left, right and middle parts, each 60 % of the width: whoever is alone in one of them is found there."""
    width, height = size
    part = max(round(0.6 * width), 1)
    return tuple(Window(left, 0, left + part, height) for left in (0, width - part, (width - part) // 2))


def second_look(size: Size) -> tuple[Window, ...]:
    """Where to look when nobody is found: with room around a close-up, and at the halves of a cut-off body."""
    width, height = size
    return (
        Window(0, 0, width, height, margin=0.25),
        Window(0, 0, width, height, margin=0.6),
        Window(0, 0, width, round(0.65 * height), margin=0.1),
        Window(0, round(0.35 * height), width, height, margin=0.1),
    )


def thumbnail(mask: Float32Array) -> BoolArray:
    """H x W in [0, 1] to a bool mask THUMBNAIL pixels high."""
    height, width = mask.shape
    size = (max(round(width * THUMBNAIL / height), 1), THUMBNAIL)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.5, np.bool_)


def main_person(finds: Sequence[Found]) -> Found:
    """The find of the person meant.

    Raises RefusedError("no_person") if there is none, RefusedError("several_people") if another one is comparable.
    """
    people = _merged([find for find in finds if find.area >= MIN_AREA * find.mask.size])
    if not people:
        raise RefusedError([Reason("no_person")])
    main = max(people, key=lambda person: person.prominence)
    for other in people:
        if other is not main and _comparable(main, other):
            share = min(main.height, other.height) / max(main.height, other.height)
            reason = Reason("several_people", value=round(share, 2), limit=COMPARABLE_HEIGHT)
            detail = f"One is {share:.0%} as tall as the other; up to {COMPARABLE_HEIGHT:.0%} would do."
            raise RefusedError([reason], detail)
    return main


def _merged(finds: Sequence[Found]) -> list[Found]:
    """One find per person: the one of lowest rank among those whose masks mostly coincide."""
    people: list[Found] = []
    for find in sorted(finds, key=lambda find: find.rank):
        if all(_overlap(find.mask, person.mask) < SAME_PERSON_OVERLAP for person in people):
            people.append(find)
    return people


def _overlap(one: BoolArray, other: BoolArray) -> float:
    """Shared area over the smaller one."""
    return float((one & other).sum() / max(min(one.sum(), other.sum()), 1))


def _comparable(main: Found, other: Found) -> bool:
    area = min(main.area, other.area) / max(main.area, other.area)
    height = min(main.height, other.height) / max(main.height, other.height)
    confidence = min(main.confidence, other.confidence)
    return area >= COMPARABLE_AREA and height >= COMPARABLE_HEIGHT and confidence >= COMPARABLE_CONFIDENCE
