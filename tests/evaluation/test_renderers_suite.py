"""The suite that lays the renderers side by side: on drawn figures, with a generator that has learned nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from tests.renderers.small_generators import blind_eyes, bring_in
from tryon_service.errors import InputError, RefusedError, ZooError
from tryon_service.evaluation import renderers as suite
from tryon_service.evaluation.pairs import SQUARE, WIDTH
from tryon_service.evaluation.renderers_cases import KINDS, Case, cases, drawn, garments, likeness, measure
from tryon_service.evaluation.renderers_cost import cost
from tryon_service.evaluation.renderers_table import table
from tryon_service.evaluation.run import evaluate
from tryon_service.evaluation.ssim import BOX, C1, C2, PROTOCOLS, ssim
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.registry import Registry
from tryon_service.renderers.base import GENERATED, RENDERERS, RendererInfo
from tryon_service.types import NetworkId, Person, Reason
from tryon_service.zoo.store import default_root

SIZE = (192, 256)
PLAIN, PADDED = PROTOCOLS


def draw(path: Path, pose: str, outfit: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(draw_figure(pose, OUTFITS[outfit], SIZE).photo, "png"))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a shopper and a strip with a grey output."""
    root = tmp_path_factory.mktemp("data")
    draw(root / "models" / "a.png", "standing", "print_tee")
    draw(root / "ccp" / "unlabelled" / "s.png", "hand_on_hip", "striped_tee")
    squares = []
    for pose in ("standing", "hand_on_hip"):
        photo = draw_figure(pose, OUTFITS["print_tee"], (528, 768)).photo
        squares.append(cv2.resize(photo, (WIDTH, SQUARE), interpolation=cv2.INTER_AREA))
    squares.append(np.full_like(squares[0], 128))
    side = ((0, 0), ((SQUARE - WIDTH) // 2,) * 2, (0, 0))
    strip = np.hstack([np.pad(square, side, constant_values=255) for square in squares])
    (root / "deepfashion_pairs" / "pg2").mkdir(parents=True)
    (root / "deepfashion_pairs" / "pg2" / "001.png").write_bytes(encode(strip, "png"))
    return root


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, pipeline: Pipeline) -> Path:
    """A zoo with a small adgan and pose2image, without patn."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("adgan", "pose2image"):
        root = bring_in(name, folder).root
    for file in default_root().glob("*.tflite"):
        (root / file.name).symlink_to(file)
    return root


@pytest.fixture
def zoo(stocked: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The process's own, and few renderers, whose pictures of nothing nobody looks at for long."""
    monkeypatch.setenv("TRYON_ZOO_DIR", str(stocked))
    for module in ("adgan", "one_person"):
        monkeypatch.setattr(f"tryon_service.renderers.{module}.own_eyes", blind_eyes)
    few: Registry[Any] = Registry("renderer")
    for name in ("adgan", "patn", "pose2image", "warp"):
        few.register(name)(lambda name=name: RENDERERS.create(name))
    monkeypatch.setattr(suite, "RENDERERS", few)
    return stocked


def test_the_renderers_side_by_side(data: Path, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(name: str, *photos: Path) -> dict[str, Any]:
        asked.append(name)
        assert all(photo.is_file() for photo in photos)
        return {"seconds_anew": 2.0, "seconds_cached": 1.0, "memory_peak_mb": 100}

    monkeypatch.setattr(suite, "cost", counted)
    pipeline = Pipeline(renderer="warp")
    page = evaluate("renderers", data, tmp_path, limit=1, pipeline=pipeline).read_text()
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert asked == ["adgan", "pose2image", "warp"]
    assert list(figures["absent"]) == ["patn"]
    assert "tryon zoo import patn FILE" in figures["absent"]["patn"]
    assert "tryon zoo import patn FILE" in page
    assert figures["one_person_whatever_the_product"] == ["pose2image"]
    rows = {row.pop("measure"): row for row in figures["table"]}
    assert set(rows["peak memory, MB"]) == {"adgan", "pose2image", "warp", "published", "source"}
    assert rows["seconds, product analysed before"] == {
        "adgan": 1.0, "pose2image": 1.0, "warp": 1.0, "published": None, "source": None
    }  # fmt: skip
    assert rows["poses: drawn"]["adgan"] == rows["poses: drawn"]["pose2image"] == rows["poses: drawn"]["warp"] == 1
    assert rows["poses: accepted"]["adgan"] == 0, "nobody has judged its pictures"
    assert rows["identity: own keypoints, SSIM in the person's box, full size"]["warp"] > 0.9
    for name in (PLAIN, PADDED, BOX):
        row = rows[f"pg2: {name}"]
        assert row["warp"] > max(row["published"], row["adgan"])
        assert row["pose2image"] is None, "it isn't compared with what it doesn't draw"
        assert rows[f"identity: {name}"]["source"] == 1.0
    assert rows[f"pg2: {PADDED}"]["published"] > rows[f"pg2: {PLAIN}"]["published"] + 0.05
    assert rows["poses: garments"]["warp"] == rows["poses: garments found again"]["warp"] > 0
    assert rows["poses: garments"]["pose2image"] is None
    assert (tmp_path / "pg2.png").is_file()

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("strips/*.jpg")}
    assert before
    monkeypatch.setattr("tryon_service.evaluation.renderers.measure", None)
    assert evaluate("renderers", data, tmp_path, limit=1, pipeline=pipeline).read_text() == page
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("strips/*.jpg")} == before
    assert len(asked) == 3, "nothing is measured twice"

    retrained = SimpleNamespace(info=RendererInfo("adgan", GENERATED, networks=(NetworkId("adgan", "0" * 64),)))
    with pytest.raises(InputError, match="another renderer"):
        suite.measured_on(pipeline, retrained, [], tmp_path / "adgan")  # type: ignore[arg-type]


