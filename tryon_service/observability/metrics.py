"""Every metric of the service, each with a fixed set of label values; whatever isn't in the set counts as "other".

The gateway's processes share theirs through files (see multiprocess.py), the engine has its own in one process. Both
are made once per process and passed to where they are used:

    metrics = GatewayMetrics(routes=["/v1/renders", ...])
    metrics.call("POST", "/v1/renders", 200, 0.41)
    body, content_type = metrics.exposition(accept)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import get_args
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
    values,
)
from prometheus_client import exposition as prometheus
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tryon_service import __version__
from tryon_service.errors import CODES
from tryon_service.observability.labels import (
    METHODS,
    OURS,
    RPCS,
    STEPS,
    VERDICTS,
    Cache,
    Dropped,
    Priority,
    Restart,
    known,
    photo_of,
    status_class,
)
from tryon_service.observability.multiprocess import FOLDER_VARIABLE
from tryon_service.observability.process_memory import Memory, memory_of

CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)
STEP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histograms' buckets."""


def _registry() -> CollectorRegistry:
    """Without a second series for each counter that says since when it counts; the process's start says enough."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    info = Gauge("tryon_build_info", "1.", ["version"], registry=registry, multiprocess_mode="livemax")
    info.labels(__version__).set(1)
    return registry


class _SharedMetrics(Collector):
    """The figures of all processes that write to the folder. A file that was only just made is empty for a moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        return MultiProcessCollector.merge(files)  # type: ignore[no-any-return, no-untyped-call]


