"""The locks of the images: whole, hashed, what pyproject.toml asks for; and the gateway runs on its own lock alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from locks import LOCKS, ROOT, declared, named, read_lock, versions
from packaging.utils import canonicalize_name
from real_service import DEADLINE, FIRST_START, Service, eventually, put_product, render

NAMES = sorted(path.stem for path in LOCKS.glob("*.txt"))
EXTRAS = {"engine": ("scale", "otel"), "engine-cuda": ("scale", "otel", "neural")}
NOT_IN_THE_GATEWAY = {"ai-edge-litert", "onnxruntime", "opencv-python-headless", "pillow", "pillow-heif", "torch"}


def test_there_is_a_lock_for_each_image_and_one_for_building() -> None:
    assert NAMES == ["build", "engine", "engine-cuda", "gateway"]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_one_version_with_hashes(name: str) -> None:
    lock = read_lock(name)
    assert lock
    for one in lock:
        assert one.version, one
        assert one.hashes, one
        assert all(len(found) == 64 and set(found) <= set("0123456789abcdef") for found in one.hashes), one
        assert one.requirement.url is None, one


@pytest.mark.parametrize("name", EXTRAS)
def test_the_engines_locks_hold_what_the_package_asks_for(name: str) -> None:
    locked = versions(name)
    for wanted in declared(*EXTRAS[name]):
        found = locked.get(canonicalize_name(wanted.name))
        assert found, f"{wanted.name} is not in {name}.txt; run deploy/locks/make"
        assert wanted.specifier.contains(found, prereleases=True), f"{wanted}, and {name}.txt has {found}"


def test_gateway_and_engine_have_the_same_versions() -> None:
    engine = versions("engine")
    assert all(engine[name] == version for name, version in versions("gateway").items())


def test_the_gateways_needs_are_among_the_packages() -> None:
    asked = {canonicalize_name(one.name) for one in declared(*EXTRAS["engine"])}
    assert named("gateway.in") <= asked
    assert named("gateway.in") <= set(versions("gateway"))
    assert not NOT_IN_THE_GATEWAY & set(versions("gateway"))


def test_the_gateway_starts_and_answers_with_its_lock_alone(tmp_path: Path) -> None:
    script = Path(__file__).with_name("only_locked.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=300, check=False, cwd=script.parent
    )
    assert done.returncode == 0, done.stderr[-3000:]
    used = set(json.loads(done.stdout))
    assert used <= set(versions("gateway"))
    assert named("gateway.in") <= used, "what nothing imports needn't be installed"


@pytest.mark.soak
def test_the_gateway_renders_from_an_environment_of_its_lock(
    tmp_path: Path, shopper_png: bytes, product_png: bytes
) -> None:
    """Its own environment, as in the image; the engine is this one's."""
    python = _installed(tmp_path / "env")
    folder = tmp_path / "s"
    folder.mkdir()
    service = Service(folder)
    try:
        service.start("engine")
        with service.log.open("ab") as log:
            gateway = subprocess.Popen(
                [python, "-m", "tryon_service", "gateway"], env=service.environ, stdout=log, stderr=log, cwd=folder
            )
        service.processes.append(gateway)
        service.wait_ready(FIRST_START)
        made = [python, "-m", "tryon_service", "keys", "create", "--store", "a", "--scopes", "render,products"]
        key = subprocess.run(made, env=service.environ, capture_output=True, text=True, check=True, cwd=folder)
        with service.http(key.stdout.strip()) as http:
            put_product(http, "shirt", product_png)
            answer = render(http, shopper=shopper_png, product_id="shirt")
            assert answer.status_code == 200, answer.text
            assert answer.content.startswith(b"\xff\xd8")
            eventually("metrics", lambda: "tryon" in http.get("/metrics").text, DEADLINE)
    finally:
        codes = service.stop()
    assert codes == [0, 0], service.log.read_text()[-2000:]


def _installed(folder: Path) -> str:
    """A new environment's Python, with the gateway's lock and this package; skips where no package can be had."""
    python = str(folder / "bin" / "python")
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_RETRIES": "1"}

    def pip(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "pip", "install", "-q", *words],
            env=environ, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip

    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    done = pip("--require-hashes", "-r", str(LOCKS / "gateway.txt"))
    if done.returncode:
        reached = pip("--dry-run", "pip")
        if reached.returncode:
            pytest.skip("no package index: the gateway's environment was not made, nor run")
    assert done.returncode == 0, done.stderr
    done = pip("--no-deps", str(ROOT))
    assert done.returncode == 0, done.stderr
    return python
