"""A real gunicorn with several processes: its metrics add up, outlive a worker, and its logs are ours."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from canaries import Canary, Places, find
from prometheus_client.parser import text_string_to_metric_families

from tryon_service.observability import multiprocess
from tryon_service.observability.multiprocess import FOLDER_VARIABLE, prepare_folder, remove_folder

WORKERS = 3
SECRET = "hQwZ4xNv7Rt0LmYp3BkJ8a"

PROGRAM = f"""
import os, sys, time
from pathlib import Path
from tryon_service.observability.multiprocess import prepare_folder

folder = prepare_folder(Path(sys.argv[1]))
Path(sys.argv[2]).write_text(str(folder))

from gunicorn.app.base import BaseApplication
from tryon_service.observability import gunicorn as ours
from tryon_service.observability.logs import bind, log_call, set_up


def make_app():
    from tryon_service.observability.metrics import GatewayMetrics

    metrics = GatewayMetrics(["/v1/renders", "/metrics"])

    def app(environ, start_response):
        metrics.started()
        path = environ["PATH_INFO"]
        with bind(request_id="r", method=environ["REQUEST_METHOD"], route=path):
            if path == "/fail":
                raise RuntimeError("at " + environ["RAW_URI"] + " with " + environ["HTTP_AUTHORIZATION"])
            body = metrics.exposition()[0] if path == "/metrics" else str(os.getpid()).encode()
            metrics.call("GET", path, 200, 0.01)
            log_call(status=200, ms=10.0)
        start_response("200 OK", [("Content-Length", str(len(body))), ("Connection", "close")])
        return [body]

    return app


class Application(BaseApplication):
    def load_config(self):
        for name, value in dict(
            bind="127.0.0.1:0", workers={WORKERS}, threads=2, worker_class="gthread", accesslog="-",
            control_socket_disable=True,
            logger_class="tryon_service.observability.gunicorn.Logger", child_exit=ours.child_exit,
            on_exit=ours.on_exit,
        ).items():
            self.cfg.set(name, value)

    def load(self):
        return make_app()


set_up("info", sys.stderr)
Application().run()
"""


@dataclass
class Running:
    url: str
    process: subprocess.Popen[str]
    log: Path
    folder: Path

    def get(self, path: str, **headers: str) -> str:
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())

    def samples(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """By name and values of labels."""
        families = text_string_to_metric_families(self.get("/metrics"))
        return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("gunicorn")
    environ = {name: value for name, value in os.environ.items() if name != FOLDER_VARIABLE}
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder / "run"), str(folder / "named")],
            stdout=stream,
            stderr=stream,
            env=environ,
        )
    try:
        until(lambda: "Listening at" in log.read_text() or process.poll() is not None)
        listening = next(line for line in log.read_text().splitlines() if "Listening at" in line)
        url = json.loads(listening)["message"].split()[2]
        yield Running(url, process, log, Path((folder / "named").read_text()))  # type: ignore[arg-type]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert not Path((folder / "named").read_text()).exists()


def test_figures_of_all_processes_add_up_and_outlive_a_worker(gateway: Running) -> None:
    counted = ("tryon_http_requests_total", ("GET", "/v1/renders", "2xx"))
    with ThreadPoolExecutor(6) as pool:
        processes = set(pool.map(lambda _: gateway.get("/v1/renders"), range(60)))
    until(lambda: processes.add(gateway.get("/v1/renders")) or len(processes) > 1)
    before = gateway.samples()
    assert before[counted] >= 60
    assert before["tryon_http_requests_running", ()] == 1  # the scrape itself
    files = {path.name for path in gateway.folder.iterdir()}
    victim = processes.pop()
    assert f"gauge_livesum_{victim}.db" in files
    os.kill(int(victim), signal.SIGKILL)
    until(lambda: not (gateway.folder / f"gauge_livesum_{victim}.db").exists())
    assert (gateway.folder / f"counter_{victim}.db").exists()
    after = gateway.samples()
    assert after[counted] == before[counted]
    assert after["tryon_http_requests_running", ()] == 1
    assert after["tryon_gateway_memory_bytes", ()] > 1e6
    assert not any(label.isdecimal() for _, labels in after for label in labels if label in processes | {victim})


@pytest.mark.parametrize("in_memory", [True, False])
def test_each_start_has_a_private_empty_folder_and_clears_away_what_was_left(
    gateway: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "another")
    if not in_memory:
        monkeypatch.setattr(multiprocess, "MEMORY", tmp_path / "nowhere")
    runtime = tmp_path / "run"
    code = (
        "import os, sys; from pathlib import Path; from tryon_service.observability import multiprocess\n"
        f"multiprocess.MEMORY = Path({str(multiprocess.MEMORY)!r})\n"
        f"folder = multiprocess.prepare_folder(Path({str(runtime)!r})); (folder / 'counter_1.db').touch()\n"
        "print(folder, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert (done.returncode, (left / "counter_1.db").exists()) == (-signal.SIGKILL, True)
    own = [prepare_folder(runtime), prepare_folder(runtime)]
    try:
        assert not left.exists()
        assert all(folder.exists() and not list(folder.iterdir()) for folder in own)
        assert own[0].stat().st_mode & 0o777 == 0o700
        assert os.environ[FOLDER_VARIABLE] == str(own[1])
        assert (runtime in own[0].parents) != in_memory
        assert list(gateway.folder.iterdir())  # a running master's
    finally:
        remove_folder()
        shutil.rmtree(own[0])
    assert not own[1].exists()


def test_only_our_own_folder_is_ever_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    remove_folder()
    assert tmp_path.exists()


def test_a_scrape_while_a_worker_starts_finds_an_empty_file_and_carries_on(gateway: Running) -> None:
    (gateway.folder / "counter_999999.db").touch()
    try:
        assert gateway.samples()
    finally:
        (gateway.folder / "counter_999999.db").unlink()


def test_all_that_gunicorn_says_is_ours_and_holds_no_secret(gateway: Running) -> None:
    gateway.get(f"/v1/renders?sig={SECRET}", Authorization=f"Bearer {SECRET}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        gateway.get(f"/fail?sig={SECRET}", Authorization=SECRET)
    caught.value.close()
    until(lambda: "Error handling request" in gateway.log.read_text())
    text = gateway.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["logger"] for line in lines} == {"gunicorn.error", "tryon_service.calls"}
    calls = [line for line in lines if line["message"] == "call"]
    assert calls
    assert all(line["status"] == 200 and line["route"] in ("/v1/renders", "/metrics") for line in calls)
    failed = next(line for line in lines if line.get("error") == "RuntimeError")
    assert "in app" in failed["trace"]
    places = Places({"log": text, "metrics": gateway.get("/metrics")}, folders=[gateway.folder])
    assert find(places, [Canary("secret", SECRET.encode())]) == []
