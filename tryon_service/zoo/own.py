"""Networks of the operator's own: entries beside the shipped manifest's, in own.json in the folder of the files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

from tryon_service.errors import ZooError
from tryon_service.zoo.manifest import VERSION, ImportedFile, Manifest, Network, networks_of

FILE = "own.json"


def with_own(shipped: Manifest, root: Path) -> Manifest:
    """The shipped manifest and the folder's own entries.

    Raises ZooError("internal") naming the file if it can't be read, is unsound, or has a name that is taken.
    """
    own = own_networks(root)
    if taken := sorted(set(own) & set(shipped.networks)):
        raise ZooError("internal", f"{root / FILE} lists {', '.join(taken)}, which come with the package.")
    return replace(shipped, networks=MappingProxyType({**shipped.networks, **own}))


def own_networks(root: Path) -> dict[str, Network]:
    """By name; none where there is no such file. Raises ZooError("internal")."""
    file = root / FILE
    try:
        document = json.loads(file.read_bytes())
        version = document["version"]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZooError("internal", f"{file} can't be read; remove it and import again: {error}.") from error
    if version != VERSION:
        raise ZooError("internal", f"{file} has version {version!r}, expected {VERSION}.")
    return networks_of(document, str(file))


def write_own(root: Path, networks: Mapping[str, Network]) -> None:
    """Temporary file, sync, rename. To be called by one process at a time."""
    document = {"version": VERSION, "networks": [_entry(network) for network in networks.values()]}
    descriptor, name = tempfile.mkstemp(dir=root, prefix=f".{FILE}-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(document, out, indent=2, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        part.chmod(0o644)
        part.replace(root / FILE)
    finally:
        part.unlink(missing_ok=True)


def _entry(network: Network) -> dict[str, object]:
    sources = [{"kind": "imported", **asdict(source)} for source in network.sources if isinstance(source, ImportedFile)]
    return {**asdict(network), "sources": sources}
