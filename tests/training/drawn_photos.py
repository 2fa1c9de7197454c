"""Files of drawn figures, and a perception that knows the truth about each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tryon_service.errors import RefusedError
from tryon_service.figures import Figure, Outfit, draw_figure
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.perception.perceive import matte_box
from tryon_service.types import Person, Photo, Reason, Size

DRAWN: Size = (192, 256)
SIZE: Size = (44, 64)
"""Of portraits."""


class Album:
    """Draws photos and remembers the truth about them by their pixels."""

    def __init__(self) -> None:
        self._figures: dict[bytes, Figure] = {}

    def draw(self, path: Path, pose: str, outfit: Outfit, size: Size = DRAWN) -> Figure:
        """A PNG at the path."""
        figure = _drawn(pose, outfit, size)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(figure.photo, "png"))
        self._figures[figure.photo.tobytes()] = figure
        return figure

    def perceive(self, photo: Photo, *, role: str = "photo", **_: object) -> Person:
        """As perception.perceive does."""
        figure = self._figures.get(photo.rgb.tobytes())
        if figure is None:
            raise RefusedError([Reason("no_person", role)])
        return Person(photo, figure.keypoints, figure.matte, figure.parsing, matte_box(figure.matte))

    def perceive_file(self, data: bytes, name: str) -> Person:
        """As Analyst.analyse_pose does."""
        return self.perceive(decode(data, name), role=name)


_drawn = cache(draw_figure)


class Inline:
    """A pool without processes, interrupted after so many photos."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.made = 0

    def map(self, work: Callable[[Any], Any], shots: Iterable[Any]) -> Iterator[Any]:
        for shot in shots:
            if self.made == self.stop_after:
                raise KeyboardInterrupt
            self.made += 1
            yield work(shot)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
