"""The store in a folder: private, whole after a crash anywhere, safe between processes."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cards import BACK, FRONT, files, put, record

from tryon_service.errors import UnavailableError
from tryon_service.products.folder import FolderStore
from tryon_service.products.records import sha256_of


def test_everything_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0)
    try:
        with contextlib.closing(FolderStore(path)) as products:
            put(products, "shirt", FRONT)
            kinds = {stat.S_IMODE(file.stat().st_mode) for file in path.rglob("*") if file.is_file()}
            folders = {stat.S_IMODE(file.stat().st_mode) for file in [path, *path.rglob("*")] if file.is_dir()}
            assert {"index.db", "index.db-wal", "index.db-shm", "lock"} <= {file.name for file in path.iterdir()}
    finally:
        os.umask(before)
    assert kinds == {0o600}
    assert folders == {0o700}


def test_a_photo_is_kept_once(path: Path, products: FolderStore) -> None:
    put(products, "shirt", FRONT, BACK)
    put(products, "coat", BACK, BACK)
    products.put("other", record("shirt", FRONT), [FRONT])
    assert files(path) == {sha256_of(FRONT), sha256_of(BACK)}
    assert (path / "photos" / sha256_of(FRONT)[:2] / sha256_of(FRONT)).read_bytes() == FRONT
    products.delete("acme", "shirt")
    products.delete("acme", "coat")
    assert files(path) == {sha256_of(FRONT)}
    products.delete("other", "shirt")
    assert files(path) == set()


def test_a_photo_with_one_wrong_bit_is_found_and_mended(path: Path, products: FolderStore) -> None:
    put(products, "shirt", FRONT)
    file = path / "photos" / sha256_of(FRONT)[:2] / sha256_of(FRONT)
    file.write_bytes(bytes([FRONT[0] ^ 1]) + FRONT[1:])
    with pytest.raises(UnavailableError) as caught:
        products.photos(record("shirt", FRONT))
    assert caught.value.code == "storage_unavailable"
    put(products, "shirt", FRONT)
    assert products.photos(record("shirt", FRONT)) == [FRONT]


def test_what_crashes_left_behind_goes_when_the_folder_is_opened(path: Path) -> None:
    with contextlib.closing(FolderStore(path)) as products:
        put(products, "shirt", FRONT)
        orphan = path / "photos" / sha256_of(BACK)[:2]
        orphan.mkdir(exist_ok=True)
        (orphan / sha256_of(BACK)).write_bytes(BACK)
        (path / "photos" / "abc.unfinished").write_bytes(b"fro")
    with contextlib.closing(FolderStore(path)) as products:
        assert files(path) == {sha256_of(FRONT)}
        assert products.photos(products.get("acme", "shirt")) == [FRONT]


CRASHES = """
import sys
sys.path.insert(0, sys.argv[1])
import crash_everywhere
crash_everywhere.main(*sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("what", "states"),
    [("open", "['']"), ("put", "['coat shirt:new', 'coat shirt:old']"), ("delete", "['coat', 'coat shirt:old']")],
)
def test_a_process_killed_at_any_line_leaves_the_old_or_the_new(tmp_path: Path, what: str, states: str) -> None:
    # No power is cut here, so the fastest disk will do.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        command = [sys.executable, "-W", "error", "-c", CRASHES, str(Path(__file__).parent), "folder", what, folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines, found = done.stdout.strip().split(" ", 1)
    assert found == states
    assert int(lines) > 30


HAMMER = """
import random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from cards import BACK, FRONT, SIDE, record
from tryon_service.errors import TryonError
from tryon_service.products.folder import FolderStore
products, rng = FolderStore(Path(sys.argv[2])), random.Random(int(sys.argv[3]))
created = deleted = 0
for _ in range(60):
    store, product_id = rng.choice(["acme", "other"]), rng.choice("ab")
    photos = rng.sample([FRONT, BACK, SIDE], rng.randint(1, 3))
    try:
        if rng.random() < 0.3:
            products.delete(store, product_id)
            deleted += 1
        else:
            created += products.put(store, record(product_id, *photos), photos).created
            products.photos(products.get(store, product_id))
    except TryonError as error:
        assert error.code in ("unknown_product", "conflict"), error
print(created, deleted)
"""


def test_several_processes_may_write_at_once(path: Path) -> None:
    """They also open the folder at once, and make it."""
    command = [sys.executable, "-W", "error", "-c", HAMMER, str(Path(__file__).parent), str(path)]
    running = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    created = deleted = 0
    for process in running:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert errors == ""
        created += int(out.split()[0])
        deleted += int(out.split()[1])
    with contextlib.closing(FolderStore(path)) as products:
        kept = [one for store in ("acme", "other") for one in products.list(store)[0]]
        assert created - deleted == len(kept), "every creation and every deletion happened once"
        assert files(path) == {photo.sha256 for one in kept for photo in one.photos}
        for one in kept:
            products.photos(one)
