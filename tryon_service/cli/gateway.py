"""Run the gateway: HTTP for stores and widgets, in front of a running engine."""

from __future__ import annotations

import argparse

HELP = "run the HTTP gateway"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", type=int, metavar="FD", help=argparse.SUPPRESS)  # an open socket of `tryon serve`


def run(args: argparse.Namespace) -> int:
    from tryon_service.preflight import check
    from tryon_service.settings import load

    settings = load()
    check(settings, gateway=True)

    from tryon_service.gateway.wsgi import Server
    from tryon_service.observability.logs import set_up
    from tryon_service.ports import open_port

    set_up(settings.log_level)
    # gunicorn itself would try a port that is taken again and again.
    listen = open_port(settings.host, settings.port).detach() if args.listen is None else args.listen
    Server(settings, listen).run()
    return 0
