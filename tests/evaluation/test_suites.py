"""The suites on a folder of drawn figures in the layout of the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tryon_service.cli import evaluate as evaluate_command
from tryon_service.evaluation.base import SUITES
from tryon_service.evaluation.limbs import NAMES, degrees_between, directions, in_photo
from tryon_service.evaluation.measured import limbs
from tryon_service.evaluation.pairs import SQUARE, WIDTH, pictures_of
from tryon_service.evaluation.pose import landed, shares
from tryon_service.evaluation.run import evaluate
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline
from tryon_service.types import Keypoints, Person

SIZE = (288, 384)


def drawn(path: Path, pose: str, outfit: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(draw_figure(pose, OUTFITS[outfit], SIZE).photo, "jpeg"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, two shoppers and one shopper photo of nobody, a card, an exercise, and a strip of each method."""
    root = tmp_path_factory.mktemp("data")
    shoppers = root / "ccp" / "unlabelled"
    drawn(root / "models" / "a.jpg", "standing", "print_tee")
    drawn(root / "models" / "b.jpg", "standing", "sport")
    for pose in ("hand_on_hip", "arms_out"):
        drawn(shoppers / f"{pose}.jpg", pose, "striped_tee")
    (shoppers / "nobody.jpg").write_bytes(encode(np.full((384, 288, 3), 180, np.uint8), "jpeg"))
    drawn(root / "store" / "photos" / "x_front.jpg", "standing", "print_tee")
    (root / "store" / "photos" / "x_back.jpg").write_bytes((shoppers / "nobody.jpg").read_bytes())
    rows = "product_id,view,file\nx,front,photos/x_front.jpg\nx,back,photos/x_back.jpg\n"
    (root / "store" / "catalogue.csv").write_text(rows)
    drawn(root / "two_poses" / "wave_0.jpg", "standing", "sport")
    drawn(root / "two_poses" / "wave_1.jpg", "arms_out", "sport")
    for method in ("pg2", "deform", "vunet"):
        folder = root / "deepfashion_pairs" / method
        folder.mkdir(parents=True)
        (folder / "001.png").write_bytes(encode(strip_of_pictures(), "png"))
    return root


