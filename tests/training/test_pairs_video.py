"""Videos become pairs of frames that are a pose apart, all cut by one window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_photos import DRAWN, Album
from PIL import Image

from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS
from tryon_service.imaging.decode import decode
from tryon_service.training.pairs import build_pairs
from tryon_service.training.portraits import open_portraits
from tryon_service.training.video_pairs import open_video

OUTFIT = OUTFITS["sport"]
SIDE = (32, 32)
MOVES = ("standing", "standing", "arms_out", "arms_out", "hand_on_hip", "standing", "arms_out", "standing")
"""What the filmed figure does, frame by frame; the last two of which are held back."""


@pytest.fixture
def film(album: Album, tmp_path: Path) -> Path:
    """A folder of frames, whose names are out of order as text."""
    folder = tmp_path / "film"
    for number, pose in enumerate(MOVES):
        album.draw(folder / f"frame{number + 7}.png", pose, OUTFIT)
    return folder


def test_frames_a_pose_apart_become_pairs(film: Path, pool: Callable[..., object], tmp_path: Path) -> None:
    with open_video(film, SIDE) as source:
        build_pairs(source, make(tmp_path / "out"), SIDE)
    people = open_portraits(tmp_path / "out")
    assert people.portraits("train") == [f"film/{number:06d}" for number in range(6)]
    assert people.portraits("held") == ["film/000006", "film/000007"]
    moves = dict(zip([*people.portraits("train"), *people.portraits("held")], MOVES, strict=True))
    for split in ("train", "held"):
        mine = set(people.portraits(split))
        pairs = people.pairs(split)
        assert pairs
        assert all({pair.source, pair.target} <= mine and pair.kind == "video" for pair in pairs)
        assert all(moves[pair.source] != moves[pair.target] for pair in pairs)
        assert {pair.source for pair in pairs} == mine


def test_one_window_shows_all_of_the_person_all_the_time(
    film: Path, pool: Callable[..., object], tmp_path: Path
) -> None:
    with open_video(film, SIDE) as source:
        build_pairs(source, make(tmp_path / "out"), SIDE)
        window = source.window
    people = open_portraits(tmp_path / "out")
    portraits = [people.read(name) for name in people.portraits("train")]
    for portrait in portraits:
        rim = np.concatenate([portrait.matte[0], portrait.matte[-1], portrait.matte[:, 0], portrait.matte[:, -1]])
        assert rim.max() == 0
    # The camera stands still: the wall, above all shadows on the floor, is the same in every frame.
    alone = np.all([portrait.matte == 0 for portrait in portraits], axis=0)
    alone[SIDE[1] // 2 :] = False
    for portrait in portraits:
        np.testing.assert_allclose(portrait.rgb[alone].astype(int), portraits[0].rgb[alone], atol=12)
    assert abs(window[2] - window[3]) <= 1
    assert window[2] < max(DRAWN) * 1.2


def test_a_window_that_was_asked_for_is_taken(film: Path, pool: Callable[..., object], tmp_path: Path) -> None:
    with open_video(film, SIDE, window=(16, 32, 128, 128)) as source:
        build_pairs(source, make(tmp_path / "out"), SIDE)
    people = open_portraits(tmp_path / "out")
    first = decode((film / "frame7.png").read_bytes()).rgb[32:160, 16:144]
    wanted = cv2.resize(first, SIDE, interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(people.read("film/000000").rgb.astype(int), wanted, atol=1)


def test_frames_without_the_person_are_dropped(
    film: Path, album: Album, pool: Callable[..., object], tmp_path: Path
) -> None:
    cv2.imwrite(str(film / "frame20.png"), np.zeros((DRAWN[1], DRAWN[0], 3), np.uint8))
    album.draw(film / "frame21.png", "standing", OUTFIT, (DRAWN[0], DRAWN[1] // 2))
    with open_video(film, SIDE) as source:
        manifest = build_pairs(source, make(tmp_path / "out"), SIDE)
    assert manifest.dropped == {"film/000008": "no_person", "film/000009": "person_too_small"}


def test_frames_are_spread_evenly_over_a_video_file(tmp_path: Path) -> None:
    video = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    with open_video(video, SIDE, limit=7) as source:
        pictures = [np.asarray(Image.open(path)) for path in source.frames]
        taken = list(source.frames)
    assert [round(float(picture.mean()) / 10) for picture in pictures] == [0, 3, 6, 9, 12, 15, 18]
    assert not any(path.exists() for path in taken)


def test_what_is_no_video_of_anybody_is_named(album: Album, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="can't be read as a video") as caught, open_video(tmp_path / "film.mp4", SIDE):
        pass
    assert caught.value.field == "--video"
    with open_video(make(tmp_path / "empty"), SIDE) as source, pytest.raises(InputError, match="has 0 frames"):
        source.shots()
    for number in range(3):
        cv2.imwrite(str(make(tmp_path / "wall") / f"{number}.png"), np.zeros((200, 200, 3), np.uint8))
    with open_video(tmp_path / "wall", SIDE) as source, pytest.raises(InputError, match="Nobody was found"):
        source.shots()


def make(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
