"""The gateway as a server: gunicorn with our settings, one application and one engine client in each worker process.

    Server(settings).run()      # until SIGTERM; then calls in flight are finished first

Nothing is loaded before the fork: gRPC and its threads don't survive one. SIGHUP replaces the workers without closing
the port, as for new settings or certificates.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from tryon_service.confine import give_memory_back, no_core_dumps, settle
from tryon_service.observability import gunicorn as observed
from tryon_service.observability.multiprocess import prepare_folder
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from tryon_service.gateway.calls import Gateway

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than load balancers keep theirs, so that they never write into one
that is just being closed."""
HEARTBEAT = 30
"""Seconds after which a worker process that doesn't stir is replaced; long calls don't count, they have threads."""
BACKLOG = 512
"""Connections that wait to be accepted."""
MOST_CONNECTIONS = 1000
"""Open at once in one worker, idle ones included."""
LONGEST_LINE = 8190
"""Bytes of the request line: a pose token and a signature fit in."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a file system in memory, not a place for temporary files


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """listen: an open socket's number to take calls from, as inherited from the parent; None for host and port.

    closing: what a worker process has opened, to be closed when it ends.
    """

    def __init__(self, settings: Settings, listen: int | None = None) -> None:
        self.settings, self.listen, self.closing = settings, listen, ExitStack()
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's hook."""
        for name, value in options(self.settings, self.listen).items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """gunicorn's hook, called in each worker after the fork."""
        return open_app(self.settings, self.closing)

    def run(self) -> None:
        """Until stopped. Raises SystemExit, and OSError where the metrics' folder can't be made."""
        no_core_dumps()
        give_memory_back()
        prepare_folder(self.settings.runtime)
        super().run()


def options(settings: Settings, listen: int | None = None) -> dict[str, Any]:
    """For gunicorn, by the names of its own settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}" if listen is None else f"fd://{listen}",
        "workers": settings.workers,
        "worker_class": "tryon_service.gateway.worker.Worker",
        "threads": settings.threads,
        "timeout": HEARTBEAT,
        "graceful_timeout": max(1, round(settings.drain)),
        "keepalive": KEEP_ALIVE,
        "backlog": BACKLOG,
        "worker_connections": MOST_CONNECTIONS,
        "max_requests": 0,
        "preload_app": False,
        "worker_tmp_dir": str(MEMORY_FOLDER) if os.access(MEMORY_FOLDER, os.W_OK) else None,
        "control_socket_disable": True,
        "umask": 0o077,
        "limit_request_line": LONGEST_LINE,
        "forwarded_allow_ips": "",  # whom to believe is for trusted_proxies to say
        "proc_name": "tryon gateway",
        "logger_class": "tryon_service.observability.gunicorn.Logger",
        "loglevel": settings.log_level,
        "accesslog": None,
        "worker_exit": _close,
        "child_exit": observed.child_exit,
        "on_exit": observed.on_exit,
        "post_worker_init": _begin,
    }


def open_app(settings: Settings, closing: ExitStack) -> Gateway:
    """Everything that one worker process works with. closing: gets what is to be closed when the process ends.

    Raises TryonError for settings that can't be.
    """
    from tryon_service.access.access import Access
    from tryon_service.engine_client import EngineClient
    from tryon_service.gateway.app import create_app
    from tryon_service.observability.tracing import open_tracer

    tracer = open_tracer(settings.otlp_endpoint, "tryon-gateway")
    closing.callback(tracer.close)
    engine = EngineClient.of(settings)
    closing.callback(engine.close)
    access = Access.open(settings)
    closing.callback(access.close)  # first of all: what was counted is worth more than a span
    return create_app(settings, engine, access, tracer)


def _close(_server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's own
    """In the worker process, when it ends in any way but by SIGKILL. Calls that are still running fail."""
    worker.app.closing.close()


def _begin(worker: Any) -> None:  # noqa: ANN401 - gunicorn's own
    """In the worker process, when everything is loaded and open; gunicorn has set up logs of its own."""
    from tryon_service.observability.logs import set_up

    set_up(worker.app.settings.log_level)
    settle()
