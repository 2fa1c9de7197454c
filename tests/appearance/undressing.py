"""Drawn figures taken apart by the drawing itself: each arm alone, and the same body without its arms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from unittest import mock

import numpy as np

from tryon_service.appearance.decompose import decompose
from tryon_service.figures import OUTFITS, Figure, FigurePose, draw_figure
from tryon_service.figures import figure as drawing
from tryon_service.perception.perceive import matte_box
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Appearance, Layer, Person, Photo

SIZE = (288, 384)
BODY = ("draw_hair_behind", "draw_leg", "draw_shoe", "draw_trunk", "draw_bottom", "draw_top", "draw_head")
ARMS = ("draw_arm", "draw_sleeve")


@dataclass(frozen=True)
class Drawn:
    """figure: what the camera sees. arms: H x W bool by name, sleeve, skin and hand, also where something covers them;
    armless: the same figure drawn without arms."""

    figure: Figure
    arms: dict[str, np.ndarray]
    armless: Figure

    @property
    def person(self) -> Person:
        return person_from(self.figure)


def person_from(figure: Figure) -> Person:
    height, width = figure.matte.shape
    photo = Photo(figure.photo, (width, height), hashlib.sha256(figure.photo.tobytes()).hexdigest())
    return Person(photo, figure.keypoints, figure.matte, figure.parsing, matte_box(figure.matte))


@cache
def drawn(pose: FigurePose | str, outfit: str = "print_tee", size: tuple[int, int] = SIZE) -> Drawn:
    def draw(keep: Callable[[str, str], bool]) -> Figure:
        """keep: of a drawing function's name and the side it draws ("" for the trunk), whether it may draw."""

        def filtered(name: str) -> Callable[..., None]:
            original = getattr(drawing, name)

            def drawer(*args: object) -> None:
                side = next((a for a in args if isinstance(a, str)), "")
                if keep(name, side):
                    original(*args)

            return drawer

        with mock.patch.multiple(drawing, **{name: filtered(name) for name in (*BODY, *ARMS)}):
            return draw_figure(pose, OUTFITS[outfit], size)

    alone = {
        f"{side}_arm": draw(lambda name, s, side=side: name in ARMS and s == side).matte >= 0.5
        for side in ("left", "right")
    }
    return Drawn(draw_figure(pose, OUTFITS[outfit], size), alone, draw(lambda name, _: name not in ARMS))


@cache
def taken_apart(pose: FigurePose | str, outfit: str = "print_tee") -> tuple[Drawn, Appearance]:
    truth = drawn(pose, outfit)
    return truth, decompose(truth.person)


def away_from_shoulders(figure: Figure, share: float = 0.4) -> np.ndarray:
    """H x W bool: farther from both shoulders than a share of the upper arm. Nearer, sleeve and trunk are one cloth."""
    height, width = figure.matte.shape
    y, x = np.mgrid[:height, :width]
    out = np.ones((height, width), bool)
    for side in ("LEFT", "RIGHT"):
        shoulder, elbow = (figure.keypoints.xy[Landmark[f"{side}_{name}"]] for name in ("SHOULDER", "ELBOW"))
        out &= np.hypot(x - shoulder[0], y - shoulder[1]) > share * np.hypot(*(elbow - shoulder))
    return out


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / max((a | b).sum(), 1))


def on_photo(layer: Layer, plane: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A layer's plane (h x w, or h x w x C) laid out over the whole photo, 0 where the layer doesn't reach."""
    width, height = size
    out = np.zeros((height, width, *plane.shape[2:]), plane.dtype)
    (x, y), (h, w) = layer.origin, plane.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    out[top:bottom, left:right] = plane[top - y : bottom - y, left - x : right - x]
    return out
