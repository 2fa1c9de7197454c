"""Fuzzes the places where bytes from outside come in: python -m tests.fuzz TARGET... --minutes 10

Every target (tests/fuzz/targets) states promises and tries them on inputs that atheris (libFuzzer) makes up, led by
what they reach. A run is bounded in time and memory and ends at the first broken promise, with its input made small and
kept in tests/fuzz/corpus; otherwise it keeps the few inputs that reach something new. The whole corpus is replayed by
the ordinary tests (tests/fuzz/test_fuzz_corpus.py). Exit codes: 0 nothing was found, 1 something was, 2 it can't run.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence

from tests.fuzz import campaign
from tests.fuzz.registry import CORPUS, NAMES


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=str(__doc__).partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all of {', '.join(NAMES)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target (default %(default)s)")
    parser.add_argument("--seed", type=int, help="of an earlier run, to repeat it")
    given = parser.parse_args(arguments)
    if unknown := set(given.targets) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if not campaign.available():
        _say("Fuzzing needs atheris: pip install atheris==3.0.0 (Linux on x86-64).")
        return 2
    seed = secrets.randbelow(1 << 31) or 1 if given.seed is None else given.seed
    found = [_fuzzed(name, given.minutes, seed) for name in given.targets or NAMES]
    return 1 if any(found) else 0


def _fuzzed(name: str, minutes: float, seed: int) -> bool:
    """Whether something was found."""
    began = time.monotonic()
    _say(f"{name}: {minutes:g} minutes, seed {seed}")
    outcome = campaign.run(name, 60.0 * minutes, seed, CORPUS / name)
    rate = outcome.inputs / (time.monotonic() - began)
    if outcome.found is None:
        _say(f"{name}: {outcome.inputs} inputs, {rate:.0f} a second, nothing found, {outcome.kept} kept")
        return False
    _say(f"{name}: FOUND after {outcome.inputs} inputs: {outcome.found[:200]!r}\n{outcome.said}")
    return True


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
