"""What isn't whole, or isn't as this release writes it, is never taken for a backup."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from cards import FRONT
from made_backups import checked, made

from tryon_service.errors import InputError
from tryon_service.products.backup import MANIFEST, opened
from tryon_service.products.backup_files import backup_file
from tryon_service.products.records import sha256_of


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        checked(path)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "FILE")
    return caught.value.detail


def test_a_backup_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = made(tmp_path).read_bytes()
    for length in (0, 1, 22, 100, *range(1000, len(whole), 997), len(whole) - 1):
        assert "can't be used" in refused(tmp_path / "cut.zip", whole[:length])


def test_a_wrong_byte_anywhere_changes_nothing_unnoticed(tmp_path: Path) -> None:
    file = made(tmp_path)
    whole, truth, unnoticed = file.read_bytes(), checked(file), 0
    for at in range(0, len(whole), 61):
        wrong = tmp_path / "wrong.zip"
        wrong.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with contextlib.suppress(InputError), opened(backup_file(str(wrong))) as backup:
            backup.check()
            assert backup.manifest == truth
            unnoticed += 1
    assert unnoticed < at / 61 / 4, "of what no reader needs, such as times"


def test_a_photo_that_is_another_is_refused(tmp_path: Path) -> None:
    """Of the same length, and a whole file for every other tool."""
    stream = io.BytesIO()
    with zipfile.ZipFile(made(tmp_path)) as archive, zipfile.ZipFile(stream, "w") as other:
        for info in archive.infolist():
            content = archive.read(info)
            other.writestr(info, content.replace(b"front", b"fr0nt"))
    assert sha256_of(FRONT)[:12] in refused(tmp_path / "other.zip", stream.getvalue())


def test_what_does_not_belong_there_is_refused(tmp_path: Path) -> None:
    file = made(tmp_path)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../../etc/passwd", "")
    with pytest.raises(InputError, match="not what its manifest lists"):
        checked(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2, "release": "9.0"}, "of version 2, by release 9.0; this release reads version 1"),
        ({"version": 0}, "of version 0"),
        ({"format": "tryon batch"}, "not a backup of products"),
        ({"products": 4}, "the counts are wrong"),
        ({"records": [{"store": "../x", "digest": "", "record": {}}]}, "damaged"),
        ({"records": None}, "damaged"),
        ({"taken_at": "soon"}, "damaged"),
    ],
)
def test_a_manifest_that_this_release_does_not_know_is_refused_by_name(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    assert words in refused(tmp_path / "other.zip", with_manifest(made(tmp_path), changes))


@pytest.mark.parametrize("damage", ["twice", "digest", "unknown field", "size"])
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path: Path, damage: str) -> None:
    file = made(tmp_path)
    with zipfile.ZipFile(file) as archive:
        content = json.loads(archive.read(MANIFEST))
    records = content["records"]
    if damage == "twice":
        records[1] = records[0]
    elif damage == "digest":
        records[0]["digest"] = records[1]["digest"]
    elif damage == "unknown field":
        records[0]["record"]["price"] = 7
    else:
        records[0]["record"]["photos"][0]["bytes"] += 1
        content["bytes"] += 1
    assert "damaged" in refused(tmp_path / "other.zip", with_manifest(file, content))


def with_manifest(file: Path, changes: dict[str, object]) -> bytes:
    """The backup with these entries of its manifest changed, and otherwise as it was."""
    stream = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(stream, "w") as other:
        for info in archive.infolist():
            content = archive.read(info)
            if info.filename == MANIFEST:
                content = json.dumps({**json.loads(content), **changes}).encode()
            other.writestr(info, content)
    return stream.getvalue()


def test_a_manifest_of_untold_size_is_not_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b" " * (1 << 24))
    assert "no backup" in refused(tmp_path / "bomb.zip", stream.getvalue())
