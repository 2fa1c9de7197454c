"""The service's secrets: where they come from, what is derived, and that two processes agree on one file."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tryon_service.errors import InputError, UnavailableError
from tryon_service.keyring import Key, Keyring
from tryon_service.settings import Settings

OLD, NEW = Key("old", bytes(32)), Key("new", bytes(range(32)))


def written(*keys: Key) -> str:
    return ",".join(f"{key.id}:{base64.b64encode(key.secret).decode()}" for key in keys)


def test_keys_differ_by_purpose_and_secret_and_are_the_same_every_time() -> None:
    ring = Keyring((NEW, OLD))
    derived = [ring.key(purpose, key_id) for purpose in ("pose", "link") for key_id in ("new", "old")]
    assert [key_id for key_id, _ in derived] == ["new", "old"] * 2
    assert len({key for _, key in derived}) == 4
    assert {len(key) for _, key in derived} == {32}
    assert not {key for _, key in derived} & {NEW.secret, OLD.secret}
    assert [ring.key(purpose, key_id) for purpose in ("pose", "link") for key_id in ("new", "old")] == derived


def test_a_known_answer() -> None:
    """HKDF-SHA256 without salt, written out: what is out there must open after an update."""
    import hashlib
    import hmac

    extracted = hmac.new(bytes(32), NEW.secret, hashlib.sha256).digest()
    expanded = hmac.new(extracted, b"tryon/1/pose\x01", hashlib.sha256).digest()
    assert Keyring((NEW,)).key("pose") == ("new", expanded)


def test_rotation_keeps_what_is_out_and_removal_ends_it() -> None:
    before, during, after = Keyring((OLD,)), Keyring((NEW, OLD)), Keyring((NEW,))
    made = before.key("pose")
    assert during.key("pose", "old") == made
    assert during.key("pose")[0] == "new"
    with pytest.raises(KeyError):
        after.key("pose", "old")


def test_from_the_settings(tmp_path: Path) -> None:
    ring = Keyring.load(Settings(data=tmp_path, secrets=written(NEW, OLD)))
    assert ring == Keyring((NEW, OLD))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plain", "not written id:base64"),
        ("a:not base64!", "not written id:base64"),
        ("a:c2hvcnQ=", "less than 32 bytes"),
        (written(NEW, NEW), "id of its own"),
        ("a.b:" + base64.b64encode(bytes(32)).decode(), "letters and digits"),
        (":" + base64.b64encode(bytes(32)).decode(), "letters and digits"),
    ],
)
def test_nonsense_is_named_and_never_repeated(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Keyring.load(Settings(secrets=text))
    assert caught.value.field == "TRYON_SECRETS"
    for part in text.replace(":", " ").split():
        assert len(part) < 4 or part not in caught.value.detail


def test_made_once_private_and_read_again(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    ring = Keyring.load(settings)
    file = tmp_path / "data/secrets"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert Keyring.load(settings) == ring
    assert [path.name for path in file.parent.iterdir()] == ["secrets"]
    file.write_text(written(NEW).replace(",", "\n") + "\n" + file.read_text())
    assert Keyring.load(settings).keys == (NEW, *ring.keys)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tryon_service.keyring import Keyring;"
        "from tryon_service.settings import Settings;"
        "sys.stdin.readline(); print(Keyring.load(Settings(data=Path(sys.argv[1]))).key('x')[1].hex())"
    )
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = {process.communicate("go\n", timeout=60)[0] for process in racing}
    assert len(answers) == 1
    assert len(answers.pop().strip()) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


def test_who_comes_second_takes_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Keyring.load(Settings(data=tmp_path))
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as if it had looked a moment too early
    assert Keyring.load(Settings(data=tmp_path)) == first
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError) as caught:
        Keyring.load(Settings(data=tmp_path / "file"))
    assert caught.value.code == "storage_unavailable"


def test_secrets_are_never_shown() -> None:
    assert "\\x" not in repr(Keyring((NEW, OLD)))
    assert base64.b64encode(NEW.secret).decode() not in repr(Keyring((NEW,)))
