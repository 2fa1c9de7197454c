"""API keys: made, shown once, refused in every wrong form, ended at once in every process."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hand_clock import Clock

from tryon_service.access.keys import ApiKey, KeyStore
from tryon_service.errors import AccessError, InputError, UnavailableError


def test_a_key_is_its_store_and_scopes(keys: KeyStore) -> None:
    made, text = keys.create("shop-1", ["render", "products"], name="website")
    assert text.startswith(f"tryon_{made.id}_")
    assert keys.authenticate(text) == made
    assert (made.store, made.scopes, made.name) == ("shop-1", {"render", "products"}, "website")


def test_only_a_hash_is_kept_in_a_private_file(keys: KeyStore, tmp_path: Path) -> None:
    _, text = keys.create("shop", ["render"])
    secret = text.split("_", 2)[2]
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in content
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in content
    assert stat.S_IMODE((tmp_path / "keys.db").stat().st_mode) == 0o600
    assert len(secret) >= 43  # 256 bits


def test_wrong_keys(keys: KeyStore) -> None:
    key, text = keys.create("shop", ["render"])
    _, other = keys.create("shop", ["render"])
    secret = text.split("_", 2)[2]
    wrong = [
        "",
        "tryon_",
        "tryon__",
        text[:-1],
        text + "x",
        text.upper(),
        " " + text,
        text.replace("tryon_", "tryon-"),
        f"tryon_{key.id}_",
        f"tryon_{key.id}",
        f"{key.id}_{secret}",
        f"tryon_{other.split('_')[1]}_{secret}",
        f"tryon_{hashlib.sha256(secret.encode()).hexdigest()}",
        f"tryon_{key.id}_{hashlib.sha256(secret.encode()).hexdigest()}",
        "tryon_' OR 1=1 --_x",
        "tryon_\x00_\udcff",
        "tryon_ü_ü",
    ]
    for text_ in wrong:
        with pytest.raises(AccessError) as caught:
            keys.authenticate(text_)
        assert caught.value.code == "unauthorized"
        assert caught.value.detail == "", "it must not say what was wrong"


def test_two_are_valid_at_once_and_one_is_revoked(keys: KeyStore, clock: Clock) -> None:
    old, old_text = keys.create("shop", ["render"])
    _, new_text = keys.create("shop", ["render"])
    assert keys.authenticate(old_text).store == keys.authenticate(new_text).store == "shop"
    clock.now += 5
    assert keys.revoke(old.id).revoked == clock.now
    keys.authenticate(new_text)
    with pytest.raises(AccessError):
        keys.authenticate(old_text)
    with pytest.raises(AccessError):
        keys.active(old.id)
    first = clock.now
    clock.now += 5
    assert keys.revoke(old.id).revoked == first, "the first time counts"


def test_a_key_expires(keys: KeyStore, clock: Clock) -> None:
    made, text = keys.create("shop", ["render"], ttl=60)
    clock.now += 59.9
    assert keys.authenticate(text) == made
    clock.now += 0.2
    with pytest.raises(AccessError):
        keys.authenticate(text)
    assert keys.list() == [made], "it is still listed"


def test_revoking_reaches_another_process_at_once(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys.db")
    key, text = keys.create("shop", ["render"])
    code = (
        "import sys; from pathlib import Path; from tryon_service.access.keys import KeyStore\n"
        "from tryon_service.errors import AccessError\n"
        "keys = KeyStore(Path(sys.argv[1]))\n"
        "for text in sys.stdin:\n"
        "    try: print(keys.authenticate(text.strip()).store, flush=True)\n"
        "    except AccessError as error: print(error.code, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "keys.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        answers = []
        for revoke in (False, True):
            if revoke:
                keys.revoke(key.id)
            other.stdin.write(text + "\n")
            other.stdin.flush()
            answers.append(other.stdout.readline().strip())
        other.stdin.close()
    assert answers == ["shop", "unauthorized"]


def test_listing(keys: KeyStore, clock: Clock) -> None:
    made: list[ApiKey] = []
    for store in ("b", "a", "b"):
        clock.now += 1
        made.append(keys.create(store, ["render"])[0])
    assert keys.list() == made
    assert keys.list("b") == [made[0], made[2]]
    assert keys.list("none") == []


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("store", {"store": ""}),
        ("store", {"store": "Shop"}),
        ("store", {"store": "-shop"}),
        ("store", {"store": "a" * 64}),
        ("store", {"store": "shop\n"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["render", "everything"]}),
        ("name", {"name": "n" * 101}),
        ("name", {"name": "a\nb"}),
        ("ttl", {"ttl": 0.0}),
        ("ttl", {"ttl": float("nan")}),
        ("ttl", {"ttl": float("inf")}),
    ],
)
def test_nonsense_names_its_field(keys: KeyStore, field: str, changes: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        keys.create(**{"store": "shop", "scopes": ["render"], **changes})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert keys.list() == []


def test_revoking_what_is_not_there(keys: KeyStore) -> None:
    with pytest.raises(InputError, match="no key 'nothing'"):
        keys.revoke("nothing")


def test_a_damaged_file_is_our_failure_not_the_callers(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys.db")
    _, text = keys.create("shop", ["render"])
    (tmp_path / "keys.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(UnavailableError) as caught:
        keys.authenticate(text)
    assert caught.value.code == "storage_unavailable"


def test_a_file_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    KeyStore(path).create("shop", ["render"])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match=r"keys\.db was written by a later release.* version 7.* up to 1"):
        KeyStore(path)
    assert path.read_bytes() == before


def test_a_file_from_before_versions_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    _, text = KeyStore(path).create("shop", ["render"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    assert KeyStore(path).authenticate(text).store == "shop"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_writer_that_died_leaves_nothing_half_done(keys: KeyStore, tmp_path: Path) -> None:
    _, text = keys.create("shop", ["render"])
    code = (
        "import os, sqlite3, sys; connection = sqlite3.connect(sys.argv[1]);"
        "connection.execute('UPDATE keys SET revoked = 1'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "keys.db")], check=False).returncode == -9
    assert keys.authenticate(text).revoked is None


def test_processes_that_start_together_make_one_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tryon_service.access.keys import KeyStore; sys.stdin.readline();"
        "print(KeyStore(Path(sys.argv[1])).create('shop', ['render'])[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new/keys.db")]
    racing = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    texts = [process.communicate("go\n", timeout=60)[0].strip() for process in racing]
    keys = KeyStore(tmp_path / "new/keys.db")
    assert {keys.authenticate(text).store for text in texts} == {"shop"}
    assert len(keys.list()) == 6


def test_a_reader_waits_for_a_writer(keys: KeyStore, tmp_path: Path) -> None:
    import threading

    _, text = keys.create("shop", ["render"])
    writer = sqlite3.connect(tmp_path / "keys.db", check_same_thread=False)
    writer.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.2, writer.rollback)
    release.start()
    assert keys.authenticate(text).store == "shop"
    release.join()
    writer.close()
