"""gunicorn's side of logs and metrics, for its configuration:

logger_class = "tryon_service.observability.gunicorn.Logger"
child_exit = tryon_service.observability.gunicorn.child_exit
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

from gunicorn import glogging

from tryon_service.observability.multiprocess import FOLDER_VARIABLE, remove_folder


class Logger(glogging.Logger):  # type: ignore[misc]
    """What gunicorn says goes through our logs. Its access log, which writes whole URLs, is off: log_call is ours."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's own
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
        self.error_log.propagate = True
        self.access_log.disabled = True

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:  # noqa: ANN401
        """Nothing."""


def child_exit(server: Any, worker: Any) -> None:  # noqa: ANN401, ARG001
    """A worker's gauges end with it; what it counted stays."""
    from prometheus_client import multiprocess

    try:
        multiprocess.mark_process_dead(worker.pid, os.environ[FOLDER_VARIABLE])  # type: ignore[no-untyped-call]
    except (KeyError, OSError) as error:  # the master must outlive a folder that has gone
        logging.getLogger("gunicorn.error").warning("metrics of a worker not tidied: %s", type(error).__name__)


def on_exit(server: Any) -> None:  # noqa: ANN401, ARG001
    """The master goes, and the workers before it."""
    remove_folder()
