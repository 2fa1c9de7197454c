"""The networks' files on this machine: list, fetch, check, or bring in your own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tryon_service.zoo.store import Store

HELP = "list, fetch, check or import the networks' files"
IMPORTED = ("adgan", "patn", "nearest", "pose2image", "pose2image-gan")
ENCODINGS = ("impulse", "gaussian")
"""Names of renderers/generators.py and retarget/pose_maps.py, which take long to import."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("list", "names, states, sizes and licences"),
        ("pull", "fetch what is absent"),
        ("verify", "read the files again"),
    ):
        action = actions.add_parser(name, help=words, allow_abbrev=False)
        action.add_argument("names", nargs="*", metavar="NAME", help="networks; default: all")
    bring = actions.add_parser("import", help="bring in weights of your own", allow_abbrev=False)
    bring.add_argument("network", choices=IMPORTED, help="what the weights are of")
    bring.add_argument("file", type=Path, metavar="FILE", help="a published checkpoint, or a file of weights of ours")
    bring.add_argument(
        "--pose-encoding",
        choices=ENCODINGS,
        help="the maps of joints that it was trained on; default: what the file says, impulse for a published one",
    )
    bring.add_argument("--licence", metavar="TEXT", help="what you may do with it, for lists and reports")
    bring.add_argument("--commercial-use", action="store_true", help="the licence allows commercial use")
    bring.add_argument("--replace", action="store_true", help="even if the zoo has other weights of this network")
    for action in actions.choices.values():
        # Also behind the action; without a word there, what was said before it stands.
        action.add_argument("--verbose", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from tryon_service.zoo.store import Store

    store = Store()
    if args.action == "import":
        return _import(store, args)
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


def _import(store: Store, args: argparse.Namespace) -> int:
    from tryon_service.renderers.generators import UNKNOWN_LICENCE, import_weights

    network, done = import_weights(
        args.network,
        args.file,
        store,
        pose_encoding=args.pose_encoding,
        licence=args.licence or UNKNOWN_LICENCE,
        commercial_use=args.commercial_use,
        replace=args.replace,
    )
    for what in done:
        print(f"{args.file.name}: {what}")
    print(f"{network.name}  {store.path(network.name)}")
    return 0
