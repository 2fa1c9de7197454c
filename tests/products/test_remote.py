"""The store of many machines: whole after a crash anywhere, safe between processes, clear about every trouble."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from cards import BACK, FRONT, SIDE, put, record
from redis_servers import wait_for_redis

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products import remote
from tryon_service.products.records import sha256_of
from tryon_service.products.remote import RemoteStore


def contents(path: Path) -> set[str]:
    """sha256 of the objects that are there."""
    return {file.name.partition(".")[0] for file in path.iterdir()}


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    path = tmp_path / "objects"
    path.mkdir()
    return path


@pytest.fixture
def products(objects: Path, redis_url: str) -> Iterator[RemoteStore]:
    with closing(RemoteStore(f"file://{objects}", redis_url)) as store:
        yield store


def test_an_object_is_kept_once_and_never_named_twice(objects: Path, products: RemoteStore) -> None:
    put(products, "shirt", FRONT, BACK)
    put(products, "coat", BACK)
    assert len(list(objects.iterdir())) == 2
    (first,) = objects.glob(sha256_of(FRONT) + "*")
    products.delete("acme", "shirt")
    assert contents(objects) == {sha256_of(BACK)}
    put(products, "shirt", FRONT)
    assert not first.exists(), "a late removal of the first must not hit the second"
    assert products.photos(record("shirt", FRONT)) == [FRONT]


CRASHES = """
import sys
sys.path.insert(0, sys.argv[1])
import crash_everywhere
crash_everywhere.main(*sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("what", "states"),
    [("put", "['coat shirt:new', 'coat shirt:old']"), ("delete", "['coat', 'coat shirt:old']")],
)
def test_a_process_killed_at_any_line_leaves_the_old_or_the_new(
    tmp_path: Path, redis_url: str, what: str, states: str
) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        CRASHES,
        str(Path(__file__).parent),
        "remote",
        what,
        str(tmp_path),
        redis_url,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines, found = done.stdout.strip().split(" ", 1)
    assert found == states
    assert int(lines) > 30


