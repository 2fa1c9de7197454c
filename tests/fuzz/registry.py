"""The targets by name: each a module with check(data), which raises where a promise is broken, seeds() and WORDS."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

FOLDER = Path(__file__).parent
CORPUS = FOLDER / "corpus"
"""A folder for each target: inputs that once broke a promise, and those that reach what no other does."""
NAMES = tuple(sorted(path.stem for path in (FOLDER / "targets").glob("*.py")))


class Target(Protocol):
    """WORDS: byte strings that mean something to what is tried, for the fuzzer to put in."""

    WORDS: tuple[bytes, ...]

    def check(self, data: bytes) -> None:
        """Try one input. Raises anything at all if a promise is broken."""

    def seeds(self) -> Iterator[bytes]:
        """True inputs, and some that are nearly so, to begin with."""


def load(name: str) -> Target:
    """name: one of NAMES, or a module's whole name."""
    return cast(Target, import_module(name if "." in name else f"tests.fuzz.targets.{name}"))


def kept(name: str) -> list[Path]:
    """The target's files in the corpus, in order."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
