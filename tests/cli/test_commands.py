"""The commands on drawn figures: what they write, what they say, how they exit."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.cli.main import main
from tryon_service.evaluation.base import SHOPPERS, spread
from tryon_service.pipeline import Pipeline
from tryon_service.types import Part


@pytest.fixture
def folder(tmp_path: Path, pipeline: Pipeline, product_png: bytes, shopper_png: bytes) -> Path:
    """With the photos product.png and shopper.png."""
    (tmp_path / "product.png").write_bytes(product_png)
    (tmp_path / "shopper.png").write_bytes(shopper_png)
    return tmp_path


def render(folder: Path, *more: str, shopper: str = "shopper.png", out: str = "out.png") -> int:
    files = ["--shopper", str(folder / shopper), "--product", str(folder / "product.png"), "--out", str(folder / out)]
    return main(["render", *files, "--report", str(folder / "report.json"), *more])


def test_render_writes_picture_report_and_debug(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(folder, "--debug", str(folder / "debug"), "--size", "300x400") == 0
    with Image.open(folder / "out.png") as picture:
        assert picture.size == (300, 400)
    assert json.loads((folder / "report.json").read_text())["verdict"] == "accepted"
    names = {path.name for path in (folder / "debug").iterdir()}
    assert {"shopper-skeleton.png", "product-parsing.png", "product-matte.png", "target.png"} <= names
    assert any(name.startswith("layer-") for name in names)
    said = capsys.readouterr()
    assert said.err == ""


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_the_suffix_chooses_the_format(folder: Path, suffix: str) -> None:
    assert render(folder, out=f"out.{suffix}") == 0
    with Image.open(folder / f"out.{suffix}") as picture:
        assert picture.format == {"jpg": "JPEG"}.get(suffix, suffix.upper())


def test_a_refusal_leaves_out_alone_and_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (300, 400), "grey").save(folder / "empty.png")
    (folder / "out.png").write_bytes(b"from before")
    assert render(folder, shopper="empty.png") == 3
    assert (folder / "out.png").read_bytes() == b"from before"
    assert json.loads((folder / "report.json").read_text())["reasons"][0]["code"] == "no_person"
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("(code no_person)")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "not_an_image"), (b"plain text", "not_an_image"), (b"GIF89a" + bytes(50), "unsupported_format")],
)
def test_a_bad_photo_is_refused_with_a_report(
    folder: Path, data: bytes, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.jpg").write_bytes(data)
    assert render(folder, shopper="bad.jpg") == 3
    assert not (folder / "out.png").exists()
    assert json.loads((folder / "report.json").read_text())["reasons"][0] | {"part": ""} == {
        "code": code,
        "photo": "shopper",
        "part": "",
        "value": None,
        "limit": None,
    }
    assert capsys.readouterr().err.rstrip().endswith(f"(code {code})")


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"shopper": "missing.png"}, ()),
        ({"shopper": "."}, ()),
        ({"out": "no/such/folder/out.png"}, ()),
        ({"out": "."}, ()),
        ({"out": "out.gif"}, ()),
        ({"out": "out.jpg"}, ("--background", "transparent")),
        ({}, ("--background", "blue")),
        ({}, ("--renderer", "magic")),
        ({}, ("--size", "0x0")),
    ],
)
def test_wrong_usage_exits_2(
    folder: Path, options: dict[str, str], changed: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(folder.iterdir())
    assert render(folder, *changed, **options) == 2
    assert set(folder.iterdir()) == before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("tryon: ")


def test_perceive_writes_at_the_photos_size(folder: Path) -> None:
    out = {
        name: folder / f"{name}.{'json' if name == 'json' else 'png'}"
        for name in ("json", "overlay", "parsing", "matte")
    }
    options = [part for name, path in out.items() for part in (f"--{name}", str(path))]
    assert main(["perceive", str(folder / "shopper.png"), *options]) == 0
    person = json.loads(out["json"].read_text())
    assert (person["width"], person["height"]) == (384, 512)
    assert np.array(person["landmarks"]).shape == (33, 4)
    assert np.array(person["coco18"]).shape == (18, 3)
    left, top, right, bottom = person["box"]
    assert 0 <= left < right <= 384
    assert 0 <= top < bottom <= 512
    with Image.open(out["parsing"]) as parsing:
        assert parsing.mode == "P"
        assert parsing.size == (384, 512)
        ids = set(np.unique(np.asarray(parsing)).tolist())
    assert {Part.BACKGROUND, Part.UPPER} <= ids <= set(Part)
    with Image.open(out["matte"]) as matte:
        assert (matte.mode, matte.size) == ("L", (384, 512))
    with Image.open(out["overlay"]) as overlay:
        assert overlay.size == (384, 512)


def test_perceive_measures_in_the_upright_files_pixels(folder: Path, shopper_png: bytes) -> None:
    """A photo larger than what perception looks at, and turned by EXIF, gives points in its own upright pixels."""
    with Image.open(io.BytesIO(shopper_png)) as photo:
        large = photo.convert("RGB").resize((384 * 5, 512 * 5)).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    large.save(folder / "large.jpg", exif=exif)
    for name in ("shopper.png", "large.jpg"):
        parsing = str(folder / f"{name}.parsing.png")
        assert main(["perceive", str(folder / name), "--json", str(folder / f"{name}.json"), "--parsing", parsing]) == 0
    small, big = (json.loads((folder / f"{name}.json").read_text()) for name in ("shopper.png", "large.jpg"))
    assert (big["width"], big["height"]) == (1920, 2560)
    apart = np.array(big["landmarks"])[:, :2] / 5 - np.array(small["landmarks"])[:, :2]
    assert np.median(np.abs(apart)) < 2
    with Image.open(folder / "large.jpg.parsing.png") as image:
        assert image.size == (1920, 2560)


def test_demo_says_where_the_picture_is(tmp_path: Path, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo.png")]) == 0
    assert str(tmp_path / "demo.png") in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"demo.png", "demo-strip.png"}


def test_zoo_lists_and_verifies(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "list"]) == 0
    assert re.search(r"^blazepose-detector  [0-9a-f]{8}  present ", capsys.readouterr().out, re.MULTILINE)
    assert main(["zoo", "verify", "blazepose-detector"]) == 0
    assert "verified" in capsys.readouterr().out


def test_evaluate_needs_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for data, suite in ((tmp_path / "none", "identity"), (tmp_path, "identity"), (tmp_path, "beauty")):
        assert main(["evaluate", suite, "--data", str(data), "--out", str(tmp_path / "out")]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_evaluate_measures_no_other_renderer_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["evaluate", "identity", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*command, "--renderer", "beauty"]) == 2
    assert "warp+refine" in capsys.readouterr().err, "what there is"
    monkeypatch.setattr("tryon_service.renderers.refine.NETWORK", "no-such-network")
    assert main([*command, "--renderer", "warp+refine"]) == 1
    assert "network_missing" in capsys.readouterr().err


def test_training_says_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "parser", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert ("There is no folder" if importlib.util.find_spec("torch") else "tryon-service[neural]") in said
    assert not (tmp_path / "run").exists()


def test_the_module_runs_like_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tryon_service", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("tryon ")


def test_spread_takes_evenly() -> None:
    paths = [Path(str(index)) for index in range(365)]
    assert spread(paths, 5) == [Path(name) for name in ("0", "73", "146", "219", "292")]
    assert spread(paths[:3], 5) == paths[:3]
    assert paths[:: len(paths) // SHOPPERS][:SHOPPERS] == paths[::9][:40]
