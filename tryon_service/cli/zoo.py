"""The networks' files on this machine: list, fetch, check, copy elsewhere, or bring in your own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tryon_service.zoo.manifest import Network
    from tryon_service.zoo.store import Store

HELP = "list, fetch, check, mirror or import the networks' files"
IMPORTED = ("adgan", "patn", "nearest", "pose2image", "pose2image-gan")
PLUGGED_IN = (
    "u2net_human_seg",
    "u2net",
    "u2netp",
    "isnet-general-use",
    "birefnet-portrait",
    "sam",
    "keypoint-rcnn",
    "densepose",
)
ENCODINGS = ("impulse", "gaussian")
"""Names of renderers/generators.py, perception/plug_ins.py and retarget/pose_maps.py, which take long to import."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("list", "names, states, sizes and licences"),
        ("pull", "fetch what is absent"),
        ("verify", "read the files again"),
        ("mirror", "copy the files to a folder or bucket, for machines without the package index"),
    ):
        action = actions.add_parser(name, help=words, allow_abbrev=False)
        if name == "mirror":
            action.add_argument("target", metavar="TARGET", help="a folder, or an fsspec URL such as s3://bucket/zoo")
        action.add_argument("names", nargs="*", metavar="NAME", help="networks; default: all")
    bring = actions.add_parser("import", help="bring in weights of your own", allow_abbrev=False)
    bring.add_argument("network", choices=(*IMPORTED, *PLUGGED_IN), help="what the weights are of")
    bring.add_argument("file", type=Path, metavar="FILE", help="a published checkpoint, or a file of weights of ours")
    bring.add_argument(
        "--pose-encoding",
        choices=ENCODINGS,
        help="the maps of joints that it was trained on; default: what the file says, impulse for a published one",
    )
    bring.add_argument("--licence", metavar="TEXT", help="what you may do with it, for lists and reports")
    bring.add_argument("--commercial-use", action="store_true", help="the licence allows commercial use")
    bring.add_argument("--replace", action="store_true", help="even if the zoo has other weights of this network")
    use = actions.add_parser("use", help="go back to weights of your own that were replaced", allow_abbrev=False)
    use.add_argument("network", metavar="NAME", help="of the network")
    use.add_argument("digest", metavar="DIGEST", help="how the weights' sha256 begins, as listed")
    for action in actions.choices.values():
        # Also behind the action; without a word there, what was said before it stands.
        action.add_argument("--verbose", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from tryon_service.zoo.store import Store

    actions = {"import": _import, "use": _use, "list": _list, "pull": _pull, "verify": _verify, "mirror": _mirror}
    return actions[args.action](Store(), args)


def _list(store: Store, args: argparse.Namespace) -> int:
    rows: list[tuple[Network, str, Path]] = [(entry.network, entry.state, entry.path) for entry in store.list()]
    rows += [(network, "earlier", store.root / network.stored_file) for network in store.earlier()]
    for network, state, path in rows:
        if network.name in (args.names or [network.name]):
            use = "commercial use" if network.commercial_use else "no commercial use"
            size = f"{network.bytes / 1e6:.1f} MB"
            print("  ".join((network.name, network.short_digest, state, size, f"{network.licence}, {use}", str(path))))
    return 0


def _pull(store: Store, args: argparse.Namespace) -> int:
    from tryon_service.zoo.mirror import VARIABLE, Mirror

    if where := os.environ.get(VARIABLE):
        store.take_own(Mirror(where))
    for name in args.names or list(store.manifest.networks):
        print(f"{name}  {store.pull(name)}")
    return 0


def _verify(store: Store, args: argparse.Namespace) -> int:
    for name in args.names or list(store.manifest.networks):
        store.verify(name)
        print(f"{name}  verified")
    return 0


def _mirror(store: Store, args: argparse.Namespace) -> int:
    from tryon_service.zoo.mirror import Mirror

    mirror = Mirror(args.target, "TARGET")
    for name in args.names or list(store.manifest.networks):
        done = "copied" if store.mirror(name, mirror) else "was there"
        print(f"{name}  {done}, verified")
    return 0


def _use(store: Store, args: argparse.Namespace) -> int:
    network = store.use(args.network, args.digest)
    print(f"{network.name}  {network.sha256}  from the engine's next start on")
    return 0


def _import(store: Store, args: argparse.Namespace) -> int:
    if args.network in PLUGGED_IN:
        network, done = _import_plug_in(store, args)
    else:
        network, done = _import_generator(store, args)
    for what in done:
        print(f"{args.file.name}: {what}")
    print(f"{network.name}  {store.path(network.name)}")
    return 0


def _import_generator(store: Store, args: argparse.Namespace) -> tuple[Network, list[str]]:
    from tryon_service.renderers.generators import UNKNOWN_LICENCE, import_weights

    return import_weights(
        args.network,
        args.file,
        store,
        pose_encoding=args.pose_encoding,
        licence=args.licence or UNKNOWN_LICENCE,
        commercial_use=args.commercial_use,
        replace=args.replace,
    )


def _import_plug_in(store: Store, args: argparse.Namespace) -> tuple[Network, list[str]]:
    from tryon_service.errors import InputError
    from tryon_service.perception.plug_in_files import import_plug_in

    if args.pose_encoding:
        raise InputError("invalid_option", f"{args.network} is shown no pose.", "pose_encoding")
    return import_plug_in(
        args.network,
        args.file,
        store,
        licence=args.licence,
        commercial_use=args.commercial_use,
        replace=args.replace,
    )
