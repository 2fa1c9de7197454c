"""`tryon dataset`: wrong arguments are named; a build from photos to a dataset that opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.cli.main import INTERRUPTED, OK, USAGE, main
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline
from tryon_service.training import build
from tryon_service.training.shards import SIDE, open_dataset, read_shard


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--limit", "0"], "--limit"),
        (["--per-photo", "0"], "--per-photo"),
        (["--workers", "-1"], "--workers"),
        (["--data", "/nowhere"], "--data"),
        ([], "holds no photos"),
    ],
)
def test_wrong_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["dataset", "build", "there-and-back", *folders, *more]) == USAGE
    assert said in capsys.readouterr().err


def test_an_interruption_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "build_there_and_back", interrupted)
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["dataset", "build", "there-and-back", *folders]) == INTERRUPTED
    assert capsys.readouterr().err == ""


@pytest.mark.load
def test_drawn_photos_become_a_dataset(pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the real networks in processes of their own."""
    photos = tmp_path / "ccp" / "photos"
    photos.mkdir(parents=True)
    for number, (pose, outfit) in enumerate((("standing", "print_tee"), ("hand_on_hip", "striped_long"))):
        figure = draw_figure(pose, OUTFITS[outfit], (576, 768), seed=number)
        (photos / f"{number:04d}.png").write_bytes(encode(figure.photo, "png"))
    (photos / "0009.png").write_bytes(b"no photo")
    command = ["dataset", "build", "there-and-back", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*command, "--per-photo", "1"]) == OK
    assert "without a sample: 1 not_an_image" in capsys.readouterr().out
    dataset = open_dataset(tmp_path / "out")
    samples = [sample for path in dataset.paths("held") for sample in read_shard(path)]
    assert sorted(sample.name for sample in samples) == ["ccp/0000", "ccp/0001"]
    assert all(sample.rgb.shape[0] == SIDE for sample in samples)
