"""The networks' files on this machine: list, fetch, check."""

from __future__ import annotations

import argparse

HELP = "list, fetch or check the networks' files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "pull", "verify"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; default: all")


def run(args: argparse.Namespace) -> int:
    from tryon_service.zoo.store import Store

    store = Store()
    names = args.names or list(store.manifest.networks)
    if args.action == "list":
        for entry in store.list():
            if entry.network.name in names:
                network = entry.network
                use = "commercial use" if network.commercial_use else "no commercial use"
                size = f"{network.bytes / 1e6:.1f} MB"
                print("  ".join((network.name, entry.state, size, f"{network.licence}, {use}", str(entry.path))))
        return 0
    for name in names:
        if args.action == "pull":
            print(f"{name}  {store.pull(name)}")
        else:
            store.verify(name)
            print(f"{name}  verified")
    return 0
