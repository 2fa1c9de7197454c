"""Pairs from a video of one person: any two of its frames that are a pose apart.

The camera is taken to stand still, and all frames are cut by one window, so that a frame's background is the same in
every portrait. The last fifth of the time is held back.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.analysis import Analyst
from tryon_service.appearance.subject import torso_length
from tryon_service.errors import InputError, RefusedError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.frames import Region
from tryon_service.perception.skeletons import LIMBS
from tryon_service.renderers.portrait import FILLED, PortraitFrame
from tryon_service.training.dataset import SUFFIXES
from tryon_service.training.makers import analyst, name_seed
from tryon_service.training.pairs import person_in, portrait_of
from tryon_service.training.portraits import Pair, Portrait, PortraitSet
from tryon_service.training.shards import Split
from tryon_service.types import Person, Reason, Size

FRAMES = 2000
"""Of a video, at most, if the caller doesn't say; evenly spread."""
HELD = 0.2
"""Share of the time, at its end, that is never trained on."""
LOOKS = 60
"""Frames, evenly spread, in which the person is looked for to place the window."""
PARTNERS = 4
"""Pairs that a frame is the source of, at most."""
SMALL = 0.6
"""Torso, as a share of the usual one, below which somebody is not the person filmed, or not so filmed."""
APART = 0.25
"""How far, in torso lengths, the joint must move that moves farthest for two frames to be a pose apart."""
_JOINTS = sorted({joint for bone in LIMBS.values() for joint in bone})


@dataclass(frozen=True)
class Frame:
    """One picture of the video. region: the window, (x0, y0, width, height) in its pixels; torso: the person's usual
    one, in pixels."""

    name: str
    owner: str
    path: Path
    region: Region
    torso: float
    split: Split

    def portrait(self, analyst: Analyst, size: Size) -> Portrait:
        """See pairs.Shot. Raises RefusedError("person_too_small") too for somebody far smaller than the person is
        elsewhere in the video: titles and other scenes show such."""
        person = person_in(decode(self.path.read_bytes(), self.name), self, analyst)
        torso, limit = torso_length(person.keypoints), SMALL * self.torso
        if torso < limit:
            raise RefusedError([Reason("person_too_small", self.name, value=torso, limit=limit)])
        picture = person.photo.rgb.shape[1], person.photo.rgb.shape[0]
        return portrait_of(person, PortraitFrame(picture, size, self.region), self, "video")


@dataclass(frozen=True)
class VideoSource:
    """Implements pairs.PairSource. name: of the video; frames: its pictures in their order; size: of the portraits,
    (width, height), whose aspect the window has; asked: the window (x0, y0, width, height), None to look for one."""

    name: str
    frames: Sequence[Path]
    size: Size
    asked: Region | None = None

    @property
    def options(self) -> dict[str, Any]:
        window = list(self.asked) if self.asked else None
        return {"source": "video", "video": self.name, "frames": len(self.frames), "window": window}

    @cached_property
    def window(self) -> Region:
        """Round the person wherever they go. Raises as torso does."""
        if self.asked:
            return self.asked
        least = SMALL * self.torso
        boxes = [person.box for person in self._people if torso_length(person.keypoints) >= least]
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        tall = max(high[1] - low[1], (high[0] - low[0]) * self.size[1] / self.size[0]) / FILLED
        whole = max(round(tall * self.size[0] / self.size[1]), 1), max(round(tall), 1)
        left, top = np.rint((low + high - whole) / 2).astype(int)
        return int(left), int(top), *whole

    @cached_property
    def torso(self) -> float:
        """Its usual length in pixels. Raises InputError("invalid_option") if nobody is ever to be seen."""
        if not self._people:
            raise InputError("invalid_option", f"Nobody was found in the frames of {self.name!r}.", "--video")
        return float(np.median([torso_length(person.keypoints) for person in self._people]))

    @cached_property
    def _people(self) -> list[Person]:
        """As LOOKS frames show them, those without anybody left out."""
        bar = tqdm(self.frames[:: _step(len(self.frames), LOOKS)], "finding the person", unit="frame", disable=None)
        return [person for path in bar if (person := _seen(path)) is not None]

    def shots(self) -> list[Frame]:
        """See PairSource."""
        if len(self.frames) < 2:
            raise InputError("invalid_option", f"{self.name!r} has {len(self.frames)} frames, 2 are needed.", "--video")
        first_held = round(len(self.frames) * (1 - HELD))
        sides: list[Split] = ["train" if number < first_held else "held" for number in range(len(self.frames))]
        return [
            Frame(f"{self.name}/{number:06d}", self.name, path, self.window, self.torso, side)
            for number, (path, side) in enumerate(zip(self.frames, sides, strict=True))
        ]

    def pairs(self, people: PortraitSet, split: Split) -> tuple[list[Pair], dict[str, str]]:
        """See PairSource. Each frame with some others, which look random and follow from its name."""
        portraits = people.portraits(split)
        keypoints = [people.read(name).keypoints for name in portraits]
        xy = np.array([one.xy[_JOINTS] for one in keypoints]).reshape(-1, len(_JOINTS), 2)
        seen = np.array([one.seen[_JOINTS] for one in keypoints], bool).reshape(-1, len(_JOINTS))
        pairs: list[Pair] = []
        for index, name in enumerate(portraits):
            moved = np.linalg.norm(xy - xy[index], axis=2) * (seen & seen[index])
            (apart,) = np.nonzero(moved.max(axis=1) > APART * torso_length(keypoints[index]))
            rng = np.random.default_rng(name_seed(name))
            partners = rng.choice(apart, min(PARTNERS, len(apart)), replace=False)
            pairs += [Pair(name, portraits[other], "video") for other in sorted(partners)]
        return pairs, {}


@contextmanager
def open_video(path: Path, size: Size, limit: int | None = None, window: Region | None = None) -> Iterator[VideoSource]:
    """path: a video, whose frames lie in a temporary folder while this is open, or a folder of frames as pictures, in
    the order of the last number in their names. limit: frames, at most.

    Raises InputError("invalid_option") for what can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="tryon-frames-") as folder:
        frames = _in_folder(path) if path.is_dir() else _taken(path, Path(folder), limit or FRAMES)
        yield VideoSource(path.stem, frames[:: _step(len(frames), limit or FRAMES)], size, window)


def _step(count: int, limit: int) -> int:
    """Every how manieth of so many frames is taken for there to be no more than the limit."""
    return max(-(-count // limit), 1)


def _in_folder(folder: Path) -> list[Path]:
    def order(path: Path) -> tuple[int, str]:
        numbers = re.findall(r"\d+", path.stem)
        return int(numbers[-1]) if numbers else -1, path.name

    return sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=order)


def _taken(video: Path, folder: Path, limit: int) -> list[Path]:
    """Frames of the video as PNG; read one after the other, because not every codec finds its frames by number."""
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise InputError("invalid_option", f"{str(video)!r} can't be read as a video.", "--video")
        step = _step(max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 1), limit)
        taken: list[Path] = []
        number = 0
        while capture.grab():
            if number % step == 0:
                good, picture = capture.retrieve()
                path = folder / f"{number:08d}.png"
                if not good or not cv2.imwrite(str(path), picture):
                    raise InputError("invalid_option", f"Frame {number} of {str(video)!r} can't be read.", "--video")
                taken.append(path)
            number += 1
        return taken
    finally:
        capture.release()


def _seen(path: Path) -> Person | None:
    """The person in a frame, None if nobody can be made out."""
    try:
        return analyst().analyse_pose(path.read_bytes(), path.name)
    except RefusedError:
        return None
