"""Run the render engine: the process that computes, behind gRPC. 'tryon settings' lists what can be set."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from types import FrameType

HELP = "run the render engine behind gRPC"

LOOK = 0.5
"""Seconds between looks at whether we are asked to stop. A wait without end would now and then sleep through it: where
the kernel gives a signal to one of gRPC's threads, it doesn't wake the main one, in which Python would handle it."""

ENDING = 15
"""Seconds that closing everything may take, once the calls are finished."""

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="take over from an engine at the same socket: warm up now, listen when it ends, this long at most",
    )


def run(args: argparse.Namespace) -> int:
    from tryon_service.preflight import check
    from tryon_service.settings import load

    settings = load()
    check(settings, engine=True, waits=args.wait > 0)

    from tryon_service import confine
    from tryon_service.engine.server import Engine
    from tryon_service.observability import logs

    logs.set_up("debug" if args.verbose else settings.log_level)
    confine.no_core_dumps()
    confine.give_memory_back()
    asked = stop_on_signals()
    engine = Engine(settings)
    try:
        engine.start(args.wait)
        confine.settle()
        while not asked.wait(LOOK):
            pass
        logger.info("the engine stops taking calls and finishes those that it has")
        if not engine.drain():
            logger.warning("time is up; calls are left unanswered")
    finally:
        confine.end_within(ENDING)
        engine.stop()
    return 0


def stop_on_signals() -> threading.Event:
    """Set by the first SIGTERM or SIGINT; the second raises KeyboardInterrupt in the main thread."""
    asked = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return asked
