"""`tryon demo --shop` as a person runs it: it opens, says what can't be tried on, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from real_service import DEADLINE, ROOT, eventually, family, free_port

from tryon_service.cli.demo_service import listen
from tryon_service.cli.main import main
from tryon_service.errors import ZooError
from tryon_service.figures import draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.zoo.store import Store

Started = tuple[subprocess.Popen[bytes], Path]
OPEN = re.compile(r"The shop is open at (http://127\.0\.0\.1:\d+) .* the service is at (http://127\.0\.0\.1:\d+)\.")


@pytest.fixture
def networks() -> None:
    """Skips where there are none: nothing could be served."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """One product that can be tried on, one whose photo shows nobody, and one without its photo."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    figure = draw_figure("standing", size=(384, 512)).photo
    (folder / "tee.jpg").write_bytes(encode(figure, "jpeg"))
    (folder / "wall.jpg").write_bytes(encode(figure[:40, :40].repeat(8, 0).repeat(8, 1), "jpeg"))
    file = folder / "catalogue.csv"
    file.write_text("product_id,view,file\ntee,front,tee.jpg\nwall,front,wall.jpg\nlost,front,lost.jpg\n")
    return file


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files; its path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="tryon-") as name:
        yield Path(name)


@pytest.fixture
def started(tmp_path: Path, temporary: Path, catalogue: Path, networks: None) -> Iterator[Started]:
    """The command, told to end when the test hasn't done so, and the file with what it says."""
    log = tmp_path / "demo.log"
    options = ["--shop", "--catalogue", str(catalogue), "--port", "0", "--service-port", "0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tryon_service", "demo", *options],
            stdout=stream, stderr=stream, cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)},
        )  # fmt: skip
    try:
        yield process, log
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()


def test_it_opens_says_what_is_refused_and_leaves_nothing(started: Started, temporary: Path) -> None:
    process, log = started
    eventually("an open shop", lambda: OPEN.search(log.read_text()) or process.poll() is not None, 2 * DEADLINE)
    said = log.read_text()
    found = OPEN.search(said)
    assert found, said
    assert re.search(r"3 +wall +product +no_\w+", said), said
    assert re.search(r"4 +lost +photos\[0\] +invalid_option", said), said
    shop, service = found.groups()
    listing = httpx.get(shop, timeout=DEADLINE).text
    assert re.findall(r'href="/p/(\w+)"', listing) == ["tee", "wall", "lost"]
    assert re.findall(r'data-tryon-product="(\w+)"', listing) == ["tee"]

    given = httpx.post(f"{shop}/tryon-token", json={"products": ["tee"]}, headers={"Origin": shop}, timeout=DEADLINE)
    page = {"Authorization": f"Bearer {given.json()['token']}", "Origin": shop}
    wanted = {"pose": "name:standing", "product_ids": ["tee"]}
    signed = httpx.post(f"{service}/v1/render-urls", json=wanted, headers=page, timeout=DEADLINE)
    assert signed.headers["Access-Control-Allow-Origin"] == shop
    picture = httpx.get(signed.json()["links"][0]["url"], timeout=DEADLINE)
    assert picture.headers["Content-Type"] == "image/jpeg"

    processes = family(process.pid)
    assert len(processes) > 3, "the service is below it"
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0, log.read_text()
    eventually("the end of the service", lambda: not any(Path(f"/proc/{one}").exists() for one in processes))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("option", ["--port", "--service-port"])
def test_a_port_in_use_is_said_in_one_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"--port": "--service-port", "--service-port": "--port"}[option]
    with listen(0, option) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", "--shop", option, str(port), other, str(free_port())]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tryon: {option}: ")
    assert f"port {port} can't be listened on" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--port", "8000"], "--port"),
        (["--data", "kept"], "--data"),
        (["--shop", "--port", "70000"], "--port"),
        (["--shop", "--port", "0", "--service-port", "-1"], "--service-port"),
        (["--shop", "--port", "0", "--service-port", "0", "--catalogue", "nowhere.csv"], "catalogue"),
        (["--shop", "--port", "0", "--service-port", "0", "--data", "/dev/null/kept"], "--data"),
    ],
)
def test_wrong_usage_names_the_option(argv: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *argv]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tryon: {named}: ")
    assert said.count("\n") == 1
