"""Bad starts for real: a process of its own says one line, ends with 2 in time, and leaves nothing.

tests/test_preflight.py has the other faults, in one process.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tryon_service.zoo.store import default_root

ROOT = Path(__file__).parents[2]
SECONDS = 2.0
"""That a bad start may take."""
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for a socket's path, and others may enter it."""
    made = Path(tempfile.mkdtemp(prefix="tryon-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def refused(command: str, variables: dict[str, str], **options: object) -> tuple[str, float]:
    """The one line of a command that can't start, and the seconds of CPU that it took: the machine has other work."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("TRYON_") or "ZOO" in name}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "tryon_service", command],
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}, cwd=ROOT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, **options,
    )  # type: ignore[call-overload]  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", ["serve", "engine", "gateway"])
def test_a_misspelt_setting(folder: Path, command: str) -> None:
    line, seconds = refused(command, {"TRYON_DATA": str(folder / "data"), "TRYON_PROT": "80"})
    assert line.startswith("tryon: TRYON_PROT: ")
    assert seconds < SECONDS
    assert list(folder.iterdir()) == []


def test_a_port_in_use(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        line, seconds = refused(
            "gateway", {"TRYON_DATA": str(folder / "data"), "TRYON_PORT": str(other.getsockname()[1])}
        )
    assert line.startswith("tryon: TRYON_PORT: ")
    assert seconds < SECONDS
    assert list(folder.iterdir()) == []


def test_a_damaged_network_stops_the_service_from_starting(folder: Path) -> None:
    files = sorted(default_root().glob("*.tflite"))
    if not files:
        pytest.skip("no fetched networks in the zoo")
    (folder / "zoo").mkdir()
    for file in files:
        shutil.copy(file, folder / "zoo")
    damaged = folder / "zoo" / files[-1].name
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    variables = {"TRYON_DATA": str(folder / "data"), "TRYON_ZOO_DIR": str(folder / "zoo"), "TRYON_PORT": "0"}
    line, seconds = refused("serve", variables)
    assert str(damaged) in line
    assert "'tryon zoo pull" in line
    assert seconds < SECONDS
    assert {path.name for path in folder.iterdir()} == {"zoo"}


def test_no_permission_on_the_data_folder(folder: Path) -> None:
    folder.chmod(0o555)
    line, seconds = refused("serve", {"TRYON_DATA": str(folder / "data")}, preexec_fn=heed_permissions)
    assert line.startswith("tryon: TRYON_DATA: ")
    assert "Permission denied" in line
    assert seconds < SECONDS


def heed_permissions() -> None:
    """From the next exec on, root may not write where its folders' modes say no, as nobody else may."""
    if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0 and os.geteuid() == 0:
        raise OSError("the capability can't be given up")
