"""The README tells the truth: codes, commands and options. Run this file to write the table of codes anew."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from tryon_service.cli.main import build_parser
from tryon_service.errors import CODES

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- codes -->\n", "<!-- /codes -->"


def table() -> str:
    rows = [f"| `{code}` | {entry.http} | {entry.text} |" for code, entry in CODES.items()]
    return "\n".join(["| code | HTTP | meaning |", "|---|---|---|", *rows, ""])


def test_codes_are_listed_as_they_are() -> None:
    text = README.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == table()


def test_commands_shown_are_understood() -> None:
    shown = re.findall(r"^(?:\S*/)?tryon (.+)$", README.read_text(), re.MULTILINE)
    assert shown
    for line in shown:
        build_parser().parse_args(shlex.split(line))


def test_every_option_of_render_is_described() -> None:
    text = README.read_text()
    for option in ("--shopper", "--product", "--out", "--background", "--frame", "--size", "--report", "--debug"):
        assert f"{option}" in text


def test_two_one_line_commands_do_all_setup() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README.read_text(), re.MULTILINE)
    assert [command.rpartition("&& ")[2] for command in commands] == [
        ".venv/bin/tryon demo",
        ".venv/bin/python -m pytest",
    ]


if __name__ == "__main__":
    text = README.read_text()
    README.write_text(text[: text.index(BEGIN) + len(BEGIN)] + table() + text[text.index(END) :])
    sys.exit(0)
