"""The command `tryon`: arguments, exit codes and one-line errors. Each subcommand is a module of its own.

Exit codes: 0 done, 1 our own failure, 2 wrong usage, 3 refused (what is wrong with which photo), 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from tryon_service import __version__
from tryon_service.cli import (
    batch,
    check,
    dataset,
    demo,
    engine,
    evaluate,
    gateway,
    keys,
    perceive,
    poses,
    products,
    render,
    serve,
    settings,
    train,
    zoo,
)
from tryon_service.cli.files import PHOTO_CODES
from tryon_service.errors import InputError, RefusedError, TryonError

OK, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS = (
    serve,
    engine,
    gateway,
    keys,
    products,
    check,
    settings,
    render,
    batch,
    perceive,
    evaluate,
    demo,
    zoo,
    dataset,
    train,
    poses,
)


class ArgumentParser(argparse.ArgumentParser):
    """argparse with the errors of this command: one line, with a code."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message[:1].upper()}{message[1:]}; see '{self.prog} --help'.", "invalid_option")
        sys.exit(USAGE)


def build_parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(prog="tryon", description="A product card's picture with the model in the shopper's pose.")
    parser.add_argument("--version", action="version", version=f"tryon {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__, allow_abbrev=False)
        command.add_argument("--verbose", action="store_true", help="say what is going on; print the trace of an error")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said its piece: --help, --version or an error
        return stop.code if isinstance(stop.code, int) else USAGE
    set_up_logging(verbose=args.verbose)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does; nothing more to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except TryonError as error:
        return report_error(error, verbose=args.verbose)
    except Exception as error:  # noqa: BLE001 - the last door: a person reads one line, not a trace
        if args.verbose:
            traceback.print_exc()
        complain(f"Something went wrong on our side ({type(error).__name__}); --verbose shows where.", "internal")
        return FAILED


def set_up_logging(*, verbose: bool) -> None:
    """Warnings, and the zoo's word that it is fetching a network, which takes a while; everything if verbose."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="tryon: %(message)s")
    logging.getLogger("tryon_service.zoo.store").setLevel(logging.INFO)


def report_error(error: TryonError, *, verbose: bool) -> int:
    """Say it in one line; the exit code that belongs to it."""
    if verbose:
        traceback.print_exception(error)
    complain(error.public_text, error.code)
    if isinstance(error, RefusedError) or error.code in PHOTO_CODES:
        return REFUSED
    return USAGE if isinstance(error, InputError) else FAILED


def complain(text: str, code: str) -> None:
    print(f"tryon: {' '.join(text.split())} (code {code})", file=sys.stderr)
