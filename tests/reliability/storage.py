"""Faults of what the service keeps: a full disk, a read-only one, damaged analyses, damaged networks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_service import ROOT, eventually, form
from tests.reliability.faults import PATIENCE, Scene
from tests.reliability.people import SIZE, People
from tests.reliability.shop import RIGHTS, problem
from tests.reliability.stage import opened, served
from tests.small_disks import fill, mounted
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.zoo.store import Store, default_root

DISK_MB = 48
"""Room for the suite's products and some analyses."""
TROUBLE = 10.0
"""Seconds."""
NEW = 99
"""Seed of a figure that no photo of the suite shows."""
NETWORK = "blazepose-landmark-full"
REFUSAL = 30.0
"""Seconds within which an engine that can't start says so."""


@contextmanager
def small_disk(people: People) -> Iterator[Scene]:
    """The data folder on a small disk of its own."""
    with (
        served(data=lambda folder: mounted(folder, DISK_MB), TRYON_CACHE_FOLDER_BYTES=str(16 << 20)) as service,
        opened(service, people) as shop,
    ):
        yield Scene(service, shop)


def fill_disk(scene: Scene) -> str:
    filler = fill(scene.service.data)
    try:
        return put_meanwhile(scene, "storage_full")
    finally:
        filler.unlink()


def make_read_only(scene: Scene) -> str:
    """Mounted over itself, so that even root can write no more through its path."""
    data = scene.service.data
    for arguments in (("--bind", data, data), ("-o", "remount,bind,ro", data)):
        subprocess.run(["mount", *arguments], check=True)
    try:
        return put_meanwhile(scene, "storage_unavailable")
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def put_meanwhile(scene: Scene, code: str) -> str:
    """Let the trouble last, and put a product in it, since the load may or may not, with a photo that isn't kept yet.
    Raises AssertionError unless that comes to this code."""
    time.sleep(TROUBLE)
    photo = encode(draw_figure("standing", OUTFITS["print_tee"], SIZE, seed=NEW).photo, "jpeg")
    with scene.service.http(scene.shop.key) as http:
        answer = http.put("/v1/products/meanwhile", files=form(photos=photo, **RIGHTS))
    scene.shop.answered += 1
    assert problem(answer) == code, f"a product that was put came to: {answer.status_code} {answer.text[:200]}"
    return f"a product that was put: {code}"


@contextmanager
def own_zoo(people: People) -> Iterator[Scene]:
    """With a copy of the zoo that may be damaged."""

    @contextmanager
    def copied(data: Path) -> Iterator[Path]:
        shutil.copytree(default_root(), data.parent / "zoo")
        yield data

    with served(data=copied, TRYON_ZOO_DIR="{folder}/zoo") as service, opened(service, people) as shop:
        yield Scene(service, shop)


def damage_analyses(scene: Scene) -> str:
    """One byte of every kept analysis, and a worker that remembers none of them."""
    files = list((scene.service.data / "cache").glob("*.analysis"))
    assert files, "no analyses are kept"
    for file in files:
        damage(file)
    os.kill(scene.service.worker(), signal.SIGKILL)
    eventually(
        "a damaged analysis is found", lambda: "is damaged and is removed" in scene.service.log.read_text(), PATIENCE
    )
    return "damaged analyses were made anew"


def damage_network(scene: Scene) -> str:
    """One byte of a network: an engine started then must refuse; a worker started then, too, until it is mended."""
    file = Store(Path(scene.service.environ["TRYON_ZOO_DIR"])).path(NETWORK)
    whole = file.read_bytes()
    damage(file)
    try:
        note = refused_start(scene, file)
        os.kill(scene.service.worker(), signal.SIGKILL)
        time.sleep(TROUBLE)
    finally:
        mended = file.with_suffix(".mended")
        mended.write_bytes(whole)
        mended.rename(file)
    return note


def refused_start(scene: Scene, file: Path) -> str:
    """What a new engine with these networks says. Raises AssertionError unless it ends and names the file."""
    service = scene.service
    variables = {
        "TRYON_DATA": str(service.folder / "other"),
        "TRYON_ENGINE": f"unix:{service.folder}/other/engine.sock",
    }
    began = time.monotonic()
    tried = subprocess.run(
        [sys.executable, "-m", "tryon_service", "engine"], env={**service.environ, **variables}, cwd=ROOT,
        capture_output=True, text=True, timeout=REFUSAL, check=False,
    )  # fmt: skip
    assert tried.returncode != 0, "it started with a damaged network"
    assert file.name in tried.stderr, f"it doesn't name the file: {tried.stderr[-500:]}"
    return f"a new engine refused to start and named the file after {time.monotonic() - began:.1f} s"


def damage(file: Path) -> None:
    """Turn round the bits of the byte in the middle, in place."""
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        (byte,) = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 0xFF]))
