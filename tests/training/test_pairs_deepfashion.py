"""DeepFashion's layout, made up from drawn figures, becomes the pairs that its lists name, in the lists' own poses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from drawn_photos import Album

from tryon_service.appearance.labels import to_adgan
from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS, Figure
from tryon_service.perception.skeletons import COCO18, coco18
from tryon_service.training.deepfashion import DeepFashionSource
from tryon_service.training.pairs import build_pairs
from tryon_service.training.portraits import open_portraits
from tryon_service.types import Part

SQUARE, CROP, SIZE = (256, 256), 40, (88, 128)
ONE = ("fashionWOMENDressesid0000012301_1front.jpg", "fashionWOMENDressesid0000012301_2side.jpg")
TWO = ("fashionMENDenimid0000045602_1front.jpg", "fashionMENDenimid0000045602_3back.jpg")
KEYPOINTS = "fasion-resize-annotation-train.csv"
HIDDEN = 4
"""The joint that no list knows: the right wrist."""


class Layout:
    """The folder, and the figures in it by the names of their photos."""

    def __init__(self, album: Album, root: Path) -> None:
        self.root, self._album = root, album
        self.figures: dict[str, Figure] = {}

    def side(self, side: str, names: Sequence[str], outfit: str, spelling: str = "fasion") -> None:
        for name, pose in zip(names, ("standing", "arms_out"), strict=True):
            path = self.root / "fashion_resize" / side / name
            self.figures[name] = self._album.draw(path, pose, OUTFITS[outfit], SQUARE)
        lines = [f"{name}:{y}:{x}" for name, (x, y) in ((name, self.lists(name)) for name in names)]
        self.write(f"{spelling}-resize-annotation-{side}.csv", ["name:keypoints_y:keypoints_x", *lines])
        self.write(f"{spelling}-resize-pairs-{side}.csv", ["from,to", ",".join(names), ",".join(names[::-1])])

    def write(self, name: str, lines: Sequence[str]) -> None:
        (self.root / name).write_text("\n".join(lines) + "\n")

    def lists(self, name: str) -> tuple[str, str]:
        """Columns and rows of the joints in the middle of the photo, as whole numbers."""
        joints = np.rint(coco18(self.figures[name].keypoints)[:, :2] - (CROP, 0)).astype(int)
        joints[HIDDEN] = -1
        return json.dumps(joints[:, 0].tolist()), json.dumps(joints[:, 1].tolist())


@pytest.fixture
def layout(album: Album, tmp_path: Path) -> Layout:
    made = Layout(album, tmp_path / "deepfashion")
    made.side("train", ONE, "tee_skirt")
    made.side("test", TWO, "print_tee", spelling="fashion")
    return made


def test_the_lists_pairs_and_split_are_kept(layout: Layout, pool: Callable[..., object], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    build_pairs(DeepFashionSource(layout.root), out, SIZE)
    people = open_portraits(out)
    assert [(p.source, p.target, p.kind) for p in people.pairs("train")] == [(*ONE, "listed"), (*ONE[::-1], "listed")]
    assert {(p.source, p.target) for p in people.pairs("held")} == {TWO, TWO[::-1]}
    front, back = people.read(TWO[0]), people.read(TWO[1])
    assert (front.view, back.view) == ("front", "back")
    assert front.owner == back.owner == "fashionMENDenimid0000045602"


def test_the_lists_poses_and_the_photos_middle_are_taken(
    layout: Layout, pool: Callable[..., object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    build_pairs(DeepFashionSource(layout.root), out, SIZE)
    portrait, figure = open_portraits(out).read(ONE[1]), layout.figures[ONE[1]]
    found, true = portrait.joints18, coco18(figure.keypoints)
    wanted = (np.rint(true[:, :2] - (CROP, 0)) + 0.5) / 2 - 0.5
    shown = [joint for joint, (_, sources) in enumerate(COCO18) if len(sources) == 1 and joint != HIDDEN]
    np.testing.assert_allclose(found[shown, :2], wanted[shown], atol=0.01)
    assert found[:, 2].tolist() == [float(joint != HIDDEN) for joint in range(18)]
    matte = figure.matte[:, CROP:-CROP].reshape(128, 2, 88, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(portrait.matte / 255, matte, atol=0.01)


@pytest.mark.parametrize("place", ["{stem}.npy", "WOMEN/Dresses/id_00000123/01_1_front.npy"])
def test_adgans_parsing_is_read_where_there_is_one(
    layout: Layout, pool: Callable[..., object], tmp_path: Path, place: str
) -> None:
    """With its sides found again: arms and legs lie where the figure has them."""
    truth = layout.figures[ONE[0]].parsing[:, CROP:-CROP]
    path = layout.root / "semantic_merge3" / place.format(stem=Path(ONE[0]).stem)
    path.parent.mkdir(parents=True)
    np.save(path, to_adgan()[truth].astype(np.float64))
    out = tmp_path / "out"
    out.mkdir()
    build_pairs(DeepFashionSource(layout.root), out, (176, 256))
    found = open_portraits(out).read(ONE[0]).parsing
    arms = np.isin(truth, (Part.LEFT_ARM, Part.RIGHT_ARM))
    assert (found[arms] == truth[arms]).mean() > 0.98
    # ADGAN has no shoes: they are legs.
    shoes = truth == Part.SHOES
    assert set(np.unique(found[shoes])) == {Part.LEFT_LEG, Part.RIGHT_LEG}
    same = np.isin(truth, (Part.BACKGROUND, Part.HAIR, Part.UPPER, Part.SKIRT, Part.FACE))
    np.testing.assert_array_equal(found[same], truth[same])


def test_what_is_no_parsing_and_no_photo_is_dropped(
    layout: Layout, pool: Callable[..., object], tmp_path: Path
) -> None:
    folder = layout.root / "semantic_merge3"
    folder.mkdir()
    np.save(folder / f"{Path(ONE[0]).stem}.npy", np.full((256, 176), 8))
    (folder / f"{Path(ONE[1]).stem}.npy").write_bytes(b"no array")
    (layout.root / "fashion_resize" / "test" / TWO[0]).unlink()
    out = tmp_path / "out"
    out.mkdir()
    manifest = build_pairs(DeepFashionSource(layout.root), out, SIZE)
    assert manifest.dropped == {ONE[0]: "invalid_option", ONE[1]: "invalid_option", TWO[0]: "not_found"}
    assert open_portraits(out).pairs("held") == []


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        (
            "fasion-resize-annotation-train.csv",
            ["name:keypoints_y:keypoints_x", f"{ONE[0]}:[1, 2]:[1, 2]"],
            "18 numbers",
        ),
        (KEYPOINTS, ["name:keypoints_y:keypoints_x", f"{ONE[0]}:banana:[1]"], "line 2"),
        (KEYPOINTS, ["name,keypoints_y,keypoints_x", f"{ONE[0]},1,2"], "lacks name or"),
        ("fasion-resize-pairs-train.csv", ["from;to", ";".join(ONE)], "lacks from or to"),
        ("fasion-resize-pairs-train.csv", ["from,to", f"{ONE[0]},{TWO[0]}"], "is in pairs to train on and to test by"),
    ],
)
def test_lists_that_make_no_sense_are_named(layout: Layout, name: str, lines: list[str], words: str) -> None:
    layout.write(name, lines)
    with pytest.raises(InputError) as caught:
        DeepFashionSource(layout.root).shots()
    assert caught.value.code == "invalid_option"
    assert words in f"{caught.value.field} {caught.value.detail}"


def test_missing_lists_are_named(layout: Layout, tmp_path: Path) -> None:
    (layout.root / "fashion-resize-annotation-test.csv").unlink()
    with pytest.raises(InputError, match="no keypoints of the side 'test'"):
        DeepFashionSource(layout.root).shots()
    with pytest.raises(InputError, match=r"has no fasion-resize-pairs-train\.csv"):
        DeepFashionSource(tmp_path).shots()
