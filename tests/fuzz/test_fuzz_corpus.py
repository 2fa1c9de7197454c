"""The whole corpus, every time: what was found once stays mended. And the machinery, on targets that are broken."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

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


@pytest.mark.parametrize(
    ("waste", "what"),
    [
        (lambda: bytearray(b"x") * 60_000_000, "took [0-9]+ MB"),
        (lambda: _burn(0.2), r"took 0\.[0-9] s of CPU"),
    ],
)
def test_waste_is_noticed(waste: Callable[[], object], what: str) -> None:
    with affordable(seconds=5.0, megabytes=200.0):
        waste()
    with pytest.raises(AssertionError, match=what), affordable(seconds=0.15, megabytes=20.0):
        waste()


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
