"""The locks of the images as pip reads them: names, versions, markers and hashes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "deploy" / "locks"


@dataclass(frozen=True)
class Locked:
    """One line of a lock, with the sha256 of every file that pip may take for it."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """Raises AssertionError if it isn't exactly one."""
        (one,) = self.requirement.specifier
        assert one.operator == "==", self.requirement
        return one.version

    @property
    def here(self) -> bool:
        """Whether it is for this Python and this machine."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def read_lock(name: str) -> list[Locked]:
    text = re.sub(r"\\\n", " ", (LOCKS / f"{name}.txt").read_text())
    found = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            found.append(Locked(Requirement(requirement.strip()), tuple(hashes)))
    return found


def versions(name: str) -> dict[str, str]:
    """Of everything that the lock installs here."""
    return {one.name: one.version for one in read_lock(name) if one.here}


def declared(*extras: str) -> Iterator[Requirement]:
    """What pyproject.toml asks for, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in (
        *project["dependencies"],
        *(one for extra in extras for one in project["optional-dependencies"][extra]),
    ):
        yield Requirement(text)


def named(file: str) -> set[str]:
    """Names in an .in file."""
    lines = (line.partition("#")[0].strip() for line in (LOCKS / file).read_text().splitlines())
    return {canonicalize_name(Requirement(line).name) for line in lines if line}
