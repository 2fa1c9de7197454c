from __future__ import annotations

import argparse

import pytest

from tryon_service.cli import main as cli
from tryon_service.errors import InputError, RefusedError, TryonError, UnavailableError, ZooError
from tryon_service.types import Reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("invalid_option", field="--size"), cli.USAGE),
        (InputError("missing_field", field="product"), cli.USAGE),
        (InputError("not_an_image", field="shopper"), cli.REFUSED),
        (InputError("too_many_pixels", field="shopper"), cli.REFUSED),
        (RefusedError([Reason("no_person", "shopper")]), cli.REFUSED),
        (ZooError("network_missing"), cli.FAILED),
        (UnavailableError("deadline_exceeded"), cli.FAILED),
        (ZeroDivisionError("oops"), cli.FAILED),
        (KeyboardInterrupt(), cli.INTERRUPTED),
    ],
)
def test_exit_codes_and_one_line(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(cli.zoo, "run", fail)
    assert cli.main(["zoo", "list"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    if isinstance(error, KeyboardInterrupt):
        assert lines == []
        return
    assert len(lines) == 1
    assert lines[0].startswith("tryon: ")
    assert lines[0].endswith(f"(code {error.code if isinstance(error, TryonError) else 'internal'})")


def test_verbose_shows_the_trace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli.zoo, "run", fail)
    assert cli.main(["zoo", "list", "--verbose"]) == cli.FAILED
    assert "ZeroDivisionError: oops" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["render", "--shopper", "a.jpg"],
        ["render", "--shopper", "a", "--product", "b", "--out", "c.png", "--colour", "red"],
        ["render", "--shopper", "a", "--product", "b", "--out", "c.png", "--size", "0x10"],
        ["render", "--shopper", "a", "--product", "b", "--out", "c.png", "--size", "wide"],
        ["render", "--shopper", "a", "--product", "b", "--out", "c.png", "--frame", "none"],
        ["zoo", "burn"],
    ],
)
def test_wrong_usage_is_one_line_too(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == cli.USAGE
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("tryon: ")
    assert "(code invalid_option)" in said.err


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["render", "--help"]])
def test_help_is_a_success(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == cli.OK
    assert capsys.readouterr().out