HAMMER = """
import random, sys
sys.path.insert(0, sys.argv[1])
from cards import BACK, FRONT, SIDE, record
from tryon_service.errors import TryonError
from tryon_service.products.remote import RemoteStore
products, rng = RemoteStore(sys.argv[2], sys.argv[3]), random.Random(int(sys.argv[4]))
created = deleted = 0
for _ in range(100):
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


def test_several_processes_may_write_at_once(objects: Path, products: RemoteStore, redis_url: str) -> None:
    arguments = [str(Path(__file__).parent), f"file://{objects}", redis_url]
    command = [sys.executable, "-W", "error", "-c", HAMMER, *arguments]
    running = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    created = deleted = 0
    for process in running:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        created += int(out.split()[0])
        deleted += int(out.split()[1])
    kept = [one for store in ("acme", "other") for one in products.list(store)[0]]
    assert created - deleted == len(kept), "every creation and every deletion happened once"
    assert contents(objects) == {photo.sha256 for one in kept for photo in one.photos}
    for one in kept:
        products.photos(one)


def interrupted(products: RemoteStore, monkeypatch: pytest.MonkeyPatch, between: Callable[[], object]) -> None:
    """Between reading the record and changing it, others do something, once."""
    change, calls = products._change, []

    def late(*arguments: object) -> object:
        if not calls:
            calls.append(None)
            between()
        return change(*arguments)

    monkeypatch.setattr(products, "_change", late)


@pytest.mark.parametrize("other", ["put", "delete"])
def test_a_change_that_others_interrupt_begins_again(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch, other: str, redis_url: str
) -> None:
    put(products, "shirt", FRONT, BACK)
    with closing(RemoteStore(f"file://{objects}", redis_url)) as others:
        interrupted(
            products,
            monkeypatch,
            lambda: put(others, "shirt", SIDE) if other == "put" else others.delete("acme", "shirt"),
        )
        change = products.put("acme", record("shirt", FRONT), [FRONT])
        assert change.created == (other == "delete")
        assert change.unused == ((sha256_of(SIDE),) if other == "put" else ())
        assert others.photos(others.get("acme", "shirt")) == [FRONT]
    assert contents(objects) == {sha256_of(FRONT)}


def test_a_photo_that_others_give_up_meanwhile_is_uploaded(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    put(products, "coat", FRONT)
    with closing(RemoteStore(f"file://{objects}", redis_url)) as others:
        interrupted(products, monkeypatch, lambda: others.delete("acme", "coat"))
        put(products, "shirt", FRONT)
        assert others.photos(others.get("acme", "shirt")) == [FRONT]


def test_an_upload_that_nobody_finished_goes_after_an_hour(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(products, "_change", no_answer)
        with pytest.raises(UnavailableError):
            put(products, "shirt", FRONT)
    put(products, "coat", BACK)
    assert contents(objects) == {sha256_of(FRONT), sha256_of(BACK)}, "it might still be going on"
    monkeypatch.setattr(remote, "ABANDONED_S", 0)
    put(products, "hat", BACK)
    assert contents(objects) == {sha256_of(BACK)}


def test_who_was_thought_to_have_given_up_uploads_again(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    """A machine asleep for hours between its upload and its record loses the upload, and says so."""
    with closing(RemoteStore(f"file://{objects}", redis_url)) as others:
        monkeypatch.setattr(remote, "ABANDONED_S", 0)
        interrupted(products, monkeypatch, lambda: put(others, "coat", BACK))
        with pytest.raises(UnavailableError) as caught:
            put(products, "shirt", FRONT)
        assert caught.value.code == "conflict"
    assert [one.id for one in products.list("acme")[0]] == ["coat"]
    put(products, "shirt", FRONT)
    assert products.photos(products.get("acme", "shirt")) == [FRONT]


def no_answer(*_: object) -> None:
    raise UnavailableError("storage_unavailable")


class BrokenError(Exception):
    """What a backend's own library raises."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), "storage_full"),
        (PermissionError("denied"), "storage_unavailable"),
        (BrokenError("could not connect to the endpoint"), "storage_unavailable"),
    ],
)
def test_photos_that_can_not_be_stored_leave_what_was(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    put(products, "shirt", FRONT)

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(products._objects._files, "pipe_file", fail)
        broken.setattr(products._objects._files, "cat_file", fail)
        for call in (lambda: put(products, "shirt", SIDE), lambda: products.photos(record("shirt", FRONT))):
            with pytest.raises(UnavailableError) as caught:
                call()
            assert caught.value.code == code
            assert str(error) not in caught.value.public_text
    assert products.photos(products.get("acme", "shirt")) == [FRONT]


def test_a_photo_that_can_not_be_removed_goes_later(
    products: RemoteStore, objects: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(products, "shirt", FRONT)

    def fail(*_: object) -> None:
        raise PermissionError("denied")

    with monkeypatch.context() as broken:
        broken.setattr(products._objects._files, "rm_file", fail)
        assert products.delete("acme", "shirt").unused == (sha256_of(FRONT),)
    assert "may still be there" in caplog.text
    put(products, "coat", BACK)
    assert contents(objects) == {sha256_of(BACK)}


def test_a_redis_that_goes_and_comes_back(tmp_path: Path, objects: Path, caplog: pytest.LogCaptureFixture) -> None:
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        url = f"unix://{folder}/redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", folder]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        with closing(RemoteStore(f"file://{objects}", url)) as products:
            for expected in ("unavailable", "there"):
                if expected == "unavailable":
                    for call in (lambda: put(products, "a", FRONT), lambda: products.list("acme")):
                        with pytest.raises(UnavailableError) as caught:
                            call()
                        assert caught.value.code == "storage_unavailable"
                        assert folder not in caught.value.public_text
            for turn in range(2):
                server = start(command)
                try:
                    wait_for_redis(url)
                    assert len(products.list("acme")[0]) == turn
                    put(products, f"shirt-{turn}", FRONT)
                finally:
                    server.kill()
                    server.wait(60)
                with pytest.raises(UnavailableError):
                    products.get("acme", "shirt-0")


def start(command: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("no redis-server is installed (Debian: redis-server)")


def test_a_redis_without_memory_is_full(products: RemoteStore, redis_url: str) -> None:
    put(products, "shirt", FRONT)
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(UnavailableError) as caught:
                put(products, "coat", BACK)
        finally:
            client.config_set("maxmemory", 0)
    assert caught.value.code == "storage_full"
    assert products.photos(products.get("acme", "shirt")) == [FRONT]
    put(products, "coat", BACK)


@pytest.mark.parametrize(
    ("url", "index_url", "variable"),
    [
        ("nothing-known://user:secret@bucket", "redis://localhost", "TRYON_STORE_URL"),
        ("memory://", "http://user:secret@localhost", "TRYON_INDEX_URL"),
        ("memory://", "", "TRYON_INDEX_URL"),
    ],
)
def test_a_url_that_can_not_be_used_is_named_and_not_repeated(url: str, index_url: str, variable: str) -> None:
    with pytest.raises(InputError) as caught:
        RemoteStore(url, index_url)
    assert (caught.value.code, caught.value.field) == ("invalid_option", variable)
    assert "secret" not in caught.value.public_text
    assert os.sep + "bucket" not in caught.value.public_text