def strip_of_pictures() -> np.ndarray:
    """Source, truth and a grey output, each in the middle of a white square."""
    squares = []
    for pose in ("standing", "hand_on_hip"):
        photo = draw_figure(pose, OUTFITS["print_tee"], (528, 768)).photo
        squares.append(cv2.resize(photo, (WIDTH, SQUARE), interpolation=cv2.INTER_AREA))
    squares.append(np.full_like(squares[0], 128))
    side = ((0, 0), ((SQUARE - WIDTH) // 2,) * 2, (0, 0))
    return np.hstack([np.pad(square, side, constant_values=255) for square in squares])


def run(name: str, data: Path, out: Path, pipeline: Pipeline, **options: Any) -> dict[str, Any]:
    page = evaluate(name, data, out, pipeline=pipeline, **options).read_text()
    assert "<h1>" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "the page must stand alone"
    figures: dict[str, Any] = json.loads((out / "figures.json").read_text())
    return figures


def test_every_suite_is_named_in_the_help() -> None:
    assert set(re.findall(r"\w+", evaluate_command.SUITES)) - {"or"} == set(SUITES.names())


def test_identity(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("identity", data, tmp_path, pipeline)
    assert figures["photos"] == 2
    assert figures["refused"] == 0
    assert figures["own_keypoints"]["least"] > 0.9
    assert figures["pipeline"]["median"] > 0.88


def test_parsers(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("parsers", data, tmp_path, pipeline)
    assert {sum(outcomes.values()) for outcomes in figures["outcomes"].values()} == {6}
    with Image.open(tmp_path / "parsers.png") as sheet:
        assert sheet.width > 3 * 2 * 200


def test_matrix(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("matrix", data, tmp_path, pipeline)
    assert sum(figures["outcomes"].values()) == 6
    assert figures["outcomes"]["no_person"] == 2
    with Image.open(tmp_path / "matrix.png") as sheet:
        assert sheet.size == (4 * 304 - 4, 3 * 404 - 4)


def test_one_run_serves_pose_integrity_and_fidelity(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("pose", data, tmp_path, pipeline)
    assert figures["pairs"] == 6
    assert figures["shoppers_without_pose"] == figures["refused_by_code"]["no_person"] == 2
    assert figures["verdicts_by_degrees_from_frontal"]["within_30"]["pairs"] == 4
    assert figures["not_refused"]["moved"]["limbs"] >= 2
    assert figures["not_refused"]["moved"]["within_15_degrees"] > 0.9
    assert {row["code"] for row in json.loads((tmp_path / "refusals.json").read_text())} >= {"no_person"}
    records = (tmp_path / "records.jsonl").read_text()

    whole = run("integrity", data, tmp_path, pipeline, baseline=tmp_path / "records.jsonl")
    assert whole["not_refused"]["results"] >= 2
    assert whole["not_refused"]["relative_agreement_of_attributes"]["50%"] > 0.6
    assert whole["compared_same_pairs"]["baseline"] == whole["compared_same_pairs"]["now"]
    same = run("fidelity", data, tmp_path, pipeline)["not_refused"]
    assert same["ciede2000"]["50%"] < 6
    assert 0.6 < same["texture_ratio"]["50%"] < 1.5
    assert (tmp_path / "records.jsonl").read_text() == records, "nothing is measured twice"


@pytest.mark.soak
def test_cycle(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("cycle", data, tmp_path, pipeline, limit=1)
    assert figures["pairs"] == 2 + 2
    assert figures["under_20"]["all"]["ssim"]["mean"] > 0.7


@pytest.mark.soak
def test_pairs(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("pairs", data, tmp_path, pipeline)
    for method in ("pg2", "deform", "vunet"):
        every = figures[method]["all"]
        assert every["pairs"] == 1
        assert 0 <= every["theirs"] < every["ours"] <= 1


def test_cards(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("cards", data, tmp_path, pipeline)
    assert figures["photos"]["front"]["usable"] == 1
    assert figures["photos"]["back"]["refused"] == {"no_model_in_product": 1}
    assert set(figures["shoppers_front"]["used"]) <= {"front"}
    assert figures["shoppers_front"]["pairs"] == 2


def test_two_poses(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    assert run("two_poses", data, tmp_path, pipeline)["shoppers_front"]["pairs"] == 2


def test_speed(data: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    figures = run("speed", data, tmp_path, pipeline, limit=1)
    assert {row["row"]: row["measured"] is not None for row in figures["budget"]} == dict.fromkeys(
        ("shopper_ms", "product_ms", "render_ms", "whole_call_ms", "memory_peak_mb"), True
    )


def test_a_strip_is_cut_to_its_three_pictures() -> None:
    strip = strip_of_pictures()
    source, truth, theirs = pictures_of(strip)
    assert source.shape == truth.shape == theirs.shape == (SQUARE, WIDTH, 3)
    assert np.array_equal(source, strip[:, 40:216])
    assert (theirs == 128).all()


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


def test_limbs_record_what_was_asked_and_what_came(person_of: Callable[[Figure], Person]) -> None:
    still = person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE))
    moved = person_of(draw_figure("arms_out", OUTFITS["print_tee"], SIZE))
    asked, off, shown = limbs(still, moved, moved)["left_upper_arm"]
    assert asked > 20
    assert (off, shown) == (0.0, 1.0)
    assert limbs(still, moved, None)["left_upper_arm"][1] == 180.0


def test_only_limbs_in_question_count() -> None:
    records = [
        {"limbs": {"left_thigh": [25.0, 10.0, 1.0], "left_shin": [30.0, 20.0, 0.0], "right_shin": [5.0, 90.0, 1.0]}}
    ]
    assert landed(records) == {
        "moved": {"limbs": 2, "within_15_degrees": 0.5},
        "moved_and_shown": {"limbs": 1, "within_15_degrees": 1.0},
    }
    assert landed([])["moved"] == {"limbs": 0, "within_15_degrees": None}


def test_shares_by_degrees_from_frontal() -> None:
    records: list[dict[str, Any]] = [{"yaw": -10.0, "status": "accepted"}, {"yaw": 29.0, "status": "refused"}]
    records.append({"status": "refused"})
    assert shares(records, 0, 30) == {"pairs": 2, "accepted": 0.5, "doubtful": 0.0, "refused": 0.5}
    assert shares(records, 45, 180)["accepted"] is None
