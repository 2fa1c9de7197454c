"""`tryon perceive` with other backends: how a surface map is written, and what is said where one can't be had."""

from __future__ import annotations

import importlib.util
import inspect
import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tryon_service.analysis import Analyst
from tryon_service.cli.main import FAILED, USAGE, main
from tryon_service.cli.perceive import BACKENDS, surface_png
from tryon_service.perception.base import SurfaceMap


def test_defaults_are_the_analysts() -> None:
    parameters = inspect.signature(Analyst.__init__).parameters
    assert {name: parameters[name].default for name in BACKENDS} == BACKENDS


def test_chart_u_and_v_are_red_green_and_blue() -> None:
    parts, uv = np.zeros((4, 3), np.uint8), np.zeros((4, 3, 2), np.float32)
    parts[1, 2], uv[1, 2] = 24, (1.0, 0.5)
    picture = PIL.Image.open(io.BytesIO(surface_png(SurfaceMap(parts, uv), (6, 8))))
    assert (picture.size, picture.mode) == ((6, 8), "RGB")
    assert picture.getpixel((5, 3)) == (24, 255, 128)
    assert picture.getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("option", ["pose", "matter", "parser", "device"])
def test_a_backend_that_is_not_there_is_named(
    option: str, tmp_path: Path, product_png: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.png").write_bytes(product_png)
    files = [str(tmp_path / "photo.png"), "--json", str(tmp_path / "person.json")]
    assert main(["perceive", *files, f"--{option}", "nothing"]) == USAGE
    assert f"{option}: " in capsys.readouterr().err
    assert not (tmp_path / "person.json").exists()


@pytest.mark.skipif(importlib.util.find_spec("densepose") is not None, reason="DensePose is built here")
def test_what_is_to_be_built_for_a_surface_map_is_said(
    tmp_path: Path, product_png: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.png").write_bytes(product_png)
    surface, person = tmp_path / "surface.png", tmp_path / "person.json"
    assert main(["perceive", str(tmp_path / "photo.png"), "--json", str(person), "--surface", str(surface)]) == FAILED
    assert "projects/DensePose" in capsys.readouterr().err
    assert not surface.exists()
