"""`tryon dataset build pairs`: wrong arguments are named; what a shop has becomes a dataset that opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tryon_service.cli.main import OK, USAGE, main
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline
from tryon_service.training import pairs
from tryon_service.training.portraits import open_portraits


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--catalogue", "CSV", "--limit", "0"], "--limit"),
        (["--catalogue", "CSV", "--per-owner", "0"], "--per-owner"),
        (["--catalogue", "CSV", "--workers", "-1"], "--workers"),
        (["--catalogue", "/nowhere.csv"], "--catalogue"),
        (["--video", "/nowhere.mp4"], "--video"),
        (["--deepfashion", "/nowhere"], "--deepfashion"),
        (["--video", "CSV"], "can't be read as a video"),
    ],
)
def test_wrong_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text("product_id,view,file\na,front,a.jpg\n")
    given = [str(catalogue) if argument == "CSV" else argument for argument in arguments]
    assert main(["dataset", "build", "pairs", "--out", str(tmp_path / "out"), *given]) == USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--catalogue", "a.csv", "--video", "b.mp4"],
        ["--video", "b.mp4", "--size", "64"],
        ["--video", "b.mp4", "--window", "1,2,3"],
        ["--video", "b.mp4", "--window", "0,0,0,8"],
    ],
)
def test_arguments_that_make_no_sense_are_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert main(["dataset", "build", "pairs", "--out", str(tmp_path), *arguments]) == USAGE


def test_drawn_photos_become_pairs(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the real networks, in this process."""

    @contextmanager
    def inline(_workers: int) -> Iterator[object]:
        yield SimpleNamespace(map=map)

    monkeypatch.setattr(pairs, "maker_pool", inline)
    monkeypatch.setattr(pairs, "analyst", lambda: pipeline)
    for pose in ("standing", "hand_on_hip"):
        figure = draw_figure(pose, OUTFITS["checked_shirt"], (288, 384))
        (tmp_path / f"{pose}.png").write_bytes(encode(figure.photo, "png"))
    lines = ["product_id,view,file", "a,front,standing.png", "a,,hand_on_hip.png", "a,front,gone.png", ",,x.png"]
    (tmp_path / "catalogue.csv").write_text("\n".join([*lines, "b,front,../catalogue.csv"]) + "\n")
    command = ["dataset", "build", "pairs", "--catalogue", str(tmp_path / "catalogue.csv")]
    assert main([*command, "--out", str(tmp_path / "out"), "--size", "88x128"]) == OK
    said = capsys.readouterr().out
    assert "2 self, 2 views" in said
    assert "without a portrait: 1 blocked_url, 1 missing_field, 1 not_found" in said
    people = open_portraits(tmp_path / "out")
    assert people.size == (88, 128)
    assert people.manifest.options["rights_reference"] == "not stated"
    one, other = (people.read(name) for name in people.portraits("train"))
    assert {one.view, other.view} == {"front", None}
    assert one.seen.sum() > 20
