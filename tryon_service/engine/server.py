"""The engine's process: one gRPC server in front of one supervised worker, from start to drained.

with Engine(settings) as engine:      # listens; health says SERVING once a warm-up render has worked
    engine.drain()                    # NOT_SERVING, no new calls, what waits is finished
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tryon_service.engine import worker
from tryon_service.engine.calls import Calls
from tryon_service.engine.cards import Cards
from tryon_service.engine.listen import UNIX, certificate_end, claimed, listen
from tryon_service.engine.picture_cache import PictureCache
from tryon_service.engine.queue import WorkQueue
from tryon_service.engine.renders import Renders
from tryon_service.engine.servicer import Servicer
from tryon_service.engine.supervisor import Queue, Supervisor
from tryon_service.engine.worker import Opening, WorkerSettings
from tryon_service.errors import InputError, TryonError
from tryon_service.keyring import Keyring
from tryon_service.observability.metrics import EngineMetrics, start_http
from tryon_service.observability.tracing import open_tracer
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.limits import channel_options
from tryon_service.pb.tryon_pb2_grpc import add_TryOnServicer_to_server
from tryon_service.products.open import open_store
from tryon_service.settings import Settings
from tryon_service.zoo.store import zoo_digest

logger = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["TryOn"].full_name
SPARE_THREADS = 32
"""For calls that don't wait for the worker: health, products, and those that are turned away."""
CONNECTION_AGE = 60.0
"""Seconds, more or less, after which a connection over TCP is made anew: whoever calls looks up the engines then, and
finds those that were added since. Calls in flight are finished first."""
LAST_ANSWERS = 1.0
"""Seconds for answers that are on their way when the server closes."""


class Engine:
    """Everything that lives in the supervisor's process. opening: what the worker does, other than in tests."""

    def __init__(self, settings: Settings, opening: Opening = worker.open_desk) -> None:
        self._settings = settings
        self.metrics = EngineMetrics()
        self._tracer = open_tracer(settings.otlp_endpoint, "tryon-engine")
        self._products = open_store(settings)
        self._pictures = PictureCache(settings.picture_cache_bytes, worker_settings(settings).poses)
        self._health = health.HealthServicer()
        self._queue: Queue = WorkQueue(settings.queue_items, settings.queue_bytes, settings.batch_share, self.metrics)
        self.metrics.limits(self._queue.room, settings.queue_bytes, settings.worker_memory)
        self.supervisor = Supervisor(
            self._queue,
            worker_settings(settings),
            item_timeout=settings.item_timeout,
            watcher=self.metrics,
            on_ready=lambda ready: self._tell(ready=ready),
            opening=opening,
        )
        self._calls = Calls(self.metrics, self._tracer, settings.render_timeout)
        self._server = self._make_server(Keyring.load(settings))
        self._closing = contextlib.ExitStack()
        self.address = ""
        self._tell(ready=False)

    def start(self, wait: float = 0.0) -> None:
        """Listen, and start the worker. wait: seconds for another engine at the same socket to end; the worker is warm
        by then. Raises InputError for settings that can't be used, such as the address of a running engine."""
        with contextlib.ExitStack() as closing:
            self.supervisor.start()
            closing.callback(self.supervisor.stop)
            closing.enter_context(claimed(self._settings.engine_address, wait))
            self.address = listen(self._server, self._settings)
            if self._settings.engine_cert:
                self.metrics.certificate(certificate_end(self._settings.engine_cert))
            if self._settings.engine_metrics_port:
                closing.callback(
                    self._serve_metrics(self._settings.engine_metrics_host, self._settings.engine_metrics_port)
                )
            self._server.start()
            # gRPC now and then never says that it has stopped; the process is ending anyway.
            closing.callback(lambda: self._server.stop(LAST_ANSWERS).wait(2 * LAST_ANSWERS))
            closing.callback(self.supervisor.stop)  # first of all, while whoever still waits can be told
            self._closing = closing.pop_all()
        logger.info("the engine listens at %s", self.address)

    def drain(self, timeout: float | None = None) -> bool:
        """Finish what was begun and take nothing more; whether that took no longer than settings.drain, or timeout."""
        self._health.enter_graceful_shutdown()
        self._calls.close()
        return self._calls.wait_idle(self._settings.drain if timeout is None else timeout)

    def stop(self) -> None:
        """End the worker, answer who still waits, close the server, give up the socket. Harmless if done before."""
        self._health.enter_graceful_shutdown()
        self._calls.close()
        self._closing.close()
        self._products.close()
        self._tracer.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_server(self, keyring: Keyring) -> grpc.Server:
        threads = self._settings.queue_items + SPARE_THREADS
        pool = ThreadPoolExecutor(threads, thread_name_prefix="call")
        options = (*channel_options(), ("grpc.so_reuseport", 0), *connection_ages(self._settings))
        server = grpc.server(pool, options=options)
        renders = Renders(self.supervisor, self._products, keyring, self.metrics, self._pictures)
        cards = Cards(self.supervisor, self._products, self.metrics, self._pictures)
        add_TryOnServicer_to_server(Servicer(self._calls, renders, cards), server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        return server

    def _tell(self, *, ready: bool) -> None:
        """What health checks answer, for the server as a whole and for the service by name."""
        if ready:  # other weights may have been put in use since the last worker began
            with contextlib.suppress(TryonError):
                self._pictures.weights = zoo_digest()
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in (health.OVERALL_HEALTH, SERVICE):
            self._health.set(name, status)

    def _serve_metrics(self, host: str, port: int) -> Callable[[], None]:
        try:
            server = start_http(self.metrics.registry, port, host)
        except OSError as error:
            detail = f"Metrics can't be served on {host} port {port}: {error.strerror}."
            taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
            variable = "TRYON_ENGINE_METRICS_PORT" if taken else "TRYON_ENGINE_METRICS_HOST"
            raise InputError("invalid_option", detail, variable) from error

        def close() -> None:
            server.shutdown()
            server.server_close()

        return close


def connection_ages(settings: Settings) -> tuple[tuple[str, int], ...]:
    """gRPC's options for how long a connection lives; none for a unix socket, behind which there is one engine."""
    if settings.engine_address.startswith(UNIX):
        return ()
    grace = settings.render_timeout + LAST_ANSWERS
    return (
        ("grpc.max_connection_age_ms", round(1000 * CONNECTION_AGE)),
        ("grpc.max_connection_age_grace_ms", round(1000 * grace)),
    )


def worker_settings(settings: Settings) -> WorkerSettings:
    return WorkerSettings(
        memory=settings.worker_memory,
        renderer=settings.renderer,
        pose=settings.pose,
        matter=settings.matter,
        parser=settings.parser,
        device=settings.device,
        cache_bytes=settings.cache_bytes,
        cache_folder=settings.data / "cache" if settings.cache_folder_bytes else None,
        cache_folder_bytes=settings.cache_folder_bytes,
        poses=settings.data / "poses",
        log_level=settings.log_level,
    )
