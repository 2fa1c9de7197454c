"""A fuzzing run of one target: bounded in time and memory, repeatable by its seed, its finding made small and kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import shrink
from tests.fuzz.distil import distil
from tests.fuzz.registry import kept, load

LONGEST_INPUT = 8192
"""Bytes; the true inputs are shorter, and what is long is slow."""
SECONDS_OF_AN_INPUT = 25
"""After which it counts as hanging. Targets have tighter limits of their own, of CPU time."""
MEGABYTES = 2048
"""Of the whole process."""


@dataclass(frozen=True)
class Outcome:
    """found: the input that broke a promise, or None; inputs: how many were tried; kept: files added to the corpus;
    said: what the fuzzer said at its end."""

    found: bytes | None
    inputs: int
    kept: int
    said: str


def available() -> bool:
    """Whether atheris is installed."""
    return find_spec("atheris") is not None


def run(name: str, seconds: float, seed: int, corpus: Path, inputs: int = -1) -> Outcome:
    """Fuzz a target. corpus: begun with, and where a finding is kept, or else what reaches something new; inputs: how
    many at most, those of the corpus too, -1 for as many as there is time for."""
    with tempfile.TemporaryDirectory(prefix="tryon-fuzz-") as place:
        work, seeds, found = (Path(place) / folder for folder in ("work", "seeds", "found"))
        for folder in (work, seeds, found):
            folder.mkdir()
        corpus.mkdir(parents=True, exist_ok=True)
        words = Path(place) / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in load(name).WORDS))
        limits = [f"-max_total_time={max(1, round(seconds))}", f"-timeout={SECONDS_OF_AN_INPUT}"]
        limits += [f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST_INPUT}", f"-seed={seed}", f"-runs={inputs}"]
        ran = _engine(name, seeds, *limits, f"-dict={words}", f"-artifact_prefix={found}/", "-print_final_stats=1",
                      str(work), str(corpus), str(seeds))  # fmt: skip
        finding = next(iter(sorted(found.iterdir())), None)
        if finding is None and ran.returncode != 0:
            raise RuntimeError(f"the fuzzer didn't run: {ran.stdout[-2000:]}")
        if finding is not None:
            data = _smaller(name, finding)
            keep(corpus, data)
            return Outcome(data, _inputs(ran.stdout), 1, _end(ran.stdout))
        begun = [*seeds.iterdir(), *kept(name)]
        new = distil(name, [path.read_bytes() for path in begun], [path.read_bytes() for path in work.iterdir()])
        for data in new:
            keep(corpus, data)
        return Outcome(None, _inputs(ran.stdout), len(new), "")


def keep(corpus: Path, data: bytes) -> None:
    """Under the name of its content."""
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def _engine(name: str, seeds: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.engine", name, str(seeds), *options]
    together = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, **together, text=True, errors="replace", check=False)  # type: ignore[call-overload]


def _smaller(name: str, finding: Path) -> bytes:
    """The finding with all taken away that isn't needed for it, as far as that can be told in time."""
    whole = finding.read_bytes()
    command = [sys.executable, "-m", "tests.fuzz.shrink", name, str(finding)]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=2 * shrink.SECONDS)
    except subprocess.SubprocessError:
        return whole
    return finding.read_bytes()


def _inputs(said: str) -> int:
    counts = [line.split()[-1] for line in said.splitlines() if line.startswith("stat::number_of_executed_units")]
    return int(counts[-1]) if counts else 0


def _end(said: str) -> str:
    """The exception, or libFuzzer's own word for what was no exception."""
    lines = said.splitlines()
    start = next(
        (at for at, line in enumerate(lines) if "Uncaught Python exception" in line or "ERROR: lib" in line), 0
    )
    return "\n".join(lines[start : start + 40])


def _escaped(word: bytes) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)
