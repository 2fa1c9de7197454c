"""The folder in which gunicorn's processes share their metrics. Loads no metrics library: see prepare_folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is private, under a name that can't be guessed
"""A file system in memory. The files are memory maps, and a write to one that a full disk has no room for would end
the process (SIGBUS)."""

PREFIX = "tryon-metrics-"


def prepare_folder(runtime: Path) -> Path:
    """An empty private folder, in memory where that can be had, else in runtime; named in the environment.

    Call it in the process that becomes or starts gunicorn's master, before prometheus_client is first imported there,
    which looks at the environment once. Each master has a folder of its own, so that a new one can start while an old
    one drains; folders of masters that are gone are removed. Raises OSError.
    """
    parent = MEMORY if os.access(MEMORY, os.W_OK) else runtime
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in parent.glob(f"{PREFIX}*"):
        _remove_if_left(folder)
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=parent))  # 0700
    _hold(made)
    own = made.rename(parent / made.name.removeprefix("."))
    os.environ[FOLDER_VARIABLE] = str(own)
    return own


def remove_folder() -> None:
    """The master's last act; does nothing where there is no folder."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder and Path(folder).name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _hold(folder: Path) -> None:
    """Locks the folder as long as this process or one that it forked lives, also past an exec."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(handle, True)
    fcntl.flock(handle, fcntl.LOCK_EX)


def _remove_if_left(folder: Path) -> None:
    """Other users' folders can't be opened, and those in use can't be locked."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
