"""One target under libFuzzer: python -m tests.fuzz.engine TARGET SEEDS [libFuzzer's options and folders].

Needs atheris, which brings libFuzzer. SEEDS: a folder that the target's true inputs are written to first. Campaigns are
run by tests/fuzz/campaign.py.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import atheris

INSTRUMENTED = ["tryon_service", "gunicorn", "httpcore", "httpx", "werkzeug"]
"""Packages whose branches the fuzzer sees: ours, and those that read strangers' bytes for us."""


def main() -> None:
    name, seeds, *options = sys.argv[1:]
    logging.disable()  # what is refused is logged, thousands of times a second
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.registry import load

        target = load(name)
        written = list(target.seeds())
    for number, seed in enumerate(written):
        Path(seeds, f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