def test_weights_that_are_damaged_are_no_absent_ones(
    data: Path, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = Path(shutil.copytree(zoo, tmp_path / "zoo", symlinks=True))
    (file,) = damaged.glob("adgan-*.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    monkeypatch.setenv("TRYON_ZOO_DIR", str(damaged))
    with pytest.raises(ZooError) as raised:
        evaluate("renderers", data, tmp_path, limit=1, pipeline=Pipeline(renderer="warp"))
    assert raised.value.code == "network_mismatch"


def test_what_it_costs_is_measured_in_a_process_of_its_own(data: Path, pipeline: Pipeline) -> None:
    ballast = np.ones(1 << 27)  # a gigabyte, all of it touched
    found = cost("warp", data / "models" / "a.png", data / "ccp" / "unlabelled" / "s.png")
    assert 0 < found["seconds_cached"] < found["seconds_anew"]
    assert 50 < found["memory_peak_mb"] < ballast.nbytes / 2**20, "what the parent takes is not counted"


def test_cases_are_the_same_ones_every_time(tmp_path: Path) -> None:
    names = [*(f"models/{n}.jpg" for n in "abcdef"), *(f"ccp/unlabelled/{n}.jpg" for n in "uvwxy")]
    names += ["two_poses/squat_0.jpg", "two_poses/squat_1.jpg", "deepfashion_pairs/vunet/001.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "store").mkdir()
    rows = "product_id,view,file\nx,front,photos/xf.jpg\nx,back,photos/xb.jpg\ny,front,photos/yf.jpg\n"
    (tmp_path / "store" / "catalogue.csv").write_text(rows)
    chosen = cases(tmp_path)
    assert chosen == cases(tmp_path)
    count = {kind: sum(case.kind == kind for case in chosen) for kind in KINDS}
    assert count == {
        "poses": 12, "identity": 4, "store": 1, "two_poses": 1, "pg2": 0, "deform": 0, "vunet": 1, "cycle": 4
    }  # fmt: skip
    keys = [case.key for case in chosen]
    assert len(keys) == len(set(keys))
    assert {"identity a", "store xf to xb", "two_poses squat_0 to squat_1", "vunet 001", "cycle a to 0"} <= set(keys)
    assert sum(case.kind == "poses" for case in cases(tmp_path, 2)) == 4
    with pytest.raises(InputError):
        cases(tmp_path / "store")


def test_refused_poses_are_drawn_and_stay_refused(
    data: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, shopper = ((data / name).read_bytes() for name in ("models/a.png", "ccp/unlabelled/s.png"))
    request = RenderRequest(shopper, (model,), renderer="warp")
    assert (job := drawn(pipeline, request)).verdict is not None
    assert job.verdict.status != "refused"
    monkeypatch.setattr("tryon_service.verdict.weigh", lambda *_: ((Reason("side_view"),), ()))
    refused = drawn(pipeline, request)
    assert refused.verdict is not None
    assert (refused.verdict.status, refused.verdict.reasons[0].code) == ("refused", "side_view")
    assert refused.verdict.scores["pck"] == job.verdict.scores["pck"]
    assert refused.picture is not None
    assert (refused.picture == job.picture).all()


def test_photos_of_nobody_are_counted(tmp_path: Path, data: Path, pipeline: Pipeline) -> None:
    nobody = tmp_path / "nobody.png"
    nobody.write_bytes(encode(np.full((256, 192, 3), 180, np.uint8), "png"))
    case = Case("poses", data / "models" / "a.png", nobody)
    with pytest.raises(RefusedError):
        drawn(pipeline, RenderRequest(nobody.read_bytes(), (case.product.read_bytes(),)))
    record, picture = measure(pipeline, case, dresses=True)
    assert record == {"drawn": False, "status": "refused", "code": "no_person"}
    assert picture is None


def random_picture(seed: int, like: np.ndarray | None = None) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (256, 176, 3)).astype(np.uint8)
    return noise if like is None else (like // 2 + noise // 2)


def by_the_formula(a: np.ndarray, b: np.ndarray) -> float:
    """Equation 13 of Wang et al. wherever the whole window lies in the picture, summed up shift by shift."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    bell /= bell.sum()
    high, wide = a.shape[0] - 10, a.shape[1] - 10

    def mean(values: np.ndarray) -> np.ndarray:
        down = sum(bell[r] * values[r : r + high] for r in range(11))
        return np.asarray(sum(bell[c] * down[:, c : c + wide] for c in range(11)))

    x, y = a.astype(float), b.astype(float)
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    return float(((2 * mx * my + C1) * (2 * cov + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))).mean())


def test_both_published_protocols_are_the_formula() -> None:
    a = random_picture(0)
    b = random_picture(1, like=a)
    assert PROTOCOLS[PLAIN](a, b) == pytest.approx(by_the_formula(a, b), abs=1e-5)
    squares = [np.pad(one, ((0, 0), (40, 40), (0, 0)), constant_values=255) for one in (a, b)]
    assert squares[0].shape == (256, 256, 3)
    assert PROTOCOLS[PADDED](a, b) == pytest.approx(by_the_formula(*squares), abs=1e-5)
    assert PROTOCOLS[PADDED](a, b) > PROTOCOLS[PLAIN](a, b) + 0.05
    for protocol in PROTOCOLS.values():
        assert protocol(a, a) == pytest.approx(1.0, abs=1e-6)
        with pytest.raises(ValueError, match="published figures"):
            protocol(a[:128], b[:128])


def test_flat_pictures_have_a_likeness_known_beforehand() -> None:
    grey, light = (np.full((256, 176, 3), level, np.uint8) for level in (100, 200))
    flat = (2 * 100 * 200 + C1) / (100**2 + 200**2 + C1)
    found = likeness(grey, light, (10, 10, 60, 60))
    assert found[PLAIN] == pytest.approx(flat, abs=1e-4)
    assert found[BOX] == pytest.approx(flat, abs=1e-4)
    # Of the 246 columns that count, 60 see white alone, 20 see both, and 166 the pictures alone.
    at_seams = PROTOCOLS[PADDED](grey, light) * 246 - 60 - 166 * flat
    assert 0 < at_seams < 20
    assert found[BOX] == round(ssim(grey, light, (10, 10, 60, 60)), 4)


def test_garments_that_are_not_found_again_are_lost(person_of: Callable[[Figure], Person]) -> None:
    person = person_of(draw_figure("standing", OUTFITS["print_tee"], (288, 384)))
    photo = person.photo.rgb
    same = garments(person, photo, person, 1.0)
    assert same["garments"] == len(same["fidelity"]) >= 2
    for colour, texture in same["fidelity"].values():
        assert (colour, texture) == (pytest.approx(0, abs=1.0), pytest.approx(1, abs=0.1))
    undressed = replace(person, parsing=np.minimum(person.parsing, 2))
    assert garments(person, photo, undressed, 1.0) == {"garments": same["garments"], "fidelity": {}}
    assert garments(person, photo, None, 1.0)["fidelity"] == {}
    dyed = garments(person, np.asarray(255 - photo, np.uint8), person, 1.0)
    assert min(colour for colour, _ in dyed["fidelity"].values()) > 20


def test_every_row_has_every_column() -> None:
    case = Case("pg2", Path("001.png"), Path("001.png"))
    record = {"drawn": True, "status": "doubtful", "pck": 0.5}
    sides = {"ours": 0.6, "published": 0.7, "source": 0.5}
    compared = record | {side: dict.fromkeys((PLAIN, PADDED, BOX), value) for side, value in sides.items()}
    rows = table({"mine": ({case.key: compared}, {}), "teaching": ({case.key: record}, {})}, [case])
    assert {tuple(row) for row in rows} == {("measure", "mine", "teaching", "published", "source")}
    by_name = {row["measure"]: list(row.values())[1:] for row in rows}
    assert by_name["peak memory, MB"] == [None] * 4
    assert by_name["pg2: doubtful"] == [1, 1, None, None]
    assert by_name[f"pg2: {PADDED}"] == [0.6, None, 0.7, 0.5]
