"""Metrics of one process: what is counted, under which labels, and that nothing can add a label."""

from __future__ import annotations

import random
import string
import subprocess
import sys
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tryon_service import __version__
from tryon_service.errors import CODES
from tryon_service.observability.labels import RPCS, STEPS, photo_of
from tryon_service.observability.metrics import EngineMetrics, GatewayMetrics, start_http
from tryon_service.observability.process_memory import Memory, memory_of
from tryon_service.pb import tryon_pb2

ROUTES = ("/v1/renders", "/v1/products/{id}")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: GatewayMetrics | EngineMetrics) -> Samples:
    body, content_type = metrics.exposition()
    assert content_type.startswith("text/plain")
    families = text_string_to_metric_families(body.decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(metrics: GatewayMetrics | EngineMetrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def test_rate_errors_and_duration_of_each_route() -> None:
    metrics = GatewayMetrics(ROUTES)
    for status, code in ((200, ""), (200, ""), (422, "blurred"), (429, "overloaded")):
        metrics.started()
        metrics.call("POST", "/v1/renders", status, 0.3, code)
    metrics.started()
    assert value(metrics, "tryon_http_requests_total", method="POST", route="/v1/renders", status="2xx") == 2
    assert value(metrics, "tryon_http_requests_total", method="POST", route="/v1/renders", status="4xx") == 2
    assert value(metrics, "tryon_http_request_seconds_sum", method="POST", route="/v1/renders") == pytest.approx(1.2)
    assert value(metrics, "tryon_http_request_seconds_bucket", method="POST", route="/v1/renders", le="0.2") == 0
    assert value(metrics, "tryon_http_errors_total", route="/v1/renders", code="blurred") == 1
    assert value(metrics, "tryon_http_requests_running") == 1
    assert value(metrics, "tryon_gateway_memory_bytes") == pytest.approx(memory_of().resident, rel=0.3)


def test_the_engine_counts_queue_steps_verdicts_caches_and_restarts() -> None:
    metrics = EngineMetrics()
    metrics.call("Render", "ok", 0.2)
    metrics.call("Render", "blurred", 0.2)
    metrics.queue({"shopper": 3}, 12_000)
    metrics.waited("batch", 1.2)
    metrics.dropped("late")
    metrics.steps({"render": 150.0, "judge": 30.0})
    metrics.verdict("refused", [("blurred", "product[1]"), ("low_light", "shopper"), ("blurred", "product[0]")])
    metrics.cache("product", hit=True)
    metrics.cache("product", hit=False)
    metrics.cache("picture", hit=True)
    metrics.restarted("hung")
    metrics.worker_memory(Memory(5, 9))
    metrics.limits({"shopper": 26, "batch": 6}, 64_000, 2_000)
    metrics.certificate(1.8e9)
    metrics.ready(ready=True)
    assert value(metrics, "tryon_engine_calls_total", rpc="Render", code="ok") == 1
    assert value(metrics, "tryon_engine_calls_total", rpc="Render", code="blurred") == 1
    assert value(metrics, "tryon_queue_items", priority="shopper") == 3
    assert value(metrics, "tryon_queue_items", priority="batch") == 0
    assert value(metrics, "tryon_queue_bytes") == 12_000
    assert value(metrics, "tryon_queue_wait_seconds_sum", priority="batch") == pytest.approx(1.2)
    assert value(metrics, "tryon_queue_dropped_total", why="late") == 1
    assert value(metrics, "tryon_step_seconds_sum", step="render") == pytest.approx(0.15)
    assert value(metrics, "tryon_reasons_total", verdict="refused", photo="product", code="blurred") == 1
    assert value(metrics, "tryon_reasons_total", verdict="refused", photo="shopper", code="low_light") == 1
    assert value(metrics, "tryon_queue_items_limit", priority="shopper") == 26
    assert value(metrics, "tryon_queue_bytes_limit") == 64_000
    assert value(metrics, "tryon_worker_memory_bytes") == 5
    assert value(metrics, "tryon_worker_address_space_bytes") == 9
    assert value(metrics, "tryon_worker_address_space_limit_bytes") == 2_000
    assert value(metrics, "tryon_certificate_end_timestamp_seconds", of="engine") == 1.8e9
    assert value(metrics, "tryon_cache_lookups_total", cache="product", result="hit") == 1
    assert value(metrics, "tryon_cache_lookups_total", cache="picture", result="hit") == 1
    assert value(metrics, "tryon_worker_restarts_total", why="hung") == 1
    assert value(metrics, "tryon_engine_ready") == 1
    assert value(metrics, "process_resident_memory_bytes") > 1e6


def test_ten_thousand_strange_names_add_no_label() -> None:
    rng = random.Random(4)
    gateway, engine = GatewayMetrics(ROUTES), EngineMetrics()

    def use(text: str, number: int) -> None:
        gateway.started()
        gateway.call(text, f"/v1/{text}", number, 0.1, text)
        engine.call(text, text, 0.1)
        engine.waited(text, 0.1)  # type: ignore[arg-type]
        engine.dropped(text)  # type: ignore[arg-type]
        engine.steps({text: 1.0})
        engine.verdict(text, [(text, text)])
        engine.cache(text, hit=True)  # type: ignore[arg-type]
        engine.restarted(text)  # type: ignore[arg-type]
        engine.queue({text: 1}, 1)  # type: ignore[dict-item]

    use("strange", -7)
    before = set(samples(gateway)), set(samples(engine))
    for _ in range(10_000):
        text = "".join(rng.choices(string.printable + "äß\u2028", k=rng.randint(3, 30)))
        use(text, rng.choice([-1, 0, 42, 600, 10**9]))
    assert (set(samples(gateway)), set(samples(engine))) == before
    total = value(gateway, "tryon_http_requests_total", method="other", route="other", status="other")
    assert total == 10_001


def test_every_known_name_together_is_still_a_small_number() -> None:
    gateway, engine = GatewayMetrics(ROUTES), EngineMetrics()
    for code in CODES:
        gateway.call("GET", ROUTES[0], 200, 0.1, code)
        for rpc in RPCS:
            engine.call(rpc, code, 0.1)
    assert len(samples(gateway)) < 200
    assert len(samples(engine)) < 650


def test_names_are_those_of_the_pipeline_and_of_the_contract() -> None:
    from tryon_service.pipeline import STEPS as PIPELINE

    assert {name for name, _ in PIPELINE} <= STEPS
    assert {method.name for method in tryon_pb2.DESCRIPTOR.services_by_name["TryOn"].methods} == RPCS


def test_the_steps_of_a_real_render_are_all_known(pipeline, shopper_png: bytes, product_png: bytes) -> None:
    from tryon_service.request import RenderRequest

    product = pipeline.analyse_product(product_png, "warp")
    result = pipeline.render(RenderRequest(shopper=shopper_png, products=(product,)))
    assert set(product.timings_ms) | set(result.timings_ms) <= STEPS


def test_the_format_follows_the_accept_header() -> None:
    metrics = GatewayMetrics(ROUTES)
    assert metrics.exposition("application/openmetrics-text; version=1.0.0")[1].startswith("application/openmetrics")
    assert metrics.exposition("*/*")[1].startswith("text/plain; version=0.0.4")
    assert metrics.exposition("\0nonsense;;=")[1].startswith("text/plain")


def test_an_engine_without_http_can_serve_its_metrics_alone() -> None:
    metrics = EngineMetrics()
    metrics.restarted("died")
    server = start_http(metrics.registry, 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=60) as answer:
            assert b'tryon_worker_restarts_total{why="died"} 1.0' in answer.read()
    finally:
        server.shutdown()
        server.server_close()


def test_what_is_rare_is_there_before_it_happens() -> None:
    """A series that begins with 1 has no increase."""
    metrics = EngineMetrics()
    for why in ("died", "hung", "memory"):
        assert value(metrics, "tryon_worker_restarts_total", why=why) == 0
    for why in ("late", "cancelled", "overloaded"):
        assert value(metrics, "tryon_queue_dropped_total", why=why) == 0
    assert value(metrics, "tryon_cache_lookups_total", cache="picture", result="miss") == 0
    assert value(metrics, "tryon_engine_calls_total", rpc="PutProduct", code="storage_full") == 0
    assert value(metrics, "tryon_engine_verdicts_total", verdict="refused") == 0


def test_a_gateway_without_redis_says_nothing_of_it() -> None:
    metrics = GatewayMetrics(ROUTES)
    assert not any(name == "tryon_redis_up" for name, _ in samples(metrics))
    metrics.redis(up=False)
    assert value(metrics, "tryon_redis_up", use="limits") == 0
    metrics.redis(up=True)
    assert value(metrics, "tryon_redis_up", use="limits") == 1


def test_both_say_their_version_and_the_gateway_its_threads() -> None:
    gateway, engine = GatewayMetrics(ROUTES), EngineMetrics()
    gateway.threads(16)
    assert value(gateway, "tryon_http_threads") == 16
    assert value(gateway, "tryon_build_info", version=__version__) == 1
    assert value(engine, "tryon_build_info", version=__version__) == 1


@pytest.mark.parametrize(
    ("name", "photo"), [("shopper", "shopper"), ("product", "product"), ("product[7]", "product"), ("", "pair")]
)
def test_whose_photo_a_reason_is_about(name: str, photo: str) -> None:
    assert photo_of(name) == photo


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "import prometheus_client; prepare_folder(Path(sys.argv[1])); metrics().GatewayMetrics([])",
            "before prepare_folder",
        ),
        ("prepare_folder(Path(sys.argv[1])); metrics().EngineMetrics()", "must not be set for the engine"),
    ],
)
def test_a_process_set_up_in_the_wrong_order_says_so(code: str, says: str, tmp_path: object) -> None:
    start = (
        "import sys; from pathlib import Path; from tryon_service.observability import multiprocess\n"
        "prepare_folder, multiprocess.MEMORY = multiprocess.prepare_folder, Path('/nowhere')\n"
        "def metrics(): import tryon_service.observability.metrics as module; return module\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert says in done.stderr
