"""The whole corpus, every time: what was found once stays mended. And the machinery, on targets that are broken."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.oracles import LONGEST_TEXT, affordable, edited, outcome
from tests.fuzz.registry import CORPUS, NAMES, Target, kept, load
from tests.fuzz.shrink import fault_of, smaller
from tryon_service.errors import InputError

LARGEST_CORPUS = 200_000
"""Bytes of one target's files."""
NEEDS = {"weights": "torch", "catalogue": "pyarrow"}
"""What a target can't do without, beside the base install."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is refused is logged, which is right and of no interest here."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def target(name: str) -> Target:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"the fuzzing corpus of {name} was not replayed")
    return load(name)


@pytest.mark.parametrize("name", NAMES)
def test_replay(name: str) -> None:
    found = target(name)
    for seed in found.seeds():
        found.check(seed)
    for path in kept(name):
        try:
            found.check(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"tests/fuzz/corpus/{name}/{path.name}") from error


@pytest.mark.parametrize("name", NAMES)
def test_every_target_has_a_small_corpus(name: str) -> None:
    sizes = [path.stat().st_size for path in kept(name)]
    assert len(sizes) > 0
    assert sum(sizes) <= LARGEST_CORPUS


def test_no_corpus_without_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(NAMES)


def test_a_right_refusal_is_no_finding_and_all_else_is() -> None:
    def refuse(code: str, detail: str = "") -> None:
        raise InputError(code, detail)

    assert outcome(lambda: 7) == 7
    assert outcome(lambda: refuse("invalid_pose"), "invalid_pose") is None
    with pytest.raises(AssertionError, match="refused with internal"):
        outcome(lambda: refuse("internal"), "invalid_pose")
    with pytest.raises(AssertionError, match="a text of"):
        outcome(lambda: refuse("invalid_pose", "x" * LONGEST_TEXT), "invalid_pose")
    with pytest.raises(KeyError):
        outcome(lambda: {}["x"], "invalid_pose")


WASTES = """
from tests.fuzz.oracles import affordable
for most in (200.0, 20.0):
    with affordable(seconds=30.0, megabytes=most):
        bytearray(b"x") * 120_000_000
    print(f"{most} MB allowed it")
"""


def test_wasted_memory_is_noticed() -> None:
    """In a fresh process: from one that ran other tests the system may take pages back in that very moment, and they
    make up for what is wasted."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory begins anew through /proc")
    done = subprocess.run(
        [sys.executable, "-c", WASTES], cwd=CORPUS.parents[2], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "200.0 MB allowed it\n"
    assert re.search("AssertionError: it took 1[0-9]{2} MB, at most 20.0 MB are right", done.stderr)


def test_wasted_time_is_noticed() -> None:
    with affordable(seconds=5.0, megabytes=200.0):
        _burn(0.2)
    with pytest.raises(AssertionError, match=r"took 0\.[0-9] s of CPU"), affordable(seconds=0.15, megabytes=200.0):
        _burn(0.2)


def _burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_edits() -> None:
    assert edited(b"abc", b"") == b"abc"
    assert edited(b"abc", b"\0\0\1X") == b"aXc"
    assert edited(b"abc", b"\1\0\3X" + b"\2\0\0\0") == b"bcX"
    assert edited(b"abc", b"\3\0\1\0") == b"a"
    assert edited(b"abc", b"\4\0\3\1") == b"abcab"


def test_a_finding_is_made_small() -> None:
    def check(data: bytes) -> None:
        if b"\xff" in data and data.count(b"a") >= 2:
            raise KeyError("planted")
        if b"!" in data:
            raise ValueError("another fault, which is not to be mistaken for it")

    found = b"0123456789a" * 40 + b"\xff" + b"tail" * 30
    assert sorted(smaller(check, found)) == sorted(b"aa\xff")
    assert fault_of(check, b"fine") is None
    assert smaller(check, b"fine") == b"fine"


def test_a_fault_that_takes_long_to_make_small_is_left_as_it_is() -> None:
    def check(data: bytes) -> None:
        raise KeyError("planted")

    assert smaller(check, b"x" * 100, seconds=0.0) == b"x" * 100
