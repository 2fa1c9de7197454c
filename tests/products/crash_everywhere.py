"""Kills a process at every line of a change to a product store, one line after another, and looks at what is left.

    main("folder" or "remote", "open", "put" or "delete", folder, redis_url)

writes the number of lines and the states that were found: the products that are there, and whether the shirt's photos
are the old ones. To be run in a process of its own, because it forks and mustn't share its threads with anybody.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tryon_service.products.base import ProductStore
from tryon_service.products.folder import FolderStore
from tryon_service.products.records import ProductRecord, photo_record, sha256_of

OURS = os.sep + os.path.join("tryon_service", "products") + os.sep
PURE = ("base.py", "records.py")
"""Modules that change nothing outside: dying in one is dying in the line that called it."""
OLD, NEW, COAT = [b"front" * 1000, b"back" * 1000], [b"side" * 1000, b"back" * 1000], [b"back" * 1000]


class InFolder:
    """The store in a folder; a copy of the same base before every crash."""

    def __init__(self, root: Path) -> None:
        self.base, self.path = root / "base", root / "products"
        with closing(FolderStore(self.base)) as products:
            begin(products)

    def reset(self, empty: bool) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if not empty:
            shutil.copytree(self.base, self.path)

    def open(self) -> ProductStore:
        return FolderStore(self.path)

    def check(self, photos: set[str]) -> None:
        assert {file.name for file in (self.path / "photos").rglob("*") if file.is_file()} == photos


class Remote:
    """Photos in a folder behind file://, index in Redis."""

    def __init__(self, root: Path, redis_url: str) -> None:
        import redis

        from tryon_service.products import remote

        remote.ABANDONED_S = 0
        self.module, self.base, self.path, self.url = remote, root / "base", root / "objects", redis_url
        self.redis = redis.Redis.from_url(redis_url, decode_responses=True)
        self.path.mkdir()
        with closing(self.open()) as products:
            begin(products)
        self.path.rename(self.base)
        with redis.Redis.from_url(redis_url) as client:
            self.dumps = {key: client.dump(key) for key in client.scan_iter()}

    def reset(self, empty: bool) -> None:
        self.redis.flushall()
        shutil.rmtree(self.path, ignore_errors=True)
        if empty:
            self.path.mkdir()
        else:
            shutil.copytree(self.base, self.path)
            for key, content in self.dumps.items():
                self.redis.restore(key, 0, content)
        self.redis.close()

    def open(self) -> ProductStore:
        return self.module.RemoteStore(f"file://{self.path}", self.url)

    def check(self, photos: set[str]) -> None:
        prefix = self.module.PREFIX
        names: Any = self.redis.hgetall(prefix + "objects")
        assert set(names) == photos
        assert {file.name for file in self.path.iterdir()} == set(names.values())
        assert self.redis.exists(prefix + "pending", prefix + "doomed") == 0
        uses: Any = self.redis.hgetall(prefix + "uses")
        records: Any = self.redis.hvals(prefix + "records:acme")
        kept = [ProductRecord.from_json(text) for text in records]
        assert uses == {one: str(sum(one in record.photo_digests for record in kept)) for one in photos}


def put(products: ProductStore, product_id: str, photos: list[bytes]) -> None:
    record = ProductRecord(product_id, tuple(photo_record(photo) for photo in photos), "contract 17")
    products.put("acme", record, photos)


def begin(products: ProductStore) -> None:
    put(products, "shirt", OLD)
    put(products, "coat", COAT)


@contextmanager
def dying_at(line: int) -> Iterator[None]:
    """Within, this process kills itself when it comes to its line-th line of the product stores."""
    passed = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal passed
        name = frame.f_code.co_filename
        if OURS not in name or name.endswith(PURE):
            return None
        passed += event == "line"
        if passed == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    yield
    sys.settrace(None)


def change(place: InFolder | Remote, what: str, line: int) -> None:
    if what == "open":
        with dying_at(line):
            place.open()
        return
    products = place.open()
    with dying_at(line):
        if what == "put":
            put(products, "shirt", NEW)
        else:
            products.delete("acme", "shirt")


def state(place: InFolder | Remote, empty: bool) -> str:
    """What is left, after it was found to be whole and to go on working."""
    with closing(place.open()) as products:
        kept = {one.id: products.photos(one) for one in products.list("acme")[0]}
        assert empty or kept["coat"] == COAT
        assert kept.get("shirt", OLD) in (OLD, NEW)
        place.check({sha256_of(photo) for photos in kept.values() for photo in photos})
        put(products, "shirt", NEW)
        assert products.photos(products.get("acme", "shirt")) == NEW
    return " ".join(f"{name}:{'old' if kept[name] == OLD else 'new'}" if name == "shirt" else name for name in kept)


def main(kind: str, what: str, root: str, *redis_url: str) -> None:
    place = InFolder(Path(root)) if kind == "folder" else Remote(Path(root), *redis_url)
    states, status = set(), -1
    for line in range(1, 5000):
        place.reset(empty=what == "open")
        child = os.fork()
        if child == 0:
            change(place, what, line)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        states.add(state(place, empty=what == "open"))
        if not os.WIFSIGNALED(status):
            break
    assert status == 0
    sys.stdout.write(f"{line} {sorted(states)}\n")
