"""A `tryon batch` run through the service while a fault is injected: the work of a shop that must not be lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.real_service import ROOT, Service
from tests.reliability.people import People

CARDS = 4
POSES = ("standing", "contrapposto", "walking")
STORE = "batch"
"""Not the shop's, whose use is counted."""
TIMES = 3
"""That the command is given at most: a run that the service's absence ended goes on where it was."""
PATIENCE = 180.0
"""Seconds for a run."""
DONE = {"rendered", "doubtful", "refused"}


class Job:
    """A run of the command. times: how often it was given."""

    def __init__(self, folder: Path, server: str, key: str, photos: list[bytes]) -> None:
        self.rows, self.times = len(photos) * len(POSES), 0
        self._out, self._log = folder / "out", folder / "log"
        catalogue = folder / "catalogue.csv"
        for number, photo in enumerate(photos):
            (folder / f"{number}.jpg").write_bytes(photo)
        lines = [f"card-{number},front,{number}.jpg" for number in range(len(photos))]
        catalogue.write_text("\n".join(["product_id,view,file", *lines, ""]))
        self._command = [
            sys.executable, "-m", "tryon_service", "batch", "--catalogue", str(catalogue), "--poses", *POSES,
            "--out", str(self._out), "--table", "jsonl", "--rights-reference", "2026-114", "--server", server,
            "--workers", "1",
        ]  # fmt: skip
        self._environ = {**os.environ, "TRYON_API_KEY": key}
        self._give()

    def missing(self) -> int:
        """Rows that are not there, when the command has been given as often as it takes."""
        while True:
            code = self._ended()
            missing = self.rows - sum(row["status"] in DONE for row in self._table())
            if (code == 0 and not missing) or self.times == TIMES:
                return missing
            self._give()

    @property
    def begun(self) -> bool:
        """Whether it has made a picture. Raises AssertionError if it can't be made to."""
        if self._process.poll() not in (None, 0):
            assert self.times < TIMES, f"the batch run ended: {self._log.read_text()[-300:]}"
            self._give()
        return any(self._out.glob("*/*.jpg"))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _give(self) -> None:
        self.times += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environ, stdout=log, stderr=log)

    def _ended(self) -> int:
        """Its exit code; a run that takes too long is killed."""
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.end()
            return self._process.returncode

    def _table(self) -> list[dict[str, str]]:
        table = self._out / "results.jsonl"
        return [json.loads(line) for line in table.read_text().splitlines()] if table.exists() else []


@contextmanager
def job(service: Service, people: People) -> Iterator[Job]:
    with TemporaryDirectory(prefix="tryon-job-") as folder:
        made = Job(
            Path(folder), service.url, service.key("render,products", STORE), [*people.cards, *people.changes][:CARDS]
        )
        try:
            yield made
        finally:
            made.end()
