"""The suites on a folder of drawn figures in the layout of the real one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.evaluation.pose import NAMES, degrees_between, directions, in_photo, share_close
from tryon_service.evaluation.run import evaluate
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline
from tryon_service.types import Keypoints

SIZE = (288, 384)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, two shoppers and one shopper photo of nobody."""
    root = tmp_path_factory.mktemp("data")
    models, shoppers = root / "models", root / "ccp" / "unlabelled"
    models.mkdir()
    shoppers.mkdir(parents=True)
    for name, outfit in (("a", "print_tee"), ("b", "sport")):
        (models / f"{name}.jpg").write_bytes(encode(draw_figure("standing", OUTFITS[outfit], SIZE).photo, "jpeg"))
    for pose in ("hand_on_hip", "arms_out"):
        (shoppers / f"{pose}.jpg").write_bytes(encode(draw_figure(pose, OUTFITS["striped_tee"], SIZE).photo, "jpeg"))
    (shoppers / "nobody.jpg").write_bytes(encode(np.full((384, 288, 3), 180, np.uint8), "jpeg"))
    return root


def run(name: str, data: Path, out: Path, pipeline: Pipeline) -> dict[str, object]:
    page = evaluate(name, data, out, pipeline=pipeline).read_text()
    assert "<h1>" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "the page must stand alone"
    figures: dict[str, object] = json.loads((out / "figures.json").read_text())
    return figures


def test_identity(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("identity", data, tmp_path, pipeline)
    assert figures["photos"] == 2
    assert figures["refused"] == 0
    assert figures["own_keypoints"]["least"] > 0.9  # type: ignore[index]
    assert figures["pipeline"]["median"] > 0.88  # type: ignore[index]


def test_parsers(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("parsers", data, tmp_path, pipeline)
    assert {sum(outcomes.values()) for outcomes in figures["outcomes"].values()} == {6}  # type: ignore[attr-defined]
    with Image.open(tmp_path / "parsers.png") as sheet:
        assert sheet.width > 3 * 2 * 200


def test_pose(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("pose", data, tmp_path, pipeline)
    assert figures["pairs"] == 6
    assert figures["refused_by_code"] == {"no_person": pytest.approx(1 / 3, abs=1e-3)}
    assert figures["moved"]["limbs"] >= 4  # type: ignore[index]
    assert figures["moved"]["within_15_degrees"] > 0.9  # type: ignore[index]


def test_matrix(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("matrix", data, tmp_path, pipeline)
    assert sum(figures["outcomes"].values()) == 6  # type: ignore[attr-defined]
    assert figures["outcomes"]["no_person"] == 2  # type: ignore[index]
    with Image.open(tmp_path / "matrix.png") as sheet:
        assert sheet.size == (4 * 304 - 4, 3 * 404 - 4)


def standing(left_elbow: tuple[float, float]) -> Keypoints:
    """All joints at the origin but the left shoulder, elbow and wrist."""
    xyz = np.zeros((33, 3), np.float32)
    xyz[11, :2], xyz[13, :2], xyz[15, :2] = (10, 10), left_elbow, (10, 40)
    ones = np.ones(33, np.float32)
    return Keypoints(xyz, xyz, ones, ones.astype(bool))


def test_directions_are_angles_in_the_picture() -> None:
    upper_arm = NAMES.index("left_upper_arm")
    assert directions(standing((20, 10)))[upper_arm] == pytest.approx(0)
    assert directions(standing((10, 20)))[upper_arm] == pytest.approx(90)
    assert degrees_between(np.array([179.0]), np.array([-179.0]))[0] == pytest.approx(2)


def test_limbs_outside_the_photo_are_left_out() -> None:
    upper_arm = NAMES.index("left_upper_arm")
    assert in_photo(standing((20, 10)), (50, 50))[upper_arm]
    assert not in_photo(standing((60, 10)), (50, 50))[upper_arm]


def test_share_counts_only_what_is_in_question() -> None:
    chosen, off = np.array([[True, True, False]]), np.array([[10.0, 20.0, 90.0]])
    assert share_close(chosen, off) == {"limbs": 2, "within_15_degrees": 0.5}
    assert share_close(~chosen & False, off) == {"limbs": 0, "within_15_degrees": None}