class GatewayMetrics:
    """Rate, errors and duration of each route. routes: every template that the application knows.

    In a process started after prepare_folder, the figures of all gateway processes add up. Raises RuntimeError if the
    metrics library was loaded before, because each process would then show only its own.
    """

    def __init__(self, routes: Iterable[str]) -> None:
        self.registry = _registry()
        self._routes = frozenset(routes)
        self._folder = os.environ.get(FOLDER_VARIABLE)
        if self._folder is not None and not values.ValueClass._multiprocess:
            raise RuntimeError("prometheus_client was imported before prepare_folder")
        if self._folder is None:
            ProcessCollector(registry=self.registry)
        self._calls = Counter(
            "tryon_http_requests", "Calls answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "tryon_http_request_seconds",
            "Time from a call's head to the end of its answer.",
            ["method", "route"],
            registry=self.registry,
            buckets=CALL_SECONDS,
        )
        self._running = Gauge(
            "tryon_http_requests_running",
            "Calls being answered now.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._threads = Gauge(
            "tryon_http_threads",
            "Calls that can be answered at once, those with photos three quarters of them.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._redis = Gauge(
            "tryon_redis_up",
            "1 if the Redis that gateways share answers, else 0; absent where there is none.",
            ["use"],
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self._errors = Counter("tryon_http_errors", "Problems answered.", ["route", "code"], registry=self.registry)
        self._memory = Gauge(
            "tryon_gateway_memory_bytes",
            "Resident memory of all gateway processes, as of their last call.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def started(self) -> None:
        """A call has come; call() ends it."""
        self._running.inc()

    def call(self, method: str, route: str, status: int, seconds: float, code: str = "") -> None:
        """A call has been answered. route: its template; code: of the problem document."""
        self._running.dec()
        method, route = known(method, METHODS), known(route, self._routes)
        self._calls.labels(method, route, status_class(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        if code:
            self._errors.labels(route, known(code, CODES)).inc()
        self._memory.set(memory_of().resident)

    def threads(self, number: int) -> None:
        """Of this process."""
        self._threads.set(number)

    def redis(self, *, up: bool) -> None:
        """Of the limits and use counts, as just asked."""
        self._redis.labels("limits").set(float(up))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """(body, content type) of a scrape of all gateway processes, in the format that the Accept header asks for."""
        if self._folder is None:
            return _encode(self.registry, accept)
        shared = CollectorRegistry()
        shared.register(_SharedMetrics(Path(self._folder)))
        return _encode(shared, accept)


class EngineMetrics:
    """Calls, queue, steps, verdicts, caches and the worker, in the engine's one process.

    Raises RuntimeError in an environment meant for the gateway, whose files these figures would get into.
    """

    def __init__(self) -> None:
        if values.ValueClass._multiprocess:
            raise RuntimeError(f"{FOLDER_VARIABLE} is for the gateway and must not be set for the engine")
        registry = self.registry = _registry()
        ProcessCollector(registry=registry)
        self._calls = Counter("tryon_engine_calls", "Calls answered.", ["rpc", "code"], registry=registry)
        self._seconds = Histogram(
            "tryon_engine_call_seconds",
            "Time from a call's arrival to its answer.",
            ["rpc"],
            registry=registry,
            buckets=CALL_SECONDS,
        )
        self._items = Gauge("tryon_queue_items", "Calls waiting.", ["priority"], registry=registry)
        self._bytes = Gauge("tryon_queue_bytes", "Bytes of the calls waiting.", registry=registry)
        self._most_items = Gauge("tryon_queue_items_limit", "Calls that may wait.", ["priority"], registry=registry)
        self._most_bytes = Gauge("tryon_queue_bytes_limit", "Bytes that may wait.", registry=registry)
        self._waits = Histogram(
            "tryon_queue_wait_seconds",
            "Time that a call waited.",
            ["priority"],
            registry=registry,
            buckets=CALL_SECONDS,
        )
        self._dropped = Counter("tryon_queue_dropped", "Calls never computed.", ["why"], registry=registry)
        self._steps = Histogram(
            "tryon_step_seconds", "Time of a step in the worker.", ["step"], registry=registry, buckets=STEP_SECONDS
        )
        self._verdicts = Counter("tryon_engine_verdicts", "Verdicts given.", ["verdict"], registry=registry)
        self._reasons = Counter(
            "tryon_reasons", "Reasons for doubts and refusals.", ["verdict", "photo", "code"], registry=registry
        )
        self._cache = Counter("tryon_cache_lookups", "Lookups.", ["cache", "result"], registry=registry)
        self._damaged = Counter("tryon_cache_damaged", "Kept analyses found damaged and made again.", registry=registry)
        self._restarts = Counter("tryon_worker_restarts", "Workers replaced.", ["why"], registry=registry)
        self._memory = Gauge("tryon_worker_memory_bytes", "Resident memory of the worker.", registry=registry)
        self._space = Gauge("tryon_worker_address_space_bytes", "Address space of the worker.", registry=registry)
        self._most_space = Gauge(
            "tryon_worker_address_space_limit_bytes", "Beyond which the worker is replaced.", registry=registry
        )
        self._ready = Gauge("tryon_engine_ready", "1 when a real render works, else 0.", registry=registry)
        self._certificate = Gauge("tryon_certificate_end_timestamp_seconds", "Its end.", ["of"], registry=registry)
        # What is rare is there before it happens: Prometheus sees no increase in a series that begins with 1.
        for counter, *names in (
            (self._calls, RPCS, OURS),
            (self._dropped, get_args(Dropped)),
            (self._restarts, get_args(Restart)),
            (self._verdicts, VERDICTS),
            (self._cache, get_args(Cache), ("hit", "miss")),
        ):
            for labels in product(*names):
                counter.labels(*labels)

    def limits(self, items: Mapping[Priority, int], size: int, address_space: int) -> None:
        """What there is room for. items, size: calls and bytes that may wait; address_space: bytes of the worker."""
        for priority, number in items.items():
            self._most_items.labels(priority).set(number)
        self._most_bytes.set(size)
        self._most_space.set(address_space)

    def call(self, rpc: str, code: str, seconds: float) -> None:
        """A call has been answered. code: of errors.CODES, or "ok"."""
        rpc = known(rpc, RPCS)
        self._calls.labels(rpc, code if code == "ok" else known(code, CODES)).inc()
        self._seconds.labels(rpc).observe(seconds)

    def queue(self, items: Mapping[Priority, int], size: int) -> None:
        """What waits now. size: bytes."""
        for priority in get_args(Priority):
            self._items.labels(priority).set(items.get(priority, 0))
        self._bytes.set(size)

    def waited(self, priority: Priority, seconds: float) -> None:
        self._waits.labels(known(priority, get_args(Priority))).observe(seconds)

    def dropped(self, why: Dropped) -> None:
        self._dropped.labels(known(why, get_args(Dropped))).inc()

    def steps(self, timings_ms: Mapping[str, float]) -> None:
        """As in Result.timings_ms."""
        for step, milliseconds in timings_ms.items():
            self._steps.labels(known(step, STEPS)).observe(milliseconds / 1000.0)

    def verdict(self, status: str, reasons: Iterable[tuple[str, str]] = ()) -> None:
        """reasons: (code, photo) as of a Reason, each counted once."""
        status = known(status, VERDICTS)
        self._verdicts.labels(status).inc()
        for photo, code in {(photo_of(photo), known(code, CODES)) for code, photo in reasons}:
            self._reasons.labels(status, photo, code).inc()

    def cache(self, cache: Cache, *, hit: bool) -> None:
        self._cache.labels(known(cache, get_args(Cache)), "hit" if hit else "miss").inc()

    def analyses_damaged(self, number: int) -> None:
        """number: of kept analyses that were found damaged since the last call."""
        self._damaged.inc(number)

    def restarted(self, why: Restart) -> None:
        self._restarts.labels(known(why, get_args(Restart))).inc()

    def worker_memory(self, memory: Memory) -> None:
        self._memory.set(memory.resident)
        self._space.set(memory.address_space)

    def ready(self, *, ready: bool) -> None:
        self._ready.set(float(ready))

    def certificate(self, end: float) -> None:
        """Of the engine's own certificate. end: seconds since 1970 UTC."""
        self._certificate.labels("engine").set(end)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """(body, content type) of a scrape, in the format that the Accept header asks for."""
        return _encode(self.registry, accept)


def _encode(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    encode, content_type = prometheus.choose_encoder(accept)
    return encode(registry), content_type


def start_http(registry: CollectorRegistry, port: int, host: str = "127.0.0.1") -> WSGIServer:
    """Serve the registry alone under /metrics, from a thread; for a process without an HTTP server of its own.

    port: 0 for a free one. Its shutdown() and server_close() end it. Raises OSError if the port is taken.
    """
    server, _ = start_http_server(port, host, registry)
    return server
