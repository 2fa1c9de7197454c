"""Every fuzzer for some inputs (FUZZ_INPUTS), and one whose target has a hole, which it has to find."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz import campaign, distil, registry
from tests.fuzz.__main__ import main
from tests.fuzz.registry import CORPUS, NAMES, load

INPUTS, SECONDS = int(os.environ.get("FUZZ_INPUTS", "500")), 120.0
SEED = int(os.environ.get("FUZZ_SEED", "1"))
"""Both the same each time: what is new is looked for by the long form, and fails nobody's change."""


@pytest.fixture(autouse=True)
def _needs_atheris() -> None:
    if not campaign.available():
        pytest.skip("nothing was fuzzed: atheris is not installed (pip install atheris==3.0.0, Linux on x86-64)")


@pytest.mark.fuzz
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found(name: str, tmp_path: Path) -> None:
    for path in registry.kept(name):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    outcome = campaign.run(name, SECONDS, SEED, tmp_path, INPUTS)
    assert outcome.found is None, f"seed {SEED}: {outcome.found!r}\n{outcome.said}"
    assert outcome.inputs > 0


@pytest.mark.fuzz
def test_a_planted_hole_is_found_and_made_small(tmp_path: Path) -> None:
    outcome = campaign.run("tests.fuzz.planted_hole", 60.0, 1, tmp_path)
    assert outcome.found == b"opensesame"
    assert "RuntimeError: planted" in outcome.said
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"opensesame"]


@pytest.mark.fuzz
def test_only_what_reaches_something_new_is_kept() -> None:
    pose = load("pose")
    true, *_ = pose.seeds()
    known, found = [b"", true], [b"", b"x", true, true + b"[", b"{}", b"[]"]
    new = distil.distil("pose", known, found)
    assert true not in new
    assert b"{}" in new or b"[]" in new
    assert distil.distil("pose", [*known, *new], found) == []


@pytest.mark.fuzz
def test_the_command_names_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == 2
    assert "no such target: nonsense" in capsys.readouterr().err
    assert CORPUS.is_dir()
