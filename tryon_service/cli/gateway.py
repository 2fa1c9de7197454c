"""Run the gateway: HTTP for stores and widgets, in front of a running engine."""

from __future__ import annotations

import argparse

HELP = "run the HTTP gateway"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", type=int, metavar="FD", help=argparse.SUPPRESS)  # an open socket of `tryon serve`


def run(args: argparse.Namespace) -> int:
    from tryon_service.gateway.wsgi import Server
    from tryon_service.observability.logs import set_up
    from tryon_service.settings import load

    settings = load()
    set_up(settings.log_level)
    Server(settings, args.listen).run()
    return 0
