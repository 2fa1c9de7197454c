"""The widget's built files are the ones that its sources make, and stay light."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

import tryon_service

PACKAGE = Path(tryon_service.__file__).parent
SOURCES = PACKAGE / "widget"
BUILT = PACKAGE / "gateway" / "static"
FOLDERS = ("widget/v1", "admin")
EAGER, LAZY = BUILT / "widget/v1/tryon.js", BUILT / "widget/v1/flow.js"
MAX_EAGER = 15_000
"""Bytes, gzipped, that a shop's page loads before anybody clicks."""
MAX_LAZY = 40_000
"""Bytes, gzipped, that the first click waits for."""
SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "<style")
"""What Trusted Types and a policy without 'unsafe-inline' would stop."""
STORES = ("document.cookie", "localStorage", "indexedDB")
"""Where nothing of a shopper's is to be kept: longer than the visit."""
DEADLINE = 60
"""Seconds for a build, which takes half of one."""


@pytest.fixture(scope="module")
def node() -> str:
    """Skips where nothing can be built."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("no Node: the widget can't be built")
    if not (SOURCES / "node_modules").is_dir():
        pytest.skip(f"no node_modules: run npm ci in {SOURCES.relative_to(PACKAGE.parent)}")
    return found


def test_built_files_are_those_of_the_sources(node: str, tmp_path: Path) -> None:
    command = [node, "build.mjs", "--out", str(tmp_path)]
    build = subprocess.run(command, check=False, cwd=SOURCES, capture_output=True, text=True, timeout=DEADLINE)
    assert build.returncode == 0, build.stderr
    assert build.stderr == "", "esbuild warns"
    for folder in FOLDERS:
        made, committed = files(tmp_path / folder), files(BUILT / folder)
        assert made.keys() == committed.keys(), folder
        stale = [name for name in made if made[name] != committed[name]]
        assert not stale, f"npm run build in {SOURCES.relative_to(PACKAGE.parent)}: {stale} of {folder}"


@pytest.mark.parametrize(("file", "limit"), [(EAGER, MAX_EAGER), (LAZY, MAX_LAZY)])
def test_light_enough_for_any_shop(file: Path, limit: int) -> None:
    assert len(gzip.compress(file.read_bytes(), mtime=0)) <= limit


def test_card_asks_for_the_flow_by_its_content() -> None:
    digest = hashlib.sha256(LAZY.read_bytes()).hexdigest()[:16]
    assert f"flow.js?v={digest}" in EAGER.read_text()


@pytest.mark.parametrize("file", [EAGER, LAZY])
def test_no_sink_and_no_lasting_store(file: Path) -> None:
    code = file.read_text()
    assert not [sink for sink in SINKS if sink in code]
    assert not [store for store in STORES if store in code]


def test_card_carries_its_own_words_only() -> None:
    code = EAGER.read_text()
    assert "See it in your pose" in code
    assert "Посмотреть в вашей позе" in code
    assert "consent." not in code


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
