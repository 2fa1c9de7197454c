"""Every setting: its environment variable, its value now and what it is for. Secrets are starred."""

from __future__ import annotations

import argparse

HELP = "show all settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--changed", action="store_true", help="only those set in the environment")


def run(args: argparse.Namespace) -> int:
    import os

    from tryon_service.settings import load, rows

    for _, variable, value, text in rows(load()):
        if args.changed and variable not in os.environ:
            continue
        print(f"{variable}={value}\n    {text}")
    return 0
