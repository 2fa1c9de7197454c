"""Every setting: its environment variable, its value now and what it is for. Secrets are starred."""

from __future__ import annotations

import argparse

HELP = "show all settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--changed", action="store_true", help="only those set in the environment")


def run(args: argparse.Namespace) -> int:
    import os

    from tryon_service.environment import FILE_SUFFIX
    from tryon_service.settings import OTHER_VARIABLES, load, rows

    settings = load()
    for name, variable, value, text in rows(settings):
        if args.changed and not {variable, variable + FILE_SUFFIX} & set(os.environ):
            continue
        print(f"{variable}={value}\n    {text}")
        if name == "renderer" and (used := _renderer_used(value)) != value:
            print(f"    (its weights are missing here: {used} is used)")
    for variable, text in OTHER_VARIABLES.items():
        if variable in os.environ or not args.changed:
            print(f"{variable}={os.environ.get(variable, '')}\n    {text}")
    return 0


def _renderer_used(name: str) -> str:
    """Raises InputError("invalid_option") for a name that is not registered."""
    from tryon_service.analysis import Analyst

    return Analyst(renderer=name).default_renderer
