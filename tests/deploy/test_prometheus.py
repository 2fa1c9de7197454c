"""A real Prometheus that scrapes a real service with our rules: every panel and every rule is asked, and answered."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from real_service import form, free_port, put_product, render, running
from watched import DASHBOARDS, RULES, expressions, load

from tryon_service.batch.metrics_file import EVERY, MetricsFile
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode

yaml = pytest.importorskip("yaml", reason="no PyYAML: pip install -e '.[dev]'")
pytestmark = pytest.mark.soak

SCRAPES = 8
"""A second apart, at least."""
ROUNDS = 4
"""Of calls: what is counted for the first time has no rate yet."""
LONGEST = 300.0
"""Seconds for those, on a machine that has much else to do."""
MAY_BE_EMPTY = {
    "Certificates end in",
    "Shared Redis",
    "Reasons for doubts",
    "New version",
    "Pictures a second",
    "Time left",
}
"""What this service has no reason to say anything about: no TLS, no Redis, no doubts, one version, a run that stands
still."""


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".prom": "text/plain"}  # noqa: RUF012 - the library's

    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port where the folder's files can be had, as the node exporter would hand them on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def configuration(gateway: int, engine: int, node: int) -> dict[str, Any]:
    """Ours, with these ports and a scrape every second."""
    config: dict[str, Any] = yaml.safe_load((RULES / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES / name) for name in config["rule_files"]]
    for job, port in zip(config["scrape_configs"], (gateway, engine, node), strict=True):
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    config["scrape_configs"][2]["metrics_path"] = "/cards.prom"
    return config


@contextmanager
def prometheus(config: dict[str, Any], folder: Path) -> Iterator[httpx.Client]:
    """Its HTTP API."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus (Debian's package of that name): no panel was asked of a real one")
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    options = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *options], cwd=folder, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30.0) as http:
            yield http
    finally:
        process.terminate()
        process.wait(30.0)


def ask(http: httpx.Client, expression: str) -> list[Any]:
    """What it answers. Raises AssertionError with its complaint."""
    answer = http.get("/query", params={"query": expression})
    assert answer.status_code == 200, f"{expression}: {answer.text}"
    result: list[Any] = answer.json()["data"]["result"]
    return result


def scraped(http: httpx.Client) -> bool:
    """Whether all three have been, often enough for rates."""
    try:
        counts = ask(http, f"count_over_time(up[1h]) >= {SCRAPES} and up == 1")
    except httpx.HTTPError:
        return False
    return len(counts) == 3


def a_little_of_everything(http: httpx.Client, wall: bytes, pose: str) -> None:
    """Rates need calls that go on."""
    assert render(http, pose=pose, product_id="tee").status_code == 200
    assert render(http, pose="name:standing", product_id="tee").status_code == 200
    assert render(http, pose="name:standing", product=wall).status_code == 422
    assert http.get("/v1/products", headers={"Authorization": "Bearer nobody"}).status_code == 401


def test_every_panel_and_rule_is_answered(tmp_path: Path) -> None:
    port = free_port()
    card = encode(draw_figure("standing", OUTFITS["print_tee"], (384, 512)).photo, "jpeg")
    wall = encode(np.full((512, 384, 3), 200, np.uint8), "jpeg")
    patient = {"TRYON_ITEM_TIMEOUT": "120", "TRYON_RENDER_TIMEOUT": "60"}
    began = time.time() - EVERY
    moments = itertools.chain([began], iter(time.time, None))  # a run that began long enough ago to be written
    with (
        running(TRYON_ENGINE_METRICS_PORT=str(port), **patient) as service,
        served(tmp_path) as node,
        service.http(service.key()) as shop,
        MetricsFile(tmp_path / "cards.prom", partial(next, moments)) as run,
    ):
        run.note(4, 1, 0, {"rendered": 1})
        put_product(shop, "tee", card)
        pose = shop.post("/v1/poses", files=form(shopper=card)).json()["pose"]
        with prometheus(configuration(service.port, port, node), tmp_path) as http:
            rounds, until = 0, time.monotonic() + LONGEST
            while rounds < ROUNDS or not scraped(http):
                assert time.monotonic() < until, "not scraped often enough"
                a_little_of_everything(shop, wall, pose)
                rounds += 1
            empty = {
                title
                for name in DASHBOARDS
                for title, expression in expressions(load(name))
                if not ask(http, expression)
            }
            groups = http.get("/rules").json()["data"]["groups"]
    assert empty <= MAY_BE_EMPTY
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 30
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
