"""`tryon batch`: a whole run with the real networks, what is refused before any work, and being interrupted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fake_pipeline
import pytest
from PIL import Image
from small_catalogue import Shop

from tryon_service.batch import local
from tryon_service.batch.ledger import open_ledger
from tryon_service.batch.progress import Progress
from tryon_service.batch.rows import CATALOGUE, NAMES
from tryon_service.cli.main import main
from tryon_service.errors import UnavailableError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline

Command = Callable[..., int]


@pytest.fixture
def command(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """With a worker that has no networks."""
    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(local, "LocalPool", partial(local.LocalPool, opening=fake_pipeline.open_fake))

    def run(*arguments: str, rights: str = "contract 7") -> int:
        wanted = {"--catalogue": str(shop.write()), "--photos": str(shop.photos), "--out": str(tmp_path / "out")}
        wanted |= {"--poses": "standing", "--workers": "1", "--rights-reference": rights}
        wanted |= dict(zip(arguments[::2], arguments[1::2], strict=True))
        return main(["batch", *(word for pair in wanted.items() for word in pair)])

    return run


def test_a_catalogue_is_rendered_with_the_real_networks(
    shop: Shop, tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pipeline.default_renderer
    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "data"))
    shop.add("shirt")
    (shop.photos / "1.jpg").write_bytes(encode(draw_figure("standing", OUTFITS["print_tee"], (192, 256)).photo, "jpeg"))
    out, kept = tmp_path / "out", tmp_path / "analyses"
    line = ["batch", "--catalogue", str(shop.write()), "--photos", str(shop.photos), "--out", str(out)]
    line += ["--cache", str(kept)]
    line += ["--poses", "standing", "--workers", "1", "--rights-reference", "contract 7", "--table", "jsonl"]
    assert main(line) == 0
    said = capsys.readouterr()
    assert "report.html; every row is in" in said.out
    (analysis,) = kept.glob("*.analysis")
    assert "1 of 1 pictures" in said.err
    row = json.loads((out / "results.jsonl").read_text())
    assert list(row) == [*NAMES, f"{CATALOGUE}colour"]
    assert row["status"] in ("rendered", "doubtful"), row["detail"]
    with Image.open(out / row["output"]) as picture:
        assert picture.size == (row["width"], row["height"]) == (192, 256)
    with Image.open(out / "poses.png") as preview:
        assert preview.format == "PNG"
    assert main(line) == 0
    assert "1 of them from before" in capsys.readouterr().out
    before = analysis.stat().st_mtime_ns
    assert main([*line, "--again", "rendered,doubtful"]) == 0
    assert [analysis] == list(kept.glob("*.analysis"))
    assert analysis.stat().st_mtime_ns > before, "what was kept has not been read"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--catalogue", "none.csv"), "none.csv"),
        (("--catalogue", __file__), "is none of .csv"),
        (("--photos", "nowhere"), "no folder 'nowhere'"),
        (("--poses", "sitting"), "none of the house poses"),
        (("--out", "/proc/out"), "Nothing can be written"),
        (("--out", "s3://bucket/cards"), "--state"),
        (("--background", "transparent"), "JPEG has no transparency"),
        (("--background", "shopper"), "A pose has no background"),
        (("--renderer", "nonsense"), "nonsense"),
        (("--again", "everything"), "rendered,doubtful,refused,failed"),
        (("--workers", "0"), "not a number from 1"),
        (("--size", "big"), "WIDTHxHEIGHT"),
        (("--metrics-file", "cards.txt"), "before .prom"),
        (("--metrics-file", "/nowhere/cards.prom"), "can't be written"),
    ],
)
def test_what_cant_be_is_said_before_any_work(
    command: Command, shop: Shop, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    shop.add("a")
    assert command(*arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert shop.rendered() == []


def test_a_catalogue_without_rights_is_asked_about(
    command: Command, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.add("a")
    assert command(rights="") == 2
    assert "--rights-reference" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: " ")
    assert command(rights="") == 2
    monkeypatch.setattr("builtins.input", lambda _: " contract 9 ")
    assert command("--table", "jsonl", rights="") == 0
    row = json.loads((tmp_path / "out" / "results.jsonl").read_text())
    assert (row["rights_reference"], row["rights_confirmed"]) == ("contract 9", True)


def test_ctrl_c_lets_the_item_in_flight_finish(
    command: Command, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        shop.add(f"p{number}")
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "show", lambda _: os.kill(os.getpid(), signal.SIGINT))
        patch.setattr("tryon_service.batch.progress.Lines.show", Progress.show)
        patch.setattr("sys.argv", ["tryon", "batch", "--out", "my cards"])
        assert command("--table", "jsonl") == 130
    said = capsys.readouterr().err
    assert "Finishing what is in flight" in said
    assert "Go on with: tryon batch --out 'my cards'" in said
    assert signal.getsignal(signal.SIGINT) == before
    begun = len(shop.rendered())
    assert 1 <= begun < 20
    assert command("--table", "jsonl") == 0
    assert begun + len(shop.rendered()) == 20


def test_a_run_that_fails_says_how_to_go_on(
    command: Command, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.add("a")

    class Full:
        def __init__(self, *_: object, **__: object) -> None: ...

        def render(self, *_: object) -> None:
            raise UnavailableError("storage_full", "'out' is full.", "--out")

    monkeypatch.setattr(local, "LocalPool", Full)
    assert command() == 1
    said = capsys.readouterr().err
    assert "code storage_full" in said
    assert "Go on with: tryon" in said


def test_two_runs_dont_share_a_folder(
    command: Command, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.add("a")
    with open_ledger(tmp_path / "out" / ".run"):
        assert command() == 1
    assert f"Process {os.getpid()} on" in capsys.readouterr().err


def test_machines_read_progress_on_standard_output(
    command: Command, shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add("a")
    monkeypatch.setattr("tryon_service.cli.batch.resuming", lambda: pytest.fail("it was not interrupted"))
    line = ["--catalogue", str(shop.write()), "--photos", str(shop.photos), "--out", str(shop.folder / "out")]
    assert main(["batch", *line, "--poses", "standing", "--rights-reference", "r", "--json-progress"]) == 0
    rows = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert rows[-1]["done"] == rows[-1]["total"] == 1
    assert rows[-1]["statuses"] == {"rendered": 1}


def test_prometheus_reads_progress_in_a_file(command: Command, shop: Shop, tmp_path: Path) -> None:
    shop.add("a")
    file = tmp_path / "spring.prom"
    assert command("--metrics-file", str(file), "--table", "jsonl") == 0
    text = file.read_text()
    assert 'tryon_batch_state{run="spring",state="complete"} 1.0' in text
    assert 'tryon_batch_rows{run="spring",status="rendered"} 1.0' in text
    assert command("--metrics-file", str(file), "--table", "jsonl", "--photos", str(tmp_path / "none")) == 2
    assert file.read_text() == text, "a command that began nothing has changed it"
