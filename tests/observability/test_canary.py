"""The search for canaries finds what was hidden on purpose, in every place and every disguise, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from canaries import CHUNK, Canary, Places, core_files, find

PHOTO = Canary("photo", b"\xff\xd8\xff" + secrets.token_bytes(16))
KEY = Canary("key", f'tryon_"{secrets.token_urlsafe(12)}ä'.encode())
BOTH = (PHOTO, KEY)


def test_clean_places_are_clean(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(secrets.token_bytes(3 * CHUNK))
    places = Places(
        texts={"log": "GET /v1/renders 200", "metrics": b"tryon_http_requests_total 1.0"},
        spans=["span"],
        folders=[tmp_path],
        processes=[os.getpid()],
    )
    assert find(places, BOTH) == []


@pytest.mark.parametrize("canary", BOTH, ids=lambda canary: canary.name)
@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz" * 7])
def test_every_disguise_is_seen_through(canary: Canary, before: bytes) -> None:
    data = before + canary.marker + b"behind"
    disguises = {
        "as it is": data,
        "base64": base64.b64encode(data),
        "base64, for URLs": base64.urlsafe_b64encode(data),
        "hexadecimal": data.hex(),
        "HEXADECIMAL": data.hex().upper(),
        "percent": urllib.parse.quote_from_bytes(data),
        "repr": repr(data),
    }
    if canary is KEY:
        disguises |= {"json": json.dumps(data.decode()), "utf-16": data.decode().encode("utf-16-le")}
    assert find(Places(texts=disguises), BOTH) == sorted(f"{canary.name}: {name}" for name in disguises)


def test_spans(tmp_path: Path) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the otel extra is not installed")
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("test")
    innocent, guilty = tracer.start_span("call"), tracer.start_span("call")
    guilty.add_event("leak", {"value": KEY.marker.decode()})
    assert find(Places(spans=[innocent, guilty]), BOTH) == ["key: span 1"]


def test_folders_to_their_last_corner(tmp_path: Path) -> None:
    deep = tmp_path / "a" / ".hidden"
    deep.mkdir(parents=True)
    (deep / "across").write_bytes(bytes(CHUNK - 5) + PHOTO.marker)  # over the edge of two chunks
    (deep / f"{KEY.marker.hex()}.jpg").touch()
    with sqlite3.connect(tmp_path / "index.db") as database:
        database.execute("create table photos (data blob)")
        database.execute("insert into photos values (?)", (PHOTO.marker,))
    database.close()
    assert find(Places(folders=[tmp_path]), BOTH) == [
        f"key: name of {deep}/{KEY.marker.hex()}.jpg",
        f"photo: {deep}/across",
        f"photo: {tmp_path}/index.db",
    ]
    with pytest.raises(NotADirectoryError):
        find(Places(folders=[tmp_path / "nowhere"]), BOTH)


def test_files_of_a_process_that_have_no_name_any_more(tmp_path: Path) -> None:
    code = (
        "import os, sys, tempfile\n"
        f"data = bytes.fromhex({PHOTO.marker.hex()[::-1]!r}[::-1])\n"  # backwards: the script itself shows nothing
        f"deleted = tempfile.TemporaryFile(dir={str(tmp_path)!r}); deleted.write(data); deleted.flush()\n"
        "memory = os.memfd_create('scratch'); os.write(memory, data)\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        hits = find(Places(processes=[process.pid]), BOTH)
        assert len(hits) == 2
        assert f"({tmp_path}/" in hits[0]
        assert "(/memfd:scratch" in hits[1]
        assert f"photo: memory of {process.pid}" in find(Places(processes=[process.pid], memory=True), BOTH)
        process.communicate()


def test_core_files_are_known_by_name_and_by_content(tmp_path: Path) -> None:
    (tmp_path / "core.123").touch()
    (tmp_path / "dump").write_bytes(b"\x7fELF" + bytes(12) + b"\x04\0")
    (tmp_path / "program").write_bytes(b"\x7fELF" + bytes(12) + b"\x03\0")
    assert {path.name for path in core_files([tmp_path])} == {"core.123", "dump"}


def test_markers_that_are_too_short_are_not_believed() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        Canary("photo", b"short")
    with pytest.raises(ValueError, match="nothing to look for"):
        find(Places(texts={"log": ""}), [])
