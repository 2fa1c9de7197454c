"""The parsing suite on drawn figures, with backends that know the truth or get it wrong on purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tryon_service.appearance.labels import CCP_NAMES
from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options
from tryon_service.evaluation.parsing import Parsing, swapped
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.skeletons import mirrored
from tryon_service.types import Float32Array, Keypoints, Part, Photo, Reason, UInt8Array

SIZE = (120, 160)
IDS = {Part.HAIR: "hair", Part.UPPER: "t-shirt", Part.TROUSERS: "jeans", Part.SHOES: "shoes", Part.SKIRT: "skirt"}


class Known:
    """Pose, matter and parser in one: the truth about two figures and their mirror images. spoil changes parsings."""

    def __init__(self, figures: list[Figure]) -> None:
        self.figures = figures + [_flipped(figure) for figure in figures]
        self.spoil = lambda parts: parts

    def _find(self, photo: Photo) -> Figure:
        """Recoloured photos too: the nearest one."""
        off = [np.abs(photo.rgb.astype(int) - figure.photo).mean() for figure in self.figures]
        if min(off) > 20:
            raise RefusedError([Reason("no_person")])
        return self.figures[int(np.argmin(off))]

    def estimate(self, photo: Photo) -> PoseEstimate:
        figure = self._find(photo)
        return PoseEstimate(figure.keypoints, figure.matte, 1.0)

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        return estimate.mask

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        return self.spoil(self._find(photo).parsing)


def _flipped(figure: Figure) -> Figure:
    return replace(
        figure,
        photo=np.ascontiguousarray(figure.photo[:, ::-1]),
        keypoints=mirrored(figure.keypoints, SIZE[0]),
        parsing=np.ascontiguousarray(swapped(figure.parsing)[:, ::-1]),
        matte=np.ascontiguousarray(figure.matte[:, ::-1]),
    )


@pytest.fixture(scope="module")
def known() -> Known:
    outfits = list(OUTFITS.values())
    return Known([draw_figure(pose, outfits[i], SIZE, seed=i) for i, pose in enumerate(("standing", "arms_out"))])


@pytest.fixture(scope="module")
def data(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("labelled")
    for folder in ("photos", "labels"):
        (root / folder).mkdir()
    table = np.full(256, CCP_NAMES.index("skin"), np.uint8)
    table[0] = 0
    for part, name in IDS.items():
        table[part] = CCP_NAMES.index(name)
    for index, figure in enumerate(known.figures[:2]):
        Image.fromarray(figure.photo).save(root / "photos" / f"{index}.png")
        Image.fromarray(table[figure.parsing]).save(root / "labels" / f"{index}.png")
    return root


def run(known: Known, data: Path) -> Findings:
    perception = SimpleNamespace(pose=known, matter=known, parser=known)
    return Parsing().run(perception, data, Options(data))  # type: ignore[arg-type]


def test_the_truth_scores_full_marks(known: Known, data: Path) -> None:
    findings = run(known, data)
    figures = findings.figures
    assert figures["photos"] == 2
    assert figures["no_person_found"] == 0
    assert figures["person_iou"] == 1
    assert figures["miou_ten_classes"] == 1
    assert figures["mirror"] == 1
    assert figures["iou_ten_classes"]["dress"] is None, "a class nobody has or claims has no figure"
    assert figures["bare_arms"]["all"] == pytest.approx(1, abs=0.1)
    assert figures["bare_arms"]["dark"] == figures["bare_arms"]["light"] == figures["bare_arms"]["all"]
    assert [row["photos"] for row in figures["bare_arms_by_lightness"]] == [1, 1]
    assert len(findings.pictures) == 3


def test_mistakes_are_counted_where_they_are(known: Known, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleeves(parts: UInt8Array) -> UInt8Array:
        return np.where(np.isin(parts, (Part.LEFT_ARM, Part.RIGHT_ARM)), np.uint8(Part.UPPER), parts)

    monkeypatch.setattr(known, "spoil", sleeves)
    figures = run(known, data).figures
    assert figures["bare_arms"]["all"] == 0
    assert figures["person_iou"] == 1
    assert figures["miou_ten_classes"] < 1
    assert figures["iou_ten_classes"]["upper"] < 1 == figures["iou_ten_classes"]["shoes"]


def test_photos_without_a_person_count_as_background(known: Known, data: Path, tmp_path: Path) -> None:
    for folder in ("photos", "labels"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", SIZE, (9, 9, 9)).save(tmp_path / "photos" / "dark.png")
    Image.fromarray(np.full(SIZE[::-1], 19, np.uint8)).save(tmp_path / "labels" / "dark.png")
    figures = run(known, tmp_path).figures
    assert figures["no_person_found"] == 1
    assert figures["person_iou"] == 0
    assert figures["mirror"] is None
