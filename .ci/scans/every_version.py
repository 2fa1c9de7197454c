"""Every version of every file in the history as a file of its own, for a scanner, and what the scanner found in them.

every_version.py FOLDER | every_version.py --report REPORT.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LARGEST = 1_000_000
"""Bytes; what is larger is no text of ours."""


def write(folder: Path) -> None:
    folder.mkdir()
    names = _git("rev-list", "--objects", "--all", "--no-object-names")
    about = (
        _git("cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)", given=names).decode().split("\n")
    )
    wanted = [line.split() for line in about if line.startswith("blob ")]
    texts = "".join(f"{name}\n" for _, size, name in wanted if int(size) <= LARGEST)
    blobs = _git("cat-file", "--batch", given=texts.encode())
    at = 0
    while at < len(blobs):
        end = blobs.index(b"\n", at)
        name, _, size = blobs[at:end].decode().split()
        data = blobs[end + 1 : end + 1 + int(size)]
        if b"\0" not in data:
            (folder / f"{name}.txt").write_bytes(data)
        at = end + 1 + int(size) + 1


def report(file: Path) -> int:
    found = json.loads(file.read_text())["results"]
    for name, secrets in found.items():
        for one in secrets:
            sys.stdout.write(f"{one['type']} in blob {name.removesuffix('.txt')}, line {one['line_number']}\n")
    return 1 if found else 0


def _git(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["git", *arguments], input=given, capture_output=True, check=True).stdout  # noqa: S603, S607


if __name__ == "__main__":
    if sys.argv[1] == "--report":
        sys.exit(report(Path(sys.argv[2])))
    write(Path(sys.argv[1]))
