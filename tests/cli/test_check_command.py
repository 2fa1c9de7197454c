"""tryon check: a catalogue looked at here, as a table and as a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.cli import main as cli
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline

HEAD = "id,photos,views,rights_reference\n"


@pytest.fixture
def shop(tmp_path: Path, product_png: bytes, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`pipeline` skips where there are no networks."""
    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "data"))
    (tmp_path / "figure.png").write_bytes(product_png)
    (tmp_path / "blank.png").write_bytes(encode(np.full((400, 300, 3), 200, np.uint8), "png"))
    return tmp_path / "catalogue.csv"


def check(*argv: str | Path) -> int:
    return cli.main(["check", *map(str, argv)])


def test_good_and_bad_cards(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write_text(HEAD + "good,blank.png|figure.png,,r\nbad,blank.png,,r\nno id,figure.png,,r\nlost,none.png,,r\n")
    assert check(shop, "--page", tmp_path / "page.html") == cli.REFUSED
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in out[1:5]] == [["2", "good"], ["3", "bad"], ["4", "no"], ["5", "lost"]]
    assert out[1].split()[2:5] == ["good", "2", "front"]
    assert out[2].split()[2] == "unusable"
    assert any(line.startswith("bad: Photo 1: The product photo shows no person") for line in out)
    assert any(line.startswith("lost: Photo 1: There is no file") for line in out)
    text = (tmp_path / "page.html").read_text()
    assert text.count("<img") == 1
    assert "1 good, 3 unusable" in text


def test_a_catalogue_that_is_fine(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write_text(HEAD + "good,figure.png,front,r\n")
    assert check(shop) == cli.OK
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("page", ["none/page.html", "."])
def test_a_page_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path / "none.csv", "--page", tmp_path / page) == cli.USAGE
    assert "--page" in capsys.readouterr().err
